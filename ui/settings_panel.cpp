#include "ui/settings_panel.h"

#include <algorithm>
#include <string_view>

#include "ui/dialog.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 640, kHeading = 34, kLine = 18, kLabel = 22, kGap = 16, kSegment = 30, kOption = 44, kOptionAlone = 34, kColumn = 12;  // logical
constexpr float kWords = 160;  // logical: what label and help need beside the values
constexpr std::string_view kListId = "settings/list";

std::string_view option_id(Frame& frame, const SettingRow& row, const SettingOption& option) { return frame.join("settings/", row.key, ":", option.value); }

/// The rows below each other.
class Page {
 public:
  /// `help`: the words of each row, laid out here for a page of this width.
  Page(Frame& frame, float width, std::vector<Paragraph>& help) : frame_(frame), help_(help), width_(width) {
    const std::vector<SettingRow>& rows = frame.state.settings;
    help_.resize(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const float room = beside(rows[i]) ? width - bar_width(rows[i]) - frame.px(20) : width;
      help_[i].set(frame, rows[i].reason.empty() ? rows[i].help : rows[i].reason, frame.font(text::Style::regular, size::kSmall), frame.px(kLine), room);
    }
  }

  float height() const {
    float height = 0;
    std::string_view section;
    for (std::size_t i = 0; i < help_.size(); ++i) {
      const SettingRow& row = frame_.state.settings[i];
      if (row.section != section) height += frame_.px(kHeading);
      section = row.section;
      height += (beside(row) ? height_beside(i) : height_below(i)) + frame_.px(kGap);
    }
    return height;
  }

  /// From the top of `view` on, moved up by `scroll`.
  void draw(Rect view, float scroll) {
    view_ = view;
    y_ = view.top - scroll;
    std::string_view section;
    for (std::size_t i = 0; i < help_.size(); ++i) {
      const SettingRow& row = frame_.state.settings[i];
      if (row.section != section) heading(row.section);
      section = row.section;
      beside(row) ? draw_beside(i) : draw_below(i);
      y_ += frame_.px(kGap);
    }
  }

 private:
  text::Font segment_font() const { return frame_.font(text::Style::medium, size::kSmall); }
  float segment_width(const SettingOption& option) const { return std::ceil(frame_.canvas.width(segment_font(), option.label)) + 2 * frame_.px(kColumn); }
  float bar_width(const SettingRow& row) const {
    float width = 0;
    for (const SettingOption& option : row.options) width += segment_width(option);
    return width;
  }
  /// Values without words of their own stand beside each other, if that leaves room for the row's; others below each other.
  bool beside(const SettingRow& row) const {
    const bool detailed = std::any_of(row.options.begin(), row.options.end(), [](const SettingOption& option) { return !option.detail.empty(); });
    return !detailed && width_ - bar_width(row) - frame_.px(20) >= frame_.px(kWords);
  }
  float option_height(const SettingOption& option) const { return frame_.px(option.detail.empty() ? kOptionAlone : kOption); }
  float words_height(std::size_t i) const { return frame_.px(kLabel) + help_[i].height(); }
  float height_beside(std::size_t i) const { return std::max(words_height(i), frame_.px(kSegment) + frame_.px(4)); }
  float height_below(std::size_t i) const {
    float height = words_height(i) + frame_.px(8);
    for (const SettingOption& option : frame_.state.settings[i].options) height += option_height(option) + frame_.px(2);
    return height;
  }

  void heading(std::string_view words) {
    frame_.canvas.text({view_.left, y_}, frame_.px(24), frame_.font(text::Style::bold, size::kSmall), frame_.theme.accent, words);
    y_ += frame_.px(kHeading);
  }

  /// Label and help.
  void draw_words(std::size_t i, float width) {
    const SettingRow& row = frame_.state.settings[i];
    frame_.canvas.text_cut({view_.left, y_}, frame_.px(kLabel), width, frame_.font(text::Style::medium, size::kInterface), frame_.theme.ink, row.label);
    help_[i].draw(frame_, {view_.left, y_ + frame_.px(kLabel)}, frame_.theme.ink_soft);
  }

  bool press(const SettingRow& row, const SettingOption& option, Rect rect) {
    const std::string_view id = option_id(frame_, row, option);
    const bool possible = option.enabled && row.reason.empty();
    frame_.input.add({.id = id, .role = ItemRole::button, .label = frame_.join(row.label, ": ", option.label), .rect = rect.intersect(view_), .enabled = possible,
                      .selected = option.value == row.chosen});
    const bool activated = frame_.input.activated(id);
    if (activated && !option.copies.empty()) frame_.clipboard.write(option.copies);
    else if (activated && !option.runs.empty()) frame_.command_asked = command_named(option.runs);
    else if (activated && option.value != row.chosen) frame_.send(ChangeSetting{row.key, option.value});
    return possible && frame_.input.hovered(id);
  }

  Color ink_of(const SettingRow& row, const SettingOption& option) const {
    return option.enabled && row.reason.empty() ? frame_.theme.ink : frame_.theme.ink_soft;
  }

  /// The values as one bar at the right of the words.
  void draw_beside(std::size_t i) {
    const SettingRow& row = frame_.state.settings[i];
    Canvas& canvas = frame_.canvas;
    const text::Font font = segment_font();
    const float pad = frame_.px(kColumn), height = frame_.px(kSegment), radius = frame_.px(size::kRadius), width = bar_width(row);
    draw_words(i, view_.width() - width - frame_.px(20));
    const Rect bar{view_.right - width, y_ + frame_.px(2), view_.right, y_ + frame_.px(2) + height};
    canvas.fill(bar, frame_.theme.chip, radius);
    float x = bar.left;
    for (const SettingOption& option : row.options) {
      const Rect rect{x, bar.top, x + segment_width(option), bar.bottom};
      const bool hot = press(row, option, rect), chosen = option.value == row.chosen;
      if (chosen) canvas.fill(rect, frame_.theme.accent, radius);
      if (hot && !chosen) canvas.fill(rect, frame_.theme.hover, radius);
      canvas.text({rect.left + pad, rect.top}, height, font, chosen ? frame_.theme.on_accent : ink_of(row, option), option.label);
      focus_ring(frame_, option_id(frame_, row, option), rect, radius);
      x = rect.right;
    }
    y_ += height_beside(i);
  }

  /// Each value with its words, below the row's own.
  void draw_below(std::size_t i) {
    const SettingRow& row = frame_.state.settings[i];
    Canvas& canvas = frame_.canvas;
    draw_words(i, view_.width());
    y_ += words_height(i) + frame_.px(8);
    const float inset = frame_.px(kColumn), mark = frame_.px(26), radius = frame_.px(size::kRadius);
    for (const SettingOption& option : row.options) {
      const Rect rect{view_.left - inset, y_, view_.right, y_ + option_height(option)};
      const bool hot = press(row, option, rect), chosen = option.value == row.chosen;
      if (chosen || hot) canvas.fill(rect, chosen ? frame_.theme.chosen : frame_.theme.hover, radius);
      const Vec center{rect.left + inset + frame_.px(8), rect.center().y};
      canvas.disc(center, frame_.px(8), chosen ? frame_.theme.accent : frame_.theme.ink_soft);
      canvas.disc(center, frame_.px(chosen ? 3 : 6.5f), chosen ? frame_.theme.on_accent : frame_.theme.raised);
      const float left = rect.left + inset + mark, room = rect.right - left - inset;
      canvas.text_cut({left, y_ + frame_.px(option.detail.empty() ? 7 : 3)}, frame_.px(20), room, frame_.font(text::Style::medium, size::kInterface), ink_of(row, option), option.label);
      canvas.text_cut({left, y_ + frame_.px(22)}, frame_.px(18), room, frame_.font(text::Style::regular, size::kSmall), frame_.theme.ink_soft, option.detail);
      focus_ring(frame_, option_id(frame_, row, option), rect.inset(frame_.px(2), frame_.px(2)), radius);
      y_ = rect.bottom + frame_.px(2);
    }
  }

  Frame& frame_;
  std::vector<Paragraph>& help_;
  float width_;
  Rect view_;
  float y_ = 0;
};

}  // namespace

void SettingsPanel::open(Frame& frame) {
  open_ = true;
  scroll_ = 0;
  frame.input.focus(kListId);
}

void SettingsPanel::draw(Frame& frame, Rect window) {
  if (!open_) return;
  const float width = std::min(frame.px(kWidth), window.width() - frame.px(24)), head = frame.px(Dialog::kPad + Dialog::kHead), bar = frame.px(8);
  Page page(frame, width - 2 * frame.px(Dialog::kPad) - bar, help_);
  const float content = page.height() + frame.px(Dialog::kPad) - frame.px(kGap);
  Dialog dialog(frame, window, {"settings", "Settings", width, std::min(content + head, window.height() * 0.86f)});
  const Rect inside = dialog.to_the_edge();
  frame.input.add({.id = kListId, .role = ItemRole::document, .label = "Settings", .rect = inside});
  scroll_ = std::round(std::clamp(scrolled(frame, kListId, inside.height(), scroll_), 0.0f, std::max(0.0f, content - inside.height())));
  frame.canvas.push_clip({inside.left - frame.px(kColumn), inside.top, inside.right, inside.bottom});
  page.draw({inside.left, inside.top, inside.right - bar, inside.bottom}, scroll_);
  frame.canvas.pop_clip();
  const float dragged = scroll_bar(frame, "settings/scroll", {inside.left, inside.top, inside.right + frame.px(14), inside.bottom}, content, scroll_);
  if (frame.input.pressed("settings/scroll")) scroll_ = std::round(dragged);
  scroll_ = follow_keyboard(frame, "settings/", inside, scroll_, reached_);
  if (!dialog.closed() && !frame.command_asked) return;
  open_ = false;
  frame.input.focus("composer/text");
}

}  // namespace foreword::ui

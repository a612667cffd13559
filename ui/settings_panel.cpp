#include "ui/settings_panel.h"

#include <algorithm>
#include <string>

#include "ui/dialog.h"
#include "ui/paragraph.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 640, kHeading = 34, kLine = 18, kLabel = 22, kGap = 16, kSegment = 30, kOption = 44, kColumn = 12;  // logical
const std::string kListId = "settings/list";

std::string option_id(const SettingRow& row, const SettingOption& option) { return "settings/" + row.key + ":" + option.value; }

/// Values without words of their own stand beside each other; others below each other.
bool beside(const SettingRow& row) {
  return std::none_of(row.options.begin(), row.options.end(), [](const SettingOption& option) { return !option.detail.empty(); });
}

/// Draws the page from the top of `view` on, moved up by `scroll`; its height.
class Page {
 public:
  Page(Frame& frame, Rect view, float scroll) : frame_(frame), view_(view), y_(view.top - scroll) {}

  float draw() {
    const float top = y_;
    std::string_view section;
    for (const SettingRow& row : frame_.state.settings) {
      if (row.section != section) heading(row.section);
      section = row.section;
      beside(row) ? draw_beside(row) : draw_below(row);
      y_ += frame_.px(kGap);
    }
    return y_ - top;
  }

 private:
  void heading(std::string_view words) {
    frame_.canvas.text({view_.left, y_}, frame_.px(24), frame_.font(text::Style::bold, size::kSmall), frame_.theme.accent, words);
    y_ += frame_.px(kHeading);
  }

  /// Label and help within `width`; their height.
  float words(const SettingRow& row, float width) {
    frame_.canvas.text_cut({view_.left, y_}, frame_.px(kLabel), width, frame_.font(text::Style::medium, size::kInterface), frame_.theme.ink, row.label);
    const std::string_view help = row.reason.empty() ? std::string_view(row.help) : std::string_view(row.reason);
    Paragraph paragraph(frame_, help, frame_.font(text::Style::regular, size::kSmall), frame_.px(kLine), width);
    paragraph.draw(frame_, {view_.left, y_ + frame_.px(kLabel)}, frame_.theme.ink_soft);
    return frame_.px(kLabel) + paragraph.height();
  }

  bool press(const SettingRow& row, const SettingOption& option, Rect rect) {
    const std::string id = option_id(row, option);
    const bool possible = option.enabled && row.reason.empty();
    frame_.input.add({.id = id, .role = ItemRole::button, .label = row.label + ": " + option.label, .rect = rect.intersect(view_), .enabled = possible,
                      .selected = option.value == row.chosen});
    if (frame_.input.activated(id) && option.value != row.chosen) frame_.send(ChangeSetting{row.key, option.value});
    return possible && frame_.input.hovered(id);
  }

  Color ink_of(const SettingRow& row, const SettingOption& option) const {
    return option.enabled && row.reason.empty() ? frame_.theme.ink : frame_.theme.ink_soft;
  }

  /// The values as one bar at the right of the words.
  void draw_beside(const SettingRow& row) {
    Canvas& canvas = frame_.canvas;
    const text::Font font = frame_.font(text::Style::medium, size::kSmall);
    const float pad = frame_.px(12), height = frame_.px(kSegment), radius = frame_.px(size::kRadius);
    float width = 0;
    for (const SettingOption& option : row.options) width += std::ceil(canvas.width(font, option.label)) + 2 * pad;
    const float height_of_words = words(row, view_.width() - width - frame_.px(20));
    const Rect bar{view_.right - width, y_ + frame_.px(2), view_.right, y_ + frame_.px(2) + height};
    canvas.fill(bar, frame_.theme.chip, radius);
    float x = bar.left;
    for (const SettingOption& option : row.options) {
      const Rect rect{x, bar.top, x + std::ceil(canvas.width(font, option.label)) + 2 * pad, bar.bottom};
      const bool hot = press(row, option, rect), chosen = option.value == row.chosen;
      if (chosen) canvas.fill(rect, frame_.theme.accent, radius);
      if (hot && !chosen) canvas.fill(rect, frame_.theme.hover, radius);
      canvas.text({rect.left + pad, rect.top}, height, font, chosen ? frame_.theme.on_accent : ink_of(row, option), option.label);
      focus_ring(frame_, option_id(row, option), rect, radius);
      x = rect.right;
    }
    y_ += std::max(height_of_words, height + frame_.px(4));
  }

  /// Each value with its words, below the row's own.
  void draw_below(const SettingRow& row) {
    Canvas& canvas = frame_.canvas;
    y_ += words(row, view_.width()) + frame_.px(8);
    const float height = frame_.px(kOption), inset = frame_.px(kColumn), mark = frame_.px(26), radius = frame_.px(size::kRadius);
    for (const SettingOption& option : row.options) {
      const Rect rect{view_.left - inset, y_, view_.right, y_ + height};
      const bool hot = press(row, option, rect), chosen = option.value == row.chosen;
      if (chosen || hot) canvas.fill(rect, chosen ? frame_.theme.chosen : frame_.theme.hover, radius);
      const Vec center{rect.left + inset + frame_.px(8), rect.center().y};
      canvas.disc(center, frame_.px(8), chosen ? frame_.theme.accent : frame_.theme.ink_soft);
      canvas.disc(center, frame_.px(chosen ? 3 : 6.5f), chosen ? frame_.theme.on_accent : frame_.theme.raised);
      const float left = rect.left + inset + mark, room = rect.right - left - inset;
      canvas.text_cut({left, y_ + frame_.px(3)}, frame_.px(20), room, frame_.font(text::Style::medium, size::kInterface), ink_of(row, option), option.label);
      canvas.text_cut({left, y_ + frame_.px(22)}, frame_.px(18), room, frame_.font(text::Style::regular, size::kSmall), frame_.theme.ink_soft, option.detail);
      focus_ring(frame_, option_id(row, option), rect.inset(frame_.px(2), frame_.px(2)), radius);
      y_ = rect.bottom + frame_.px(2);
    }
  }

  Frame& frame_;
  Rect view_;
  float y_;
};

float content_height(Frame& frame, float width) {
  float height = 0;
  std::string_view section;
  for (const SettingRow& row : frame.state.settings) {
    if (row.section != section) height += frame.px(kHeading);
    section = row.section;
    Paragraph help(frame, row.reason.empty() ? std::string_view(row.help) : std::string_view(row.reason), frame.font(text::Style::regular, size::kSmall), frame.px(kLine), width);
    height += frame.px(kLabel + kGap) + help.height();
    if (!beside(row)) height += frame.px(8) + static_cast<float>(row.options.size()) * (frame.px(kOption) + frame.px(2));
  }
  return height;
}

}  // namespace

void SettingsPanel::open(Frame& frame) {
  open_ = true;
  scroll_ = 0;
  frame.input.focus(kListId);
}

void SettingsPanel::draw(Frame& frame, Rect window) {
  if (!open_) return;
  const float width = frame.px(kWidth), head = frame.px(2 * Dialog::kPad + Dialog::kHead);
  const float estimate = content_height(frame, width * 0.55f);
  Dialog dialog(frame, window, {"settings", "Settings", width, std::min(estimate + head, window.height() * 0.86f)});
  const Rect inside = dialog.inside();
  frame.input.add({.id = kListId, .role = ItemRole::document, .label = "Settings", .rect = inside});
  for (const InputEvent& event : frame.input.events_of(kListId)) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) scroll_ -= wheel->dy * frame.px(60);
    const auto* key = std::get_if<KeyPress>(&event);
    if (key == nullptr) continue;
    if (key->key == Key::down || key->key == Key::page_down) scroll_ += inside.height() * (key->key == Key::down ? 0.2f : 0.9f);
    if (key->key == Key::up || key->key == Key::page_up) scroll_ -= inside.height() * (key->key == Key::up ? 0.2f : 0.9f);
  }
  frame.canvas.push_clip({inside.left - frame.px(kColumn), inside.top, inside.right, inside.bottom});
  const Rect view{inside.left, inside.top, inside.right - frame.px(8), inside.bottom};
  const float content = Page(frame, view, scroll_).draw();
  frame.canvas.pop_clip();
  scroll_ = std::round(std::clamp(scroll_, 0.0f, std::max(0.0f, content - inside.height())));
  const float dragged = scroll_bar(frame, "settings/scroll", {inside.left, inside.top, inside.right + frame.px(14), inside.bottom}, content, scroll_);
  if (frame.input.pressed("settings/scroll")) scroll_ = std::round(dragged);
  if (!dialog.closed()) return;
  open_ = false;
  frame.input.focus("composer/text");
}

}  // namespace foreword::ui

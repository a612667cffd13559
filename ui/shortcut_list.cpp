#include "ui/shortcut_list.h"

#include <algorithm>
#include <array>

#include "ui/commands.h"
#include "ui/dialog.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 760, kRow = 46, kHeading = 34, kGap = 10;  // logical
constexpr std::array<std::pair<CommandScope, const char*>, 3> kHeadings{
    {{CommandScope::window, "Anywhere"}, {CommandScope::writing, "While writing"}, {CommandScope::reading, "In the conversation"}}};
constexpr std::string_view kListId = "shortcuts/list";

float content_height(const Frame& frame) {
  return static_cast<float>(commands().size()) * frame.px(kRow) + static_cast<float>(kHeadings.size()) * frame.px(kHeading + kGap) + frame.px(Dialog::kPad);
}

}  // namespace

void ShortcutList::open(Frame& frame) {
  open_ = true;
  if (caps_.empty()) {
    for (const Command& command : commands()) {
      for (const Chord& chord : command.keys) caps_.push_back(chord.key == Key::none ? std::vector<std::string>() : caps_of(chord));
    }
  }
  scroll_ = 0;
  frame.input.focus(kListId);
}

/// A chord's keys up to `right`; where they begin.
float ShortcutList::draw_caps(Frame& frame, const std::vector<std::string>& caps, float right, float top) const {
  const text::Font font = frame.font(text::Style::medium, size::kSmall);
  const float height = frame.px(24);
  for (auto cap = caps.rbegin(); cap != caps.rend(); ++cap) {
    const float words = std::ceil(frame.canvas.width(font, *cap)), width = std::max(frame.px(26), words + frame.px(14));
    const Rect key{right - width, top, right, top + height};
    frame.canvas.fill(key, frame.theme.chip, frame.px(6));
    frame.canvas.text({std::round(key.center().x - words / 2), top}, height, font, frame.theme.ink, *cap);
    right = key.left - frame.px(4);
  }
  return right;
}

/// The keys as caps at the right, the words at the left.
void ShortcutList::draw_row(Frame& frame, const Command& command, Rect row) {
  static constexpr std::string_view kOr = "or";
  Canvas& canvas = frame.canvas;
  const auto* caps = &caps_[2 * static_cast<std::size_t>(command.id)];
  const float top = row.top + frame.px(6);
  float left = row.right;
  if (!caps[1].empty()) {
    const text::Font font = frame.font(text::Style::regular, size::kSmall);
    left = draw_caps(frame, caps[1], left, top) - std::ceil(canvas.width(font, kOr)) - frame.px(4);
    canvas.text({left, top}, frame.px(24), font, frame.theme.ink_soft, kOr);
    left -= frame.px(8);
  }
  left = draw_caps(frame, caps[0], left, top);
  const float room = left - row.left - frame.px(12);
  canvas.text_cut({row.left, row.top + frame.px(3)}, frame.px(21), room, frame.font(text::Style::medium, size::kInterface), frame.theme.ink, command.label);
  canvas.text_cut({row.left, row.top + frame.px(23)}, frame.px(18), room, frame.font(text::Style::regular, size::kSmall - 1), frame.theme.ink_soft, command.help);
}

void ShortcutList::draw(Frame& frame, Rect window) {
  if (!open_) return;
  const float content = content_height(frame), head = frame.px(Dialog::kPad + Dialog::kHead);
  Dialog dialog(frame, window, {"shortcuts", "Keyboard shortcuts", frame.px(kWidth), std::min(content + head, window.height() * 0.86f)});
  const Rect view = dialog.to_the_edge();
  const float room = std::max(0.0f, content - view.height());
  frame.input.add({.id = kListId, .role = ItemRole::document, .label = "List of shortcuts", .rect = view});
  for (const InputEvent& event : frame.input.events_of(kListId)) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) scroll_ -= wheel->dy * frame.px(60);
    const auto* press = std::get_if<KeyPress>(&event);
    if (press == nullptr) continue;
    const float page = view.height() - frame.px(kRow);
    static constexpr std::array<std::pair<Key, float>, 4> kSteps{{{Key::up, -0.2f}, {Key::down, 0.2f}, {Key::page_up, -1}, {Key::page_down, 1}}};
    for (const auto& [key, pages] : kSteps) scroll_ += press->key == key ? pages * page : 0;
    if (press->key == Key::home) scroll_ = 0;
    if (press->key == Key::end) scroll_ = room;
  }
  scroll_ = std::round(std::clamp(scroll_, 0.0f, room));
  const Rect bar{view.left, view.top, view.right + frame.px(14), view.bottom};
  const float dragged = scroll_bar(frame, "shortcuts/scroll", bar, content, scroll_);
  if (frame.input.pressed("shortcuts/scroll")) scroll_ = std::round(dragged);
  frame.canvas.push_clip(view);
  float y = view.top - scroll_;
  const float right = view.right - (room > 0 ? frame.px(8) : 0);
  for (const auto& [scope, heading] : kHeadings) {
    frame.canvas.text({view.left, y + frame.px(6)}, frame.px(24), frame.font(text::Style::bold, size::kSmall), frame.theme.accent, heading);
    y += frame.px(kHeading);
    for (const Command& command : commands()) {
      if (command.scope != scope) continue;
      const Rect row{view.left, y, right, y + frame.px(kRow)};
      if (row.bottom > view.top && row.top < view.bottom) draw_row(frame, command, row);
      y = row.bottom;
    }
    y += frame.px(kGap);
  }
  frame.canvas.pop_clip();
  if (!dialog.closed()) return;
  open_ = false;
  frame.input.focus("composer/text");
}

}  // namespace foreword::ui

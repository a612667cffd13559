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
  return static_cast<float>(commands().size()) * frame.px(kRow) + static_cast<float>(kHeadings.size()) * frame.px(kHeading + kGap);
}

}  // namespace

void ShortcutList::open(Frame& frame) {
  open_ = true;
  scroll_ = 0;
  frame.input.focus(kListId);
}

/// The keys as a cap at the right, the words at the left.
void ShortcutList::draw_row(Frame& frame, const Command& command, Rect row) {
  Canvas& canvas = frame.canvas;
  const text::Font small = frame.font(text::Style::medium, size::kSmall);
  const std::string_view keys = keys_of(command.id);
  const float cap = std::ceil(canvas.width(small, keys)) + frame.px(16), height = frame.px(24), top = row.top + frame.px(6);
  const Rect key{row.right - cap, top, row.right, top + height};
  canvas.fill(key, frame.theme.chip, frame.px(6));
  canvas.text({key.left + frame.px(8), key.top}, height, small, frame.theme.ink, keys);
  const float room = key.left - row.left - frame.px(16);
  canvas.text_cut({row.left, row.top + frame.px(3)}, frame.px(21), room, frame.font(text::Style::medium, size::kInterface), frame.theme.ink, command.label);
  canvas.text_cut({row.left, row.top + frame.px(23)}, frame.px(18), room, frame.font(text::Style::regular, size::kSmall - 1), frame.theme.ink_soft, command.help);
}

void ShortcutList::draw(Frame& frame, Rect window) {
  if (!open_) return;
  const float content = content_height(frame), head = frame.px(2 * Dialog::kPad + Dialog::kHead);
  Dialog dialog(frame, window, {"shortcuts", "Keyboard shortcuts", frame.px(kWidth), std::min(content + head, window.height() * 0.86f)});
  const Rect view = dialog.inside();
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

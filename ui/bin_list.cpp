#include "ui/bin_list.h"

#include <algorithm>
#include <utility>

#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kHead = 36, kRow = 36, kRowOfMessage = 50, kPad = 12, kMost = 270;  // logical; the last row peeks out
constexpr float kShare = 0.5f;                                                      // of the list, at most
constexpr std::string_view kId = "chats/bin", kListId = "chats/bin/list";

float height_of(const Frame& frame, const BinRow& row) { return frame.px(row.detail.empty() ? kRow : kRowOfMessage); }

}  // namespace

float BinList::draw(Frame& frame, Rect area) {
  float content = 0;
  for (const BinRow& row : frame.state.bin) content += height_of(frame, row);
  if (frame.state.bin.empty()) open_ = false;
  const float rows = open_ ? std::min({content, frame.px(kMost), std::round(area.height() * kShare)}) : 0;
  const float head = frame.px(kHead), height = head + rows + (open_ ? frame.px(6) : 0), top = area.bottom - height;
  frame.canvas.fill({area.left, top, area.right, top + frame.px(1)}, frame.theme.line);
  const bool was_open = open_;
  draw_head(frame, {area.left, top, area.right, top + head});
  if (was_open) draw_rows(frame, {area.left, top + head, area.right, top + head + rows}, content);
  return height;
}

void BinList::draw_head(Frame& frame, Rect rect) {
  Canvas& canvas = frame.canvas;
  const std::size_t n = frame.state.bin.size();
  const float pad = frame.px(kPad), top = rect.top + frame.px(3), bottom = rect.bottom - frame.px(2), side = bottom - top;
  if (icon_button(frame, "chats/backups", "Go back to a copy of all chats\u2026", Icon::history, {rect.right - pad - side, top, rect.right - pad, bottom})) {
    frame.send(ShowBackups{});
  }
  const Rect button{rect.left + pad, top, rect.right - pad - side - frame.px(4), bottom};
  const std::string_view label = n == 0 ? "Bin (empty)" : frame.join("Bin (", n, ")");
  frame.input.add({.id = kId, .role = ItemRole::button, .label = frame.join(label, open_ ? ", unfolded" : ", folded"), .rect = button, .enabled = n > 0, .selected = open_});
  if (frame.input.hovered(kId)) canvas.fill(button, frame.theme.hover, frame.px(size::kRadius));
  canvas.icon(Icon::trash, {button.left + frame.px(16), button.center().y}, frame.px(16), frame.theme.ink_soft);
  canvas.text({button.left + frame.px(32), button.top}, button.height(), frame.font(text::Style::regular, size::kSmall), frame.theme.ink_soft, label);
  if (n > 0) canvas.icon(open_ ? Icon::chevron_down : Icon::chevron_right, {button.right - frame.px(14), button.center().y}, frame.px(14), frame.theme.ink_soft);
  focus_ring(frame, kId, button, frame.px(size::kRadius));
  if (frame.input.activated(kId)) open_ = !open_, scroll_ = 0;
}

void BinList::draw_rows(Frame& frame, Rect view, float content) {
  frame.input.add({.id = kListId, .role = ItemRole::scroll_area, .label = "What is in the bin", .rect = view, .focusable = false});
  for (const InputEvent& event : frame.input.events_of(kListId)) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) scroll_ -= wheel->dy * frame.px(60);
  }
  const float room = std::max(0.0f, content - view.height());
  scroll_ = std::round(std::clamp(scroll_, 0.0f, room));
  std::int64_t reached = 0;
  float wanted = scroll_;
  frame.canvas.push_clip(view);
  float y = view.top - scroll_;
  for (const BinRow& row : frame.state.bin) {
    const Rect rect{view.left + frame.px(kPad + 10), y, view.right - frame.px(kPad), y + height_of(frame, row)};
    if (rect.bottom > view.top && rect.top < view.bottom && draw_row(frame, row, rect)) {
      const float peek = frame.px(20);  // of the rows beside it, to which the keyboard goes on
      reached = row.id;
      wanted = std::min(std::max(scroll_, scroll_ + rect.bottom + peek - view.bottom), scroll_ + rect.top - peek - view.top);
    }
    y = rect.bottom;
  }
  frame.canvas.pop_clip();
  scroll_ = scroll_bar(frame, "chats/bin/scroll", view, content, scroll_);
  if (std::exchange(reached_, reached) == reached || reached == 0) return;
  scroll_ = std::round(std::clamp(wanted, 0.0f, room));
  frame.wake(frame.now);
}

/// A chat by its title; a message by its first words, and the chat that it was in. True: the keyboard is there.
bool BinList::draw_row(Frame& frame, const BinRow& row, Rect rect) {
  const bool message = !row.detail.empty();
  const std::string_view name = message ? row.detail : row.title;
  const float side = frame.px(26), left = rect.right - side, width = left - rect.left - frame.px(6), line = frame.px(20);
  const float top = message ? rect.top + frame.px(5) : std::round(rect.center().y - line / 2);
  frame.canvas.text_cut({rect.left, top}, line, width, frame.font(text::Style::regular, size::kInterface), frame.theme.ink, name);
  if (message) {
    frame.canvas.text_cut({rect.left, top + line}, frame.px(18), width, frame.font(text::Style::regular, size::kSmall - 1), frame.theme.ink_soft, frame.join("Message in ", row.title));
  }
  const std::string_view id = frame.join(kId, "/", row.id);
  const float middle = std::round(rect.center().y - side / 2);
  if (icon_button(frame, id, frame.join("Restore: ", name.substr(0, name.find('\n'))), Icon::undo, {left, middle, rect.right, middle + side})) frame.send(RestoreDeleted{row.id});
  return frame.input.focus_ring(id);
}

}  // namespace foreword::ui

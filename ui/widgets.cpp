#include "ui/widgets.h"

#include <optional>

namespace foreword::ui {

void focus_ring(Frame& frame, std::string_view id, Rect rect, float radius) {
  if (!frame.input.focus_ring(id)) return;
  const float gap = frame.px(2);
  frame.canvas.stroke(rect.inset(-gap, -gap), frame.theme.border_focus, radius + gap, frame.px(2));
}

float text_button_width(Frame& frame, std::string_view label) {
  return std::ceil(frame.canvas.width(frame.font(text::Style::medium, size::kInterface), label)) + frame.px(28);
}

bool text_button(Frame& frame, std::string_view id, std::string_view label, Rect rect, ButtonLook look, ButtonState state) {
  frame.input.add({.id = id, .role = ItemRole::button, .label = label, .rect = rect.intersect(frame.canvas.clip()),
                   .enabled = state.enabled, .selected = state.selected});
  const Theme& theme = frame.theme;
  const float radius = frame.px(size::kRadius);
  const bool hot = state.enabled && frame.input.hovered(id);
  Color ink = theme.ink;
  if (look == ButtonLook::plain) {
    frame.canvas.fill(rect, hot ? theme.hover : theme.raised, radius);
    frame.canvas.stroke(rect, theme.line, radius, frame.px(1));
  } else {
    const Color fill = look == ButtonLook::primary ? theme.accent : theme.danger;
    ink = look == ButtonLook::primary ? theme.on_accent : theme.on_danger;
    frame.canvas.fill(rect, fill.with_alpha(state.enabled ? (hot ? 225 : 255) : 90), radius);
  }
  if (!state.enabled) ink = ink.with_alpha(130);
  const text::Font font = frame.font(text::Style::medium, size::kInterface);
  const float width = frame.canvas.width(font, label);
  frame.canvas.text({std::round(rect.center().x - width / 2), rect.top}, rect.height(), font, ink, label);
  focus_ring(frame, id, rect, radius);
  return frame.input.activated(id);
}

bool icon_button(Frame& frame, std::string_view id, std::string_view label, Icon icon, Rect rect, ButtonState state) {
  frame.input.add({.id = id, .role = ItemRole::button, .label = label, .rect = rect.intersect(frame.canvas.clip()),
                   .enabled = state.enabled, .selected = state.selected, .tip = true});
  const float radius = frame.px(size::kRadius);
  const bool hot = state.enabled && frame.input.hovered(id);
  if (hot || state.selected) frame.canvas.fill(rect, frame.theme.hover, radius);
  const Color ink = hot ? frame.theme.ink : frame.theme.ink_soft.with_alpha(state.enabled ? 255 : 110);
  frame.canvas.icon(icon, rect.center(), std::min(frame.px(18), rect.height()), ink);
  focus_ring(frame, id, rect, radius);
  return frame.input.activated(id);
}

namespace {

/// Where this frame's presses and moves on an item ended; nothing without any.
std::optional<Vec> dragged_to(Frame& frame, std::string_view id) {
  std::optional<Vec> at;
  for (const InputEvent& event : frame.input.events_of(id)) {
    if (const auto* button = std::get_if<MouseButton>(&event); button != nullptr && button->down) at = button->at;
    if (const auto* move = std::get_if<MouseMove>(&event)) at = move->at;
  }
  return at;
}

}  // namespace

float scrolled(Frame& frame, std::string_view id, float height, float scroll) {
  constexpr float kNotch = 60, kStep = 0.2f, kPage = 0.9f;  // logical; of the height
  for (const InputEvent& event : frame.input.events_of(id)) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) scroll -= wheel->dy * frame.px(kNotch);
    const auto* key = std::get_if<KeyPress>(&event);
    if (key == nullptr) continue;
    if (key->key == Key::down || key->key == Key::page_down) scroll += height * (key->key == Key::down ? kStep : kPage);
    if (key->key == Key::up || key->key == Key::page_up) scroll -= height * (key->key == Key::up ? kStep : kPage);
  }
  return scroll;
}

float follow_keyboard(Frame& frame, std::string_view prefix, Rect view, float scroll, Reached& reached) {
  constexpr float kPeek = 280;  // logical; as far as one thing is from the next, with headings, help and what cannot be changed now between them
  const std::string& id = frame.input.focus_id();
  const Item* item = id.starts_with(prefix) && frame.input.focus_ring(id) ? frame.input.find(id) : nullptr;
  if (item == nullptr || item->role == ItemRole::document || item->rect.intersect(view).empty()) return reached.id.clear(), scroll;
  if (reached.id == id) return scroll;
  const float y = item->rect.center().y + scroll;
  const bool down = reached.id.empty() ? item->rect.center().y > view.center().y : y >= reached.y;
  reached = {id, y};
  const float peek = std::min(frame.px(kPeek), view.height() - item->rect.height());
  frame.wake(frame.now);
  if (down) return std::round(std::max(scroll, scroll + item->rect.bottom + peek - view.bottom));
  return std::round(std::min(scroll, scroll + item->rect.top - peek - view.top));
}

float scroll_bar(Frame& frame, std::string_view id, Rect area, float content_height, float scroll) {
  const float room = content_height - area.height();
  if (room <= 0 || area.empty()) return 0;
  const float width = frame.px(12), margin = frame.px(3);
  const Rect track{area.right - width, area.top, area.right, area.bottom};
  const float thumb_height = std::clamp(area.height() * area.height() / content_height, frame.px(28), area.height());
  const float travel = area.height() - thumb_height;
  frame.input.add({.id = id, .role = ItemRole::button, .label = "Scroll bar", .rect = track.intersect(frame.canvas.clip()), .focusable = false});
  if (const auto at = dragged_to(frame, id); at && travel > 0) {
    scroll = std::clamp((at->y - area.top - thumb_height / 2) / travel, 0.0f, 1.0f) * room;
  }
  scroll = std::clamp(scroll, 0.0f, room);
  const bool hot = frame.input.hovered(id) || frame.input.pressed(id);
  const float top = area.top + travel * scroll / room;
  Rect thumb{track.left + margin, top + margin, track.right - margin, top + thumb_height - margin};
  if (!hot) thumb.left += frame.px(2);
  frame.canvas.fill(thumb, frame.theme.ink_soft.with_alpha(hot ? 140 : 70), thumb.width() / 2);
  return scroll;
}

float sideways_bar(Frame& frame, std::string_view id, Rect area, float content_width, float scroll) {
  const float room = content_width - area.width();
  if (room <= 0 || area.empty()) return 0;
  const float height = frame.px(10), margin = frame.px(3);
  const Rect track{area.left + margin, area.bottom - height, area.right - margin, area.bottom};
  const float thumb_width = std::clamp(track.width() * area.width() / content_width, frame.px(28), track.width());
  const float travel = track.width() - thumb_width;
  frame.input.add({.id = id, .role = ItemRole::button, .label = "Scroll bar", .rect = track.intersect(frame.canvas.clip()), .focusable = false});
  if (const auto at = dragged_to(frame, id); at && travel > 0) {
    scroll = std::clamp((at->x - track.left - thumb_width / 2) / travel, 0.0f, 1.0f) * room;
  }
  scroll = std::clamp(scroll, 0.0f, room);
  const bool hot = frame.input.hovered(id) || frame.input.pressed(id);
  const float left = track.left + travel * scroll / room;
  Rect thumb{left, track.top + margin, left + thumb_width, track.bottom - margin};
  if (hot) thumb = thumb.inset(0, -frame.px(1));
  frame.canvas.fill(thumb, frame.theme.ink_soft.with_alpha(hot ? 140 : 70), thumb.height() / 2);
  return scroll;
}

}  // namespace foreword::ui

// The conversation under the hand: wheel, keys and mouse, and what they select.

#include <algorithm>

#include "ui/clicks.h"
#include "ui/message_view.h"

namespace foreword::ui {

void MessageView::handle_input(Frame& frame, Rect area, float& moved) {
  for (const InputEvent& event : frame.input.events_of(kId)) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) {
      handle_wheel(frame, *wheel, moved);
    } else if (const auto* press = std::get_if<KeyPress>(&event)) {
      handle_key(frame, *press, area, moved);
    } else if (const auto* button = std::get_if<MouseButton>(&event)) {
      if (button->down && button->button == 0) handle_press(frame, *button);
      if (!button->down && selecting_) frame.clipboard.write(selected_text(frame.state, CopyAs::plain), Board::selected);
    } else if (const auto* move = std::get_if<MouseMove>(&event)) {
      to_ = place_at(frame, move->at);
      if (n_clicks_ > 1 && to_.message == from_.message) {  // word by word from what was clicked
        from_.offset = to_ < Place{to_.message, clicked_.begin} ? clicked_.end : clicked_.begin;
        to_.offset = to_.offset < clicked_.begin ? to_.offset : std::max(to_.offset, clicked_.end);
      }
      selecting_ = from_ != to_;
    }
  }
  for (const KeyPress& press : frame.input.shortcuts()) {
    const bool sideways = press.key == Key::left || press.key == Key::right;
    if (sideways && press.mods.alt) show_sibling(frame, press.key == Key::right ? 1 : -1);
  }
  scroll_while_dragging(frame, area, moved);
  if (selecting_) following_ = false;
}

void MessageView::handle_wheel(Frame& frame, const Wheel& wheel, float& moved) {
  const Place place = place_at(frame, wheel.at);
  const float step = frame.px(70);
  if (wheel.dx != 0 && place.message < entries_.size()) {
    const Vec point{wheel.at.x - column_.left, wheel.at.y - column_.top - card_top(place.message)};
    entries_[place.message].card.scroll_sideways(point, -wheel.dx * step);
  }
  moved -= wheel.dy * step;
}

void MessageView::handle_press(Frame& frame, const MouseButton& button) {
  const Place place = place_at(frame, button.at);
  const bool extend = button.mods.shift && (n_clicks_ > 0 || selecting_);
  n_clicks_ = count_click(button, frame.px(4), last_click_, last_click_at_, n_clicks_);
  if (!extend) from_ = place;
  to_ = place;
  if (n_clicks_ > 1 && place.message < entries_.size() && entries_[place.message].exact) {
    const MessageCard& card = entries_[place.message].card;
    clicked_ = n_clicks_ == 2 ? card.word_at(place.offset) : card.paragraph_at(place.offset);
    from_.offset = clicked_.begin;
    to_.offset = clicked_.end;
  }
  selecting_ = from_ != to_;
}

/// Held outside the view, the mouse moves it on as long as it stays there.
void MessageView::scroll_while_dragging(Frame& frame, Rect area, float& moved) {
  if (!frame.input.pressed(kId) || !selecting_) return;
  const Vec mouse = frame.input.mouse();
  const float out = mouse.y < area.top ? mouse.y - area.top : mouse.y > area.bottom ? mouse.y - area.bottom : 0;
  if (out == 0) return;
  moved += std::clamp(out / 4, -frame.px(28), frame.px(28));
  to_ = place_at(frame, mouse);
  frame.wake(frame.now + 1.0 / 60);
}

void MessageView::handle_key(Frame& frame, const KeyPress& press, Rect area, float& moved) {
  const float page = area.height() - frame.px(60), line = frame.px(48);
  if (press.mods.shift && extend_selection(frame, press, area, moved)) return;
  switch (press.key) {
    case Key::up: moved -= line; return;
    case Key::down: moved += line; return;
    case Key::page_up: moved -= page; return;
    case Key::page_down: moved += page; return;
    case Key::home: set_scroll(0, area.height()), following_ = false; return;
    case Key::end: following_ = true, selecting_ = false; return;
    default: break;
  }
  if (press.key == letter('c')) {
    const std::string text = selected_text(frame.state, press.mods.shift ? CopyAs::markdown : CopyAs::plain);
    if (!text.empty()) frame.clipboard.write(text);
  }
  if (press.key == letter('a') && !entries_.empty()) select_all(frame.state);
}

/// Of the message whose button has the focus, or that was clicked; above it if that has no versions.
void MessageView::show_sibling(Frame& frame, int step) {
  const auto& messages = frame.state.messages;
  const std::string_view focus = frame.input.focus_id();
  if (focus != kId && !frame.input.is_focused_below(kId)) return;
  std::size_t i = n_clicks_ > 0 && to_.message < messages.size() ? to_.message + 1 : messages.size();
  for (std::size_t m = 0; m < messages.size() && focus != kId; ++m) {
    if (frame.input.is_focused_below(frame.join(kId, "/", messages[m].id))) i = m + 1;
  }
  while (i > 0 && messages[i - 1].n_siblings < 2) --i;
  if (i > 0 && !frame.state.generating) frame.send(ShowSibling{messages[i - 1].id, step});
}

/// Shift and an arrow: the selection's end goes on, from message to message, and the view with it.
bool MessageView::extend_selection(Frame& frame, const KeyPress& press, Rect area, float& moved) {
  if (press.key != Key::left && press.key != Key::right && press.key != Key::up && press.key != Key::down) return false;
  if (entries_.empty()) return true;
  if (n_clicks_ == 0 && !selecting_) from_ = to_ = place_at(frame, {column_.left, area.top});
  const bool forwards = press.key == Key::right || press.key == Key::down;
  const auto spot = [&](Place place) {
    text::Boxes::Spot at = entries_[place.message].card.spot_of(frame, place.offset);
    at.x += column_.left;
    at.y += column_.top + card_top(place.message);
    return at;
  };
  if (!entries_[to_.message].exact) lay_out(frame, to_.message);
  if (press.key == Key::left || press.key == Key::right) {
    if (const auto next = entries_[to_.message].card.beside(to_.offset, forwards, press.mods.ctrl)) {
      to_.offset = *next;
    } else if (forwards ? to_.message + 1 < entries_.size() : to_.message > 0) {
      to_ = forwards ? Place{to_.message + 1, 0} : Place{to_.message - 1, kMessageEnd};
    }
  } else {
    const text::Boxes::Spot here = spot(to_);
    for (float y = forwards ? here.line_height : 0, step = frame.px(8); y < 10 * here.line_height; y += step) {  // over gaps, too
      const Place next = place_at(frame, {here.x, forwards ? here.y + y + 1 : here.y - y - 1});
      if (forwards ? to_ < next : next < to_) {
        to_ = next;
        break;
      }
    }
  }
  selecting_ = from_ != to_;
  if (!entries_[to_.message].exact) lay_out(frame, to_.message);
  const text::Boxes::Spot now = spot(to_);
  if (now.y < area.top) moved += now.y - area.top;
  if (now.y + now.line_height > area.bottom) moved += now.y + now.line_height - area.bottom;
  return true;
}

/// The message that was clicked, then the whole chat.
void MessageView::select_all(const ViewState& state) {
  const Place begin{to_.message, 0}, end{to_.message, kMessageEnd};
  const bool one = n_clicks_ > 0 && to_.message < state.messages.size() && !(from_ == begin && to_ == end);
  from_ = one ? begin : Place{0, 0};
  to_ = one ? end : Place{state.messages.size() - 1, kMessageEnd};
  selecting_ = true;
}

Range MessageView::selection_in(std::size_t message) const {
  if (!selecting_) return {};
  const Place first = std::min(from_, to_), last = std::max(from_, to_);
  if (message < first.message || message > last.message) return {};
  return {message == first.message ? first.offset : 0, message == last.message ? last.offset : kMessageEnd};
}

std::string MessageView::selected_text(const ViewState& state, CopyAs as) const {
  std::string text;
  for (std::size_t i = 0; selecting_ && i < state.messages.size(); ++i) {
    const Range range = selection_in(i);
    const std::string part = range.empty() ? std::string() : copy_message(state.messages[i], range, as);
    if (part.empty()) continue;
    if (!text.empty()) text += "\n\n";
    text += part;
  }
  return text;
}

}  // namespace foreword::ui

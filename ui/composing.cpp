#include "ui/composing.h"

#include <algorithm>
#include <utility>

namespace foreword::ui {
namespace {

/// Keys that input methods use for themselves.
bool is_control(const InputEvent& event) {
  const auto* press = std::get_if<KeyPress>(&event);
  if (press == nullptr) return false;
  switch (press->key) {
    case Key::enter: case Key::tab: case Key::escape: case Key::backspace:
    case Key::left: case Key::right: case Key::up: case Key::down: return true;
    default: return false;
  }
}

bool is_key(const InputEvent& event, Key key) {
  const auto* press = std::get_if<KeyPress>(&event);
  return press != nullptr && press->key == key;
}

}  // namespace

double Composing::wake_at() const { return std::min(n_awaited_ > 0 ? window_ends_ : kNever, gives_up_); }

void Composing::take_printable(const KeyPress& press, double now, std::vector<InputEvent>& out) {
  advance(now, out);
  if (!composing_) {
    ++n_awaited_;
    window_ends_ = now + kCharacterWindow;
  }
  auto& queue = held_.empty() ? out : held_;
  queue.emplace_back(press);
}

void Composing::take(InputEvent event, double now, std::vector<InputEvent>& out) {
  advance(now, out);
  if (std::holds_alternative<Character>(event)) {  // never waits: what is held came after its press
    out.push_back(std::move(event));
    composing_ = false;
    gives_up_ = kNever;
    if (n_awaited_ > 0 && --n_awaited_ == 0) release_held(out);
    return;
  }
  if (const auto* focus = std::get_if<FocusChange>(&event); focus != nullptr && !focus->focused) {
    composing_ = false;
    gives_up_ = kNever;
    n_awaited_ = 0;
    std::erase_if(held_, is_control);
    release_held(out);
  }
  if (composing_ && is_control(event)) {
    if (is_key(event, Key::escape)) composing_ = false, gives_up_ = kNever;
    if (is_key(event, Key::enter)) gives_up_ = now + kAfterEnter;
    return;
  }
  const bool waits = n_awaited_ > 0 && (!held_.empty() || is_control(event));
  (waits ? held_ : out).push_back(std::move(event));
}

void Composing::advance(double now, std::vector<InputEvent>& out) {
  if (n_awaited_ > 0 && now >= window_ends_) begin_composing(out);
  if (composing_ && now >= gives_up_) composing_ = false, gives_up_ = kNever;
}

/// No character came: the control keys within the window were the input method's.
void Composing::begin_composing(std::vector<InputEvent>& out) {
  n_awaited_ = 0;
  composing_ = true;
  gives_up_ = kNever;
  for (const InputEvent& event : held_) {
    if (is_key(event, Key::escape)) composing_ = false;
    if (is_key(event, Key::enter)) gives_up_ = window_ends_ + kAfterEnter;
  }
  std::erase_if(held_, is_control);
  release_held(out);
}

void Composing::release_held(std::vector<InputEvent>& out) {
  for (InputEvent& event : held_) out.push_back(std::move(event));
  held_.clear();
}

}  // namespace foreword::ui

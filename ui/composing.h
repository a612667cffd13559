#pragma once
// The composing rule (D75): whether an input method is composing, as far as the order and the times of events tell. GLFW
// 3.3 reports the key presses that an input method consumed, so an Enter that confirms a candidate looks like one that
// sends. A printable press without its character within 30 ms means "composing"; control keys pressed in that window wait
// for its end; while composing they are ignored. It ends when characters arrive, on Escape, on loss of the focus, or 300 ms
// after an ignored Enter that brought no characters: at worst one Enter is ignored, and nothing is sent by accident. Pure:
// the clock is an argument, in seconds.

#include <limits>
#include <vector>

#include "ui/input.h"

namespace foreword::ui {

class Composing {
 public:
  static constexpr double kCharacterWindow = 0.030, kAfterEnter = 0.300;

  /// An event as the window system reports it; what may go on is appended to `out`, in order.
  void take(InputEvent event, double now, std::vector<InputEvent>& out);
  /// The same for a press of a key that brings a character unless something consumes it.
  void take_printable(const KeyPress& press, double now, std::vector<InputEvent>& out);
  /// Time has passed: what waited for it goes on, or is dropped.
  void advance(double now, std::vector<InputEvent>& out);

  /// When advance() is wanted next; infinity: not at all.
  double wake_at() const;
  bool composing() const { return composing_; }

 private:
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  void begin_composing(std::vector<InputEvent>& out);
  void release_held(std::vector<InputEvent>& out);

  int n_awaited_ = 0;            // printable presses whose characters have not come
  double window_ends_ = kNever;  // of the newest of them
  std::vector<InputEvent> held_;  // from the first control key within the window on
  bool composing_ = false;
  double gives_up_ = kNever;     // after an ignored Enter
};

}  // namespace foreword::ui

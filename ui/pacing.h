#pragma once
// When the window draws. Pure: the clock is an argument. After input a few frames follow (the item list of a frame serves
// the next one); letters of other desks draw at most 60 times a second, 10 times without focus; an idle window without
// focus never draws, and an iconified one never at all.

#include <limits>

namespace foreword::ui {

class Pacer {
 public:
  static constexpr int kFramesAfterInput = 3;
  static constexpr double kFocusedInterval = 1.0 / 60, kUnfocusedInterval = 1.0 / 10;

  void input() { frames_due_ = kFramesAfterInput; }
  /// A letter has changed the view state.
  void letter() { letter_ = true; }
  void set_focused(bool focused) { focused_ = focused; }
  void set_iconified(bool iconified) { iconified_ = iconified; }

  /// Seconds until something must be drawn: 0 is now, infinity is when something happens.
  double wait(double now) const;
  /// A frame was drawn; it wants another one at `wake_at`.
  void drawn(double now, double wake_at, bool more_input);

 private:
  int frames_due_ = kFramesAfterInput;
  bool letter_ = false, focused_ = true, iconified_ = false;
  double last_drawn_ = -1;
  double wake_at_ = std::numeric_limits<double>::infinity();
};

}  // namespace foreword::ui

#include "ui/pacing.h"

#include <algorithm>

namespace foreword::ui {

double Pacer::wait(double now) const {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  if (iconified_) return kNever;
  if (frames_due_ > 0) return 0;
  double due = focused_ ? wake_at_ : kNever;
  if (letter_) due = std::min(due, last_drawn_ + (focused_ ? kFocusedInterval : kUnfocusedInterval));
  return std::max(0.0, due - now);
}

void Pacer::drawn(double now, double wake_at, bool more_input) {
  frames_due_ = std::max(more_input ? 1 : 0, frames_due_ - 1);
  letter_ = false;
  last_drawn_ = now;
  wake_at_ = wake_at;
}

}  // namespace foreword::ui

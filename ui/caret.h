#pragma once
// When a caret shows and when that changes next; a pure function of time.

#include <cmath>
#include <limits>

namespace foreword::ui {

struct CaretBlink {
  bool visible = true;
  double next_change = std::numeric_limits<double>::infinity();
};

/// Half a second on, half a second off after the last input; after ten seconds it stays, so that an idle window is still.
inline CaretBlink caret_blink(double now, double last_input) {
  constexpr double kHalf = 0.5, kStops = 10;
  const double idle = now - last_input;
  if (idle < 0 || idle >= kStops) return {};
  const double phase = std::floor(idle / kHalf);
  return {std::fmod(phase, 2) == 0, last_input + (phase + 1) * kHalf};
}

}  // namespace foreword::ui

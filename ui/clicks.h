#pragma once
// Tells single, double and triple clicks apart.

#include <cmath>

#include "ui/input.h"

namespace foreword::ui {

/// Number of this press in a row (1, 2, 3, then 1 again); `last_time`, `last_at` and `n` are the state of one place.
inline int count_click(const MouseButton& press, float slack, double& last_time, Vec& last_at, int n) {
  constexpr double kInterval = 0.4;
  const bool near = std::abs(press.at.x - last_at.x) <= slack && std::abs(press.at.y - last_at.y) <= slack;
  const bool again = last_time >= 0 && press.time - last_time <= kInterval && near && !press.mods.shift;
  last_time = press.time;
  last_at = press.at;
  return again && n < 3 ? n + 1 : 1;
}

}  // namespace foreword::ui

#pragma once
// How long to wait between pieces so that no more than so many bytes come in a second.

#include <algorithm>
#include <cstdint>

namespace foreword::app {

class Pace {
 public:
  /// After a piece of `bytes` by `now` (seconds of a clock that only goes on): seconds until the next one may be taken. `limit`: bytes a second,
  /// another one at any time; 0: none.
  double take(double now, std::int64_t bytes, std::int64_t limit) {
    due_ = limit <= 0 ? now : std::max(due_, now - kSlackSeconds) + static_cast<double>(bytes) / static_cast<double>(limit);
    return std::max(due_ - now, 0.0);
  }

 private:
  /// Of what came too slowly, so much is made up for: waits end late by some milliseconds, and no pause becomes a rush.
  static constexpr double kSlackSeconds = 0.25;
  double due_ = 0;  // when the bytes so far are paid for
};

}  // namespace foreword::app

#pragma once
// How fast bytes come, as a person wants to read it: over the last seconds, not since the beginning.

#include <cstdint>
#include <deque>
#include <utility>

namespace foreword::app {

class SpeedMeter {
 public:
  /// `bytes` in all by `now` (seconds of a clock that only goes on).
  void see(double now, std::int64_t bytes) {
    if (!seen_.empty() && (bytes < seen_.back().second || now - seen_.back().first < kStepSeconds)) {
      if (bytes < seen_.back().second) seen_.clear();  // it began anew
      else return;
    }
    seen_.emplace_back(now, bytes);
    while (seen_.size() > 2 && now - seen_.front().first > kSeconds) seen_.pop_front();
  }
  /// 0: not known yet.
  double bytes_per_second() const {
    if (seen_.size() < 2) return 0;
    const double seconds = seen_.back().first - seen_.front().first;
    return seconds <= 0 ? 0 : static_cast<double>(seen_.back().second - seen_.front().second) / seconds;
  }

 private:
  static constexpr double kSeconds = 8, kStepSeconds = 0.2;
  std::deque<std::pair<double, std::int64_t>> seen_;
};

}  // namespace foreword::app

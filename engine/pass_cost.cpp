#include "engine/pass_cost.h"

#include <algorithm>

namespace foreword::engine {
namespace {

constexpr double kDepthUnit = 2048;  // so many tokens looked back at count about as much as a row
constexpr double kRate = .15;        // of the error that each pass mends

}  // namespace

double PassCost::seconds(std::int64_t rows, double looked_back) const {
  return scale_ * rows_.seconds(static_cast<int>(rows)) + depth_ * rows_.seconds(1) * looked_back / kDepthUnit;
}

void PassCost::observe(std::int64_t rows, double looked_back, double seconds) {
  const int n = static_cast<int>(rows);
  if (!known()) {
    rows_.measure(n, seconds);
    return;
  }
  const double expected = this->seconds(rows, looked_back);
  if (n > rows_.max_rows()) {
    // Met for the first time. What it took above a straight line was something else that the machine did.
    const double line = rows_.seconds(n), of_depth = expected - scale_ * line;
    rows_.measure(n, std::clamp((seconds - of_depth) / scale_, rows_.seconds(rows_.max_rows()), line));
    return;
  }
  const double by_rows = rows_.seconds(n), by_depth = rows_.seconds(1) * looked_back / kDepthUnit;
  // One pass that the machine interrupted says little.
  const double error = std::clamp(seconds, .5 * expected, 1.5 * expected) - expected;
  const double step = kRate * error / (by_rows * by_rows + by_depth * by_depth);
  scale_ = std::max(.05, scale_ + step * by_rows);
  depth_ = std::max(.0, depth_ + step * by_depth);
}

}  // namespace foreword::engine

#include "engine/pass_cost.h"

#include <algorithm>

namespace foreword::engine {
namespace {

constexpr double kDepthUnit = 2048;  // so many tokens looked back at count about as much as a row
constexpr double kMemory = .98;      // of a pass's weight is left with each that follows
constexpr double kDoubt = .5;        // passes that speak for s = 1 and a = 0

}  // namespace

PassCost::Terms PassCost::terms(int rows, double looked_back) const {
  return {rows_.seconds(rows), rows_.seconds(1) * looked_back / kDepthUnit};
}

double PassCost::seconds(std::int64_t rows, double looked_back) const {
  const Terms of = terms(static_cast<int>(rows), looked_back);
  return weight_.rows * of.rows + weight_.depth * of.depth;
}

void PassCost::observe(std::int64_t rows, double looked_back, double seconds) {
  const int n = static_cast<int>(rows);
  if (!known()) {
    // The very first pass is not counted: it fetches the weights.
    if (warm_ && seconds > 0) rows_.measure(n, seconds);
    warm_ = true;
    return;
  }
  const Terms of = terms(n, looked_back);
  if (n > rows_.max_rows() || (n == 1 && !rows_.measured(1))) {
    // Met for the first time. What it took above a straight line was something else that the machine did.
    const double least = n == 1 ? .1 * of.rows : rows_.seconds(rows_.max_rows());
    rows_.measure(n, std::clamp((seconds - weight_.depth * of.depth) / weight_.rows, least, of.rows));
    return;
  }
  const double expected = this->seconds(rows, looked_back);
  // One pass that the machine interrupted says little.
  const double time = std::clamp(seconds, .5 * expected, 1.5 * expected) / expected, by_rows = of.rows / expected, by_depth = of.depth / expected;
  for (double* sum : {&rows_rows_, &rows_depth_, &depth_depth_, &rows_time_, &depth_time_}) *sum *= kMemory;
  rows_rows_ += by_rows * by_rows;
  rows_depth_ += by_rows * by_depth;
  depth_depth_ += by_depth * by_depth;
  rows_time_ += by_rows * time;
  depth_time_ += by_depth * time;
  const double a = rows_rows_ + kDoubt, b = rows_depth_, c = depth_depth_ + kDoubt, u = rows_time_ + kDoubt, v = depth_time_;
  weight_ = {(c * u - b * v) / (a * c - b * b), (a * v - b * u) / (a * c - b * b)};
  if (weight_.depth < 0) weight_ = {u / a, 0};
  if (weight_.rows < .05) weight_ = {.05, std::max(.0, (v - .05 * b) / c)};
}

}  // namespace foreword::engine

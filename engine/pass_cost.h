#pragma once
// Seconds of a pass from its rows and from what they look back at: s T(n) + a (tokens looked back at, over all rows), with T
// measured, or met on the way, and s and a learned from every pass: least squares of the relative error, in which the older passes
// fade.

#include <cstdint>

#include "engine/speculative/cost_model.h"

namespace foreword::engine {

class PassCost {
 public:
  /// T(n) at the beginning of a text. Without any measurement the passes themselves tell.
  CostModel& rows() { return rows_; }

  bool known() const { return rows_.known(); }
  /// Needs known(). looked_back: the sum of the rows' depths. Beyond the largest number of rows that was met, a row is taken
  /// to cost what it does up to there, which is rather too much.
  double seconds(std::int64_t rows, double looked_back) const;
  void observe(std::int64_t rows, double looked_back, double seconds);

 private:
  struct Terms {
    double rows, depth;
  };
  Terms terms(int rows, double looked_back) const;

  CostModel rows_;
  bool warm_ = false;
  Terms weight_{1, 0};
  // Sums over the passes: of products of two terms, and of a term and the time; all over the square of what was expected.
  double rows_rows_ = 0, rows_depth_ = 0, depth_depth_ = 0, rows_time_ = 0, depth_time_ = 0;
};

}  // namespace foreword::engine

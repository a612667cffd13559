#pragma once
// Seconds of a pass from its rows and from what they look back at: s T(n) + a (tokens looked back at, over all rows), with T
// measured, or met on the way, and s and a learned from every pass (normalised least mean squares; Widrow and Hoff 1960).

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
  CostModel rows_;
  double scale_ = 1, depth_ = 0;  // depth_: of T(1) for kDepthUnit tokens
};

}  // namespace foreword::engine

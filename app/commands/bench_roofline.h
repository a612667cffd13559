#pragma once
// The roofline of a step: for each kind of op what it must move and compute, how long it took, and what share of the
// memory's or of the product instruction's speed that is.

#include <cstdint>
#include <vector>

#include "app/report.h"
#include "gpu/profile.h"

namespace foreword::app {

struct Roofline {
  std::int64_t n_rows = 0;
  int n_steps = 0;                       // that `ops` holds together
  double bandwidth = 0;                  // bytes per second
  double peak = 0;                       // operations per second; 0: not known
  std::vector<gpu::OpProfile> ops;

  void print() const;
  Report report() const;
};

}  // namespace foreword::app

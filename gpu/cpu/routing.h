#pragma once
// Mixtures of experts: who goes where.

#include <span>
#include <vector>

#include "gpu/backend.h"
#include "gpu/cpu/dependencies.h"

namespace foreword::gpu {

/// The k best of one row of logits and their weights, as Backend::route says. A NaN counts as the smallest logit.
void route_row(Routing routing, std::span<const float> logits, std::int64_t k, std::int32_t* experts, float* weights);

/// The rows of a linear_experts call by expert, so that each expert's weights are read once.
class ExpertGroups {
 public:
  struct Rows {
    const std::int32_t* in = nullptr;   // rows of x
    const std::int32_t* out = nullptr;  // rows of the output
    std::int64_t n = 0;
  };

  ExpertGroups(std::int64_t n_experts, std::int64_t n_rows);

  /// From the choices [rows, k]; row i of the output takes row i / k of x if `one_input`, else row i.
  void collect(const Tensor& experts, bool one_input);
  Rows of(std::int64_t expert) const;
  /// The memory that collect() fills.
  Extent extent() const;

 private:
  std::vector<std::int32_t> begin_;  // [n_experts + 1]
  std::vector<std::int32_t> in_, out_;
};

}  // namespace foreword::gpu

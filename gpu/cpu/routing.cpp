#include "gpu/cpu/routing.h"

#include <algorithm>
#include <cmath>

#include "engine/base/check.h"
#include "gpu/cpu/host_memory.h"

namespace foreword::gpu {

void route_row(Routing routing, std::span<const float> logits, std::int64_t k, std::int32_t* experts, float* weights) {
  const auto n = static_cast<std::int32_t>(logits.size());
  std::int64_t chosen = 0;
  const auto better = [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x > y || (std::isnan(y) && !std::isnan(x));
  };
  // Insertion into the short list of the best; a later equal stays behind an earlier one.
  for (std::int32_t e = 0; e < n; ++e) {
    if (chosen == k && !better(e, experts[k - 1])) continue;
    std::int64_t at = chosen < k ? chosen++ : k - 1;
    for (; at > 0 && better(e, experts[at - 1]); --at) experts[at] = experts[at - 1];
    experts[at] = e;
  }
  const float largest = logits[static_cast<std::size_t>(experts[0])];
  double all = 0, best = 0;
  for (const float logit : logits) all += std::exp(static_cast<double>(logit) - largest);
  for (std::int64_t j = 0; j < k; ++j) {
    best += std::exp(static_cast<double>(logits[static_cast<std::size_t>(experts[j])]) - largest);
  }
  double divisor = all;
  if (routing == Routing::top_k_softmax) divisor = best;
  if (routing == Routing::softmax_top_k_renormalised) divisor *= std::max(best / all, 6.103515625e-5);
  for (std::int64_t j = 0; j < k; ++j) {
    const double logit = logits[static_cast<std::size_t>(experts[j])];
    weights[j] = static_cast<float>(std::exp(logit - largest) / divisor);
  }
}

ExpertGroups::ExpertGroups(std::int64_t n_experts, std::int64_t n_rows)
    : begin_(static_cast<std::size_t>(n_experts + 1)),
      in_(static_cast<std::size_t>(n_rows)),
      out_(static_cast<std::size_t>(n_rows)) {}

void ExpertGroups::collect(const Tensor& experts, bool one_input) {
  const auto n_experts = static_cast<std::int32_t>(begin_.size() - 1);
  std::fill(begin_.begin(), begin_.end(), 0);
  const auto each = [&](auto&& visit) {
    for (std::int64_t r = 0; r < experts.rows; ++r) {
      for (std::int64_t j = 0; j < experts.cols; ++j) visit(r, r * experts.cols + j, row_of<std::int32_t>(experts, r)[j]);
    }
  };
  each([&](std::int64_t, std::int64_t, std::int32_t expert) {
    check(expert >= 0 && expert < n_experts, "linear_experts: expert in range");
    ++begin_[static_cast<std::size_t>(expert) + 1];
  });
  for (std::size_t e = 1; e < begin_.size(); ++e) begin_[e] += begin_[e - 1];
  std::vector<std::int32_t> next(begin_.begin(), begin_.end() - 1);
  each([&](std::int64_t r, std::int64_t i, std::int32_t expert) {
    const auto at = static_cast<std::size_t>(next[static_cast<std::size_t>(expert)]++);
    in_[at] = static_cast<std::int32_t>(one_input ? r : i);
    out_[at] = static_cast<std::int32_t>(i);
  });
}

ExpertGroups::Rows ExpertGroups::of(std::int64_t expert) const {
  const auto e = static_cast<std::size_t>(expert);
  return {in_.data() + begin_[e], out_.data() + begin_[e], begin_[e + 1] - begin_[e]};
}

Extent ExpertGroups::extent() const {
  return Extent(begin_.data(), static_cast<std::int64_t>(begin_.size() * sizeof(std::int32_t)));
}

}  // namespace foreword::gpu

#pragma once
// What a row of logits says about its tokens: log p(token) = logits[token] - log_sum.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace foreword::engine {

struct LogSumExp {
  double log_sum;      // of all logits
  std::size_t argmax;  // the lowest of equal ones
};

/// logits: at least one, finite.
inline LogSumExp log_sum_exp(std::span<const float> logits) {
  const std::size_t best = static_cast<std::size_t>(std::ranges::max_element(logits) - logits.begin());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - logits[best]);
  return {logits[best] + std::log(sum), best};
}

}  // namespace foreword::engine

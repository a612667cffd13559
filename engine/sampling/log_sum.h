#pragma once
// What a row of logits says about its tokens: log p(token) = logits[token] - log_sum. Fast enough for a vocabulary of a
// quarter million on every row of a batch.

#include <cstddef>
#include <span>

namespace foreword::engine {

struct LogSum {
  float log_sum = 0;       // log of the sum of exp(logits), within 1e-5
  std::size_t argmax = 0;  // the lowest of equal ones; NaN never wins
};

/// logits: at least one. -inf and NaN count as impossible. If all are, log_sum is -inf; also if one is +inf, beside which no
/// chance means anything.
LogSum log_sum_of(std::span<const float> logits);

}  // namespace foreword::engine

#pragma once
// Finds the few large values of a row of logits without deciding about each of the others by itself.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <vector>

namespace foreword::engine {

class LargeLogits {
 public:
  /// Calls offer(i) once for every i whose logit is one of the `most` largest, for all that are equal to the least of these, and for
  /// some others, in no order. Never for -inf and NaN. most >= 1.
  template <class Offer>
  void visit(std::span<const float> logits, std::size_t most, Offer offer) {
    // Groups of every kColumns-th value of a block; the largest of each, all side by side.
    const std::size_t rows = logits.size() < kMany ? kFewRows : kManyRows, block = rows * kColumns;
    const std::size_t n_blocks = logits.size() / block;
    largest_.assign(n_blocks * kColumns, kNothing);
    for (std::size_t b = 0; b < n_blocks; ++b) {
      float* largest = largest_.data() + b * kColumns;
      for (const float* row = logits.data() + b * block; row < logits.data() + (b + 1) * block; row += kColumns) {
        for (std::size_t c = 0; c < kColumns; ++c) largest[c] = row[c] > largest[c] ? row[c] : largest[c];
      }
    }
    // So many groups have a value that is not below this one, so it is not above the least of the largest.
    float least = kNothing;
    if (most < largest_.size()) {
      sorted_ = largest_;
      std::ranges::nth_element(sorted_, sorted_.begin() + static_cast<std::ptrdiff_t>(most - 1), std::greater());
      least = sorted_[most - 1];
    }
    const auto look = [&](std::size_t i) {
      if (logits[i] >= least && logits[i] > kNothing) offer(i);
    };
    for (std::size_t g = 0; g < largest_.size(); ++g) {
      if (largest_[g] < least) continue;
      const std::size_t first = g / kColumns * block + g % kColumns;
      for (std::size_t i = first; i < first + block; i += kColumns) look(i);
    }
    for (std::size_t i = n_blocks * block; i < logits.size(); ++i) look(i);
  }

 private:
  static constexpr float kNothing = -std::numeric_limits<float>::infinity();
  static constexpr std::size_t kColumns = 64, kFewRows = 32, kManyRows = 128, kMany = 1 << 16;
  std::vector<float> largest_, sorted_;
};

}  // namespace foreword::engine

#pragma once
// Finds the few large values of a row of logits without looking at each of the others by itself.

#include <cstddef>
#include <span>

namespace foreword::engine {

/// Calls offer(i) for every i with logits[i] > floor, in rising order; offer may raise the floor. NaN is never offered.
template <class Offer>
void visit_above(std::span<const float> logits, float& floor, Offer offer) {
  constexpr std::size_t kBlock = 64;
  std::size_t i = 0;
  for (; i + kBlock <= logits.size(); i += kBlock) {
    int above = 0;
    for (std::size_t j = i; j < i + kBlock; ++j) above |= logits[j] > floor ? 1 : 0;  // without a branch, for vectors
    for (std::size_t j = i; above != 0 && j < i + kBlock; ++j) {
      if (logits[j] > floor) offer(j);
    }
  }
  for (; i < logits.size(); ++i) {
    if (logits[i] > floor) offer(i);
  }
}

}  // namespace foreword::engine

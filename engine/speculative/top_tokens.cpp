#include "engine/speculative/top_tokens.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace foreword::engine {
namespace {

constexpr std::size_t kLanes = 16, kBlock = 256;

/// The largest of a block, NaN apart. Lanes, so that compilers use vectors.
float block_maximum(const float* values) {
  float lanes[kLanes];
  std::fill_n(lanes, kLanes, -std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < kBlock; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] = values[i + lane] > lanes[lane] ? values[i + lane] : lanes[lane];
  }
  return *std::max_element(lanes, lanes + kLanes);
}

}  // namespace

void top_tokens(std::span<const float> logits, int k, std::vector<Guess>& best) {
  best.clear();
  if (k <= 0) return;
  const auto full = static_cast<std::size_t>(k);
  float floor = -std::numeric_limits<float>::infinity();  // what a newcomer must exceed; p holds logits until the end
  const auto offer = [&](std::size_t i) {
    if (!(logits[i] > floor)) return;
    if (best.size() == full) best.pop_back();
    const auto place = std::ranges::find_if(best, [&](const Guess& guess) { return guess.p < logits[i]; });
    best.insert(place, {static_cast<std::int32_t>(i), logits[i]});
    if (best.size() == full) floor = best.back().p;
  };
  std::size_t i = 0;
  for (; i + kBlock <= logits.size(); i += kBlock) {
    if (!(block_maximum(logits.data() + i) > floor)) continue;
    for (std::size_t j = i; j < i + kBlock; ++j) offer(j);
  }
  for (; i < logits.size(); ++i) offer(i);

  double total = 0;
  const double first = best.empty() ? 0 : static_cast<double>(best.front().p);
  for (Guess& guess : best) {
    guess.p = static_cast<double>(guess.p) == first ? 1.0F : static_cast<float>(std::exp(static_cast<double>(guess.p) - first));
    total += static_cast<double>(guess.p);
  }
  for (Guess& guess : best) guess.p = std::max(static_cast<float>(static_cast<double>(guess.p) / total), std::numeric_limits<float>::min());
}

}  // namespace foreword::engine

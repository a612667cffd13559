#include "engine/speculative/top_tokens.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/sampling/large_logits.h"

namespace foreword::engine {
void top_tokens(std::span<const float> logits, int k, std::vector<Guess>& best) {
  best.clear();
  if (k <= 0) return;
  const auto full = static_cast<std::size_t>(k);
  float floor = -std::numeric_limits<float>::infinity();  // what a newcomer must exceed; p holds logits until the end
  visit_above(logits, floor, [&](std::size_t i) {
    if (best.size() == full) best.pop_back();
    const auto place = std::ranges::find_if(best, [&](const Guess& guess) { return guess.p < logits[i]; });
    best.insert(place, {static_cast<std::int32_t>(i), logits[i]});
    if (best.size() == full) floor = best.back().p;
  });

  double total = 0;
  const double first = best.empty() ? 0 : static_cast<double>(best.front().p);
  for (Guess& guess : best) {
    guess.p = static_cast<double>(guess.p) == first ? 1.0F : static_cast<float>(std::exp(static_cast<double>(guess.p) - first));
    total += static_cast<double>(guess.p);
  }
  for (Guess& guess : best) guess.p = std::max(static_cast<float>(static_cast<double>(guess.p) / total), std::numeric_limits<float>::min());
}

}  // namespace foreword::engine

#include "engine/speculative/top_tokens.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/sampling/large_logits.h"

namespace foreword::engine {
namespace {

/// With logits as p. False: those that are at hand are too few.
bool take_best(const LogitRow& row, std::size_t k, std::vector<Guess>& best) {
  for (const Candidate& c : row.best()) {
    if (best.size() == k || c.logit == -std::numeric_limits<float>::infinity()) return true;
    if (static_cast<std::size_t>(c.token) < row.size()) best.push_back({c.token, c.logit});
  }
  return best.size() == k;
}

void search_best(std::span<const float> logits, std::size_t full, std::vector<Guess>& best) {
  best.clear();
  float floor = -std::numeric_limits<float>::infinity();  // what a newcomer must exceed; p holds logits until the end
  visit_above(logits, floor, [&](std::size_t i) {
    if (best.size() == full) best.pop_back();
    const auto place = std::ranges::find_if(best, [&](const Guess& guess) { return guess.p < logits[i]; });
    best.insert(place, {static_cast<std::int32_t>(i), logits[i]});
    if (best.size() == full) floor = best.back().p;
  });
}

}  // namespace

void top_tokens(const LogitRow& logits, int k, std::vector<Guess>& best) {
  best.clear();
  if (k <= 0) return;
  const auto full = static_cast<std::size_t>(k);
  if (!take_best(logits, full, best)) search_best(logits.all(), full, best);
  double total = 0;
  const double first = best.empty() ? 0 : static_cast<double>(best.front().p);
  for (Guess& guess : best) {
    guess.p = static_cast<double>(guess.p) == first ? 1.0F : static_cast<float>(std::exp(static_cast<double>(guess.p) - first));
    total += static_cast<double>(guess.p);
  }
  for (Guess& guess : best) guess.p = std::max(static_cast<float>(static_cast<double>(guess.p) / total), std::numeric_limits<float>::min());
}

}  // namespace foreword::engine

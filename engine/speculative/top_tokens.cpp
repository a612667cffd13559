#include "engine/speculative/top_tokens.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

}  // namespace

void weigh_tokens(std::vector<Guess>& best) {
  double total = 0;
  const double first = best.empty() ? 0 : static_cast<double>(best.front().p);
  for (Guess& guess : best) {
    guess.p = static_cast<double>(guess.p) == first ? 1.0F : static_cast<float>(std::exp(static_cast<double>(guess.p) - first));
    total += static_cast<double>(guess.p);
  }
  for (Guess& guess : best) guess.p = std::max(static_cast<float>(static_cast<double>(guess.p) / total), std::numeric_limits<float>::min());
}

void top_tokens(const LogitRow& row, int k, LargeLogits& large, std::vector<Guess>& best) {
  best.clear();
  if (k <= 0) return;
  const auto full = static_cast<std::size_t>(k);
  if (take_best(row, full, best)) return weigh_tokens(best);
  best.clear();
  const std::span<const float> logits = row.all();
  large.visit(logits, full, [&](std::size_t i) {  // p holds logits until the end
    const Guess guess{static_cast<std::int32_t>(i), logits[i]};
    const auto worse = [&](const Guess& other) { return other.p != guess.p ? other.p < guess.p : other.token > guess.token; };
    best.insert(std::ranges::find_if(best, worse), guess);
    if (best.size() > full) best.pop_back();
  });
  weigh_tokens(best);
}

}  // namespace foreword::engine

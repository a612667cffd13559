#include "engine/speculative/top_tokens.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace foreword::engine {
namespace {

/// False: those that are at hand are too few.
bool take_best(const LogitRow& row, std::size_t k, std::vector<Candidate>& best) {
  for (const Candidate& c : row.best()) {
    if (best.size() == k || c.logit == -std::numeric_limits<float>::infinity()) return true;
    if (static_cast<std::size_t>(c.token) < row.size()) best.push_back(c);
  }
  return best.size() == k;
}

}  // namespace

void best_of_row(const LogitRow& row, int k, LargeLogits& large, std::vector<Candidate>& best) {
  best.clear();
  if (k <= 0) return;
  const auto full = static_cast<std::size_t>(k);
  if (take_best(row, full, best)) return;
  best.clear();
  const std::span<const float> logits = row.all();
  large.visit(logits, full, [&](std::size_t i) {
    const Candidate found{logits[i], static_cast<std::int32_t>(i)};
    best.insert(std::ranges::find_if(best, [&](const Candidate& other) { return kBetter(found, other); }), found);
    if (best.size() > full) best.pop_back();
  });
}

void top_tokens(const LogitRow& logits, int k, LargeLogits& large, std::vector<Guess>& best) {
  std::vector<Candidate> candidates;
  best_of_row(logits, k, large, candidates);
  best.clear();
  double total = 0;
  for (const Candidate& c : candidates) {
    const float first = candidates.front().logit;
    best.push_back({c.token, c.logit == first ? 1.0F : static_cast<float>(std::exp(static_cast<double>(c.logit) - static_cast<double>(first)))});
    total += static_cast<double>(best.back().p);
  }
  for (Guess& guess : best) guess.p = std::max(static_cast<float>(static_cast<double>(guess.p) / total), std::numeric_limits<float>::min());
}

}  // namespace foreword::engine

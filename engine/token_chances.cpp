#include "engine/token_chances.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/sampling/log_sum.h"

namespace foreword::engine {

std::string bytes_of(const Tokenizer& tokenizer, TokenId token) {
  if (tokenizer.is_control(token)) return std::string(tokenizer.text(token));
  std::string bytes;
  tokenizer.append_bytes(token, bytes);
  return bytes;
}

TokenChances chances_of(const Tokenizer& tokenizer, const LogitRow& row, TokenId chosen, int n_best) {
  const std::span<const float> logits = row.all();
  const float log_sum = log_sum_of(logits).log_sum;
  const auto chance = [&](TokenId token) {
    const float log_p = logits[static_cast<std::size_t>(token)] - log_sum;
    return TokenChance{token, bytes_of(tokenizer, token), std::isnan(log_p) ? -std::numeric_limits<float>::infinity() : std::min(log_p, 0.0F)};
  };
  TokenChances chances{chance(chosen)};
  if (n_best <= 0) return chances;
  std::vector<Candidate> best;  // a heap with the worst of them in front
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const Candidate one{logits[i], static_cast<std::int32_t>(i)};
    if (!(one.logit > -std::numeric_limits<float>::infinity())) continue;
    const bool full = std::ssize(best) == n_best;
    if (full && !kBetter(one, best.front())) continue;
    if (full) {
      std::ranges::pop_heap(best, kBetter);
      best.back() = one;
    } else {
      best.push_back(one);
    }
    std::ranges::push_heap(best, kBetter);
  }
  std::ranges::sort(best, kBetter);
  for (const Candidate& one : best) chances.best.push_back(chance(one.token));
  return chances;
}

TokenChances chances_of_first(const Tokenizer& tokenizer, TokenId token) {
  return {{token, bytes_of(tokenizer, token), std::numeric_limits<float>::quiet_NaN()}};
}

}  // namespace foreword::engine

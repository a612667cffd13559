#include "engine/autocomplete/token_bytes.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "engine/autocomplete/words.h"
#include "engine/sampling/log_sum.h"

namespace foreword::engine {

TokenBytes::TokenBytes(const Tokenizer& tokenizer) {
  const auto suppressed = tokenizer.suppressed();
  const std::unordered_set<TokenId> banned(suppressed.begin(), suppressed.end());
  begin_.push_back(0);
  for (TokenId id = 0; id < tokenizer.size(); ++id) {
    if (!tokenizer.is_end_of_generation(id)) tokenizer.append_bytes(id, bytes_);
    begin_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    if (begin_[begin_.size() - 2] != begin_.back() && !banned.contains(id)) sorted_.push_back(id);
  }
  std::ranges::stable_sort(sorted_, {}, [&](TokenId id) { return of(id); });
}

std::string_view TokenBytes::of(TokenId id) const {
  if (id < 0 || id + 1 >= std::ssize(begin_)) return {};
  const std::size_t begin = begin_[static_cast<std::size_t>(id)];
  return std::string_view(bytes_).substr(begin, begin_[static_cast<std::size_t>(id) + 1] - begin);
}

std::vector<TokenId> TokenBytes::agreeing(std::string_view held) const {
  std::vector<TokenId> result;
  const auto take = [&](std::string_view wanted, std::size_t compared) {
    const auto range = std::ranges::equal_range(sorted_, wanted, {}, [&](TokenId id) { return of(id).substr(0, compared); });
    result.insert(result.end(), range.begin(), range.end());
  };
  for (std::size_t length = 1; length < held.size(); ++length) take(held.substr(0, length), std::string_view::npos);
  take(held, held.size());
  return result;
}

HeldBack hold_back(const TokenBytes& bytes, const std::vector<TokenId>& tokens, std::size_t floor) {
  HeldBack result{tokens.size(), {}};
  for (std::size_t n = 1; n <= kMostHeldTokens && floor + n <= tokens.size(); ++n) {
    const std::string_view piece = bytes.of(tokens[tokens.size() - n]);
    if (n == 1 && piece == " ") return {tokens.size() - 1, " "};
    const std::size_t word = open_word(piece);
    if (word == std::string_view::npos || piece.size() + result.held.size() > kMostHeldBytes) break;
    result = {tokens.size() - n, std::string(piece) + result.held};
    if (word > 0) break;  // the word begins in this token
  }
  return result;
}

std::optional<TokenId> settled(const TokenBytes& bytes, std::span<const float> logits, std::string_view held) {
  if (held.empty()) return std::nullopt;
  const std::vector<TokenId> tokens = bytes.agreeing(held);
  if (tokens.empty()) return std::nullopt;
  std::vector<float> chances;
  for (const TokenId id : tokens) chances.push_back(logits[static_cast<std::size_t>(id)]);
  const LogSum sum = log_sum_of(chances);
  const TokenId best = tokens[sum.argmax];
  const bool sure = std::isfinite(sum.log_sum) && chances[sum.argmax] - sum.log_sum > std::log(0.5F);
  return sure && bytes.of(best).size() <= held.size() ? std::optional(best) : std::nullopt;
}

}  // namespace foreword::engine

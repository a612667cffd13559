#pragma once
// What has followed what in some texts, by tokens: counts of up to four in a row, so that drafts can say again what was said
// before (A35). In memory only. One thread.

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

class Ngrams {
 public:
  static constexpr std::size_t kOrder = 4;  // tokens, the one that follows included

  struct Next {
    TokenId token = 0;
    double chance = 0;
  };

  /// Runs do not go from one text into another. add() of many texts one by one costs a sort each: add them together.
  void add(std::span<const std::vector<TokenId>> texts);
  void add(const std::vector<TokenId>& text) { add(std::span(&text, 1)); }
  void clear();
  bool empty() const { return places_.empty(); }
  std::size_t n_tokens() const { return places_.size(); }

  /// What followed the last tokens of `before`, as far as `logits` has something else than -inf for it: longer runs first,
  /// shorter ones for what is left (Witten and Bell 1991). The chances add up to less than 1; the rest is unknown. alone: also what
  /// was said anywhere, which says something where few tokens are possible. By token. Good until the next call.
  std::span<const Next> after(std::span<const TokenId> before, std::span<const float> logits, bool alone) const;

 private:
  bool follows_less(std::uint32_t a, std::uint32_t b) const;
  void add_order(double& rest) const;

  std::vector<TokenId> text_;          // all of them, kNoToken before each
  std::vector<std::uint32_t> places_;  // in text_, by the tokens before, the nearest first
  std::unordered_map<TokenId, std::uint32_t> counts_;
  mutable std::vector<Next> next_, order_;  // order_: of runs of one length
};

}  // namespace foreword::engine

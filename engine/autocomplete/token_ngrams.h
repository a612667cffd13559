#pragma once
// How often runs of tokens occur in some texts, for the smoothing of superposed drafts. In memory only. One thread.

#include <cstdint>
#include <span>
#include <unordered_map>

#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

class TokenNgrams {
 public:
  /// Runs of up to six tokens of one text.
  void add(std::span<const TokenId> text);
  bool empty() const { return counts_.empty(); }
  /// The sum over i of 1 to 5 of a weight times count(last i tokens of `ids`, next) / count(last i tokens of `ids`); the weights
  /// are the published ones and not renormalised. 0: never seen.
  double chance(std::span<const TokenId> ids, TokenId next) const;

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> counts_;  // by a hash of the run
};

}  // namespace foreword::engine

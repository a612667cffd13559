#pragma once
// Words of one call whose ids are known already. Texts repeat their words: most are merged once a call.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

/// Belongs to one output: ids of a known word are copied from where they stand in it.
class WordCache {
 public:
  bool append_known(std::string_view word, std::vector<TokenId>& ids) const {
    if (word.size() > kLongestWord) return false;
    const auto found = places_.find(word);
    if (found == places_.end()) return false;
    const auto [begin, end] = found->second;
    for (std::size_t i = begin; i < end; ++i) ids.push_back(ids[i]);
    return true;
  }

  /// The word's ids are those of the output from `begin` on.
  void remember(std::string_view word, std::size_t begin, const std::vector<TokenId>& ids) {
    if (word.size() > kLongestWord || places_.size() >= kMostWords) return;
    places_.try_emplace(std::string(word), Place{begin, ids.size()});
  }

 private:
  static constexpr std::size_t kLongestWord = 64;
  static constexpr std::size_t kMostWords = 1 << 16;  // hostile texts have no end of words

  struct Place {
    std::size_t begin, end;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, Place, Hash, std::equal_to<>> places_;
};

}  // namespace foreword::engine

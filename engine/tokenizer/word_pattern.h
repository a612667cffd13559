#pragma once
// A small matcher for the expressions that cut a text into words before byte-level BPE (word_rules.cpp). Syntax: sets
// [a-z\p{L}\s\uXXXX\x{H..}], \p{..}, \s, \r, \n, escaped and plain characters, | ? * + {m,n}, (?:fixed sequences),
// (?!set), $. Meaning: leftmost match, alternatives in order, greedy with backtracking. \s is Unicode White_Space.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/tokenizer/unicode.h"

namespace foreword::engine {

/// A set of units.
class UnitSet {
 public:
  bool contains(char32_t unit) const {
    if (unit < 128) return (ascii_[unit >> 6] >> (unit & 63)) & 1;
    return contains_slow(unit);
  }

 private:
  friend class WordPatternParser;
  struct Range {
    char32_t first, last;
  };
  bool contains_slow(char32_t unit) const;
  void seal(bool negated);  // sorts the ranges and fills the table of ASCII

  std::array<std::uint64_t, 2> ascii_{};
  CategoryMask categories_ = 0;
  std::vector<Range> ranges_;
  bool negated_ = false;
};

class WordPattern {
 public:
  /// Expressions are ours, so a mistake in one is a check().
  static WordPattern compile(std::string_view expression);

  static constexpr std::size_t kMostAlternatives = 12;

  struct Match {
    std::size_t begin, end;  // units
  };

  /// Finds the matches of one text from left to right, in time linear in its length for the expressions of our rules.
  class Search {
   public:
    Search(const WordPattern& pattern, std::u32string_view text) : pattern_(pattern), text_(text) {}
    std::optional<Match> next();

   private:
    const WordPattern& pattern_;
    std::u32string_view text_;
    std::size_t at_ = 0;
    std::array<std::size_t, kMostAlternatives> hopeless_before_{};  // per alternative: it matches at no start below
  };

 private:
  friend class WordPatternParser;
  static constexpr std::uint32_t kUnbounded = UINT32_MAX;
  struct Item {
    enum class Kind : std::uint8_t { repeat, not_before, at_end, group };
    Kind kind = Kind::repeat;
    std::uint32_t set = 0;                            // repeat, not_before
    std::uint32_t least = 1, most = 1;                // repeat, group (most is 1)
    std::vector<std::vector<Item>> alternatives;      // group: sequences of fixed length
  };
  using Sequence = std::vector<Item>;

  std::size_t count(const Item& item, std::u32string_view text, std::size_t at) const;
  std::size_t match(const Item* item, const Item* last, std::u32string_view text, std::size_t at) const;

  std::vector<UnitSet> sets_;
  std::vector<Sequence> alternatives_;
};

}  // namespace foreword::engine

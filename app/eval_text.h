#pragma once
// The arithmetic of `foreword eval` that needs no model: which records, which bytes of a text a token stands for, where
// long texts are cut, and how varied a text is.

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace foreword::app {

/// Items taken evenly from a list, in its order, so that their sizes add up to about `most`: all if they fit or most is
/// 0, and at least one. Without chance: the same list gives the same choice. `sizes` are positive.
std::vector<std::size_t> spread(std::span<const std::int64_t> sizes, std::int64_t most);

/// What a token of a text counts for.
struct TokenShare {
  bool counted = false;     // its nats are part of the sum
  std::int64_t bytes = 0;   // of the text to be measured that it stands for
};
/// Lays the tokens' own bytes (`pieces`) beside the text they were made from. Bytes of stretches that are not trusted
/// are the text to be measured. A token counts if it holds such a byte, or no byte at all but stands before one (a lone
/// word mark). A tokenizer may put a space before a piece or drop white space; nullopt if it changed more than that.
std::optional<std::vector<TokenShare>> token_shares(std::span<const std::string> pieces,
                                                    std::span<const engine::TextSpan> text);

/// Part of a record that fits the context: `tokens` are read, each predicts the next; tokens[i] is ids[first + i - 1].
struct EvalWindow {
  std::vector<engine::TokenId> tokens;
  std::int64_t first = 0;  // the index in ids of tokens[1]
};
/// Windows of at most `context` (2 or more) tokens. Each begins with bos; where the model has none, with the token
/// before, so that only the first token of a record is never predicted. ids begin without BOS.
std::vector<EvalWindow> cut_windows(std::span<const engine::TokenId> ids, engine::TokenId bos, std::int64_t context);

/// The text without white space at its ends, and one space for any other white space.
std::string normal_space(std::string_view text);

/// The first words of a text: at most most_bytes, cut before a white space. Empty if the text is shorter than twice that.
std::string opening_of(std::string_view text, std::size_t most_bytes);

/// Counts n-grams of words (split at white space, as they are written) over several texts.
class NgramCounter {
 public:
  void add(std::string_view text);
  /// Distinct n-grams of all texts over all of them (Li et al. 2016, distinct-n), n of 1 to 3. nullopt: there is none.
  std::optional<double> distinct(std::size_t n) const;
  /// The share of 4-grams that their own text has already held (Welleck et al. 2019, seq-rep-4; over all texts together).
  std::optional<double> repeated() const;

 private:
  static constexpr std::size_t kLongest = 4;
  std::set<std::string> seen_[kLongest];       // [n - 1]
  std::int64_t n_grams_[kLongest] = {};        // [n - 1]
  std::int64_t n_repeated_ = 0;                // 4-grams
};

}  // namespace foreword::app

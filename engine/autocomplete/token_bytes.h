#pragma once
// Which tokens can stand where certain bytes are wanted: for token healing, where the piece of a word that is already typed
// is taken back and only tokens that agree with it may follow. Immutable; any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

class TokenBytes {
 public:
  explicit TokenBytes(const Tokenizer& tokenizer);

  /// Bytes that the token adds inside a text; "" for control tokens and for whatever ends an answer.
  std::string_view of(TokenId id) const;
  /// Tokens that begin with `held`, and tokens that `held` begins with; none that adds no bytes or is suppressed.
  std::vector<TokenId> agreeing(std::string_view held) const;

 private:
  std::string bytes_;                   // of all tokens, end to end
  std::vector<std::uint32_t> begin_;    // [n + 1]
  std::vector<TokenId> sorted_;         // those that may be chosen, by their bytes
};

/// A text's tokens without the last piece of a word, and the bytes of what was taken away.
struct HeldBack {
  std::size_t n_kept = 0;
  std::string held;
};

inline constexpr std::size_t kMostHeldTokens = 4, kMostHeldBytes = 16;

/// Holds back the last unfinished word of `tokens`, of which the first `floor` stay: to the last word boundary, or as much of
/// it as kMostHeldTokens and kMostHeldBytes allow. A space that is a token of its own is held back too: words bring theirs.
HeldBack hold_back(const TokenBytes& bytes, const std::vector<TokenId>& tokens, std::size_t floor);

/// The token that surely (at least half of the chance) takes the place of held bytes without going beyond them: then what was
/// typed is whole, and drafts branch behind it. logits: of the row before `held`.
std::optional<TokenId> settled(const TokenBytes& bytes, std::span<const float> logits, std::string_view held);

}  // namespace foreword::engine

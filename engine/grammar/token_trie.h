#pragma once
// A vocabulary as bytes, for grammars: what each token adds to a text, and all that have a common beginning looked at together.
// Immutable; any thread. About 20 bytes a token and as many for each of its bytes that no neighbour shares.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/grammar/matcher.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

/// Stands before the text of a control token, so that no grammar of texts takes one for letters: a byte that UTF-8 does not have.
inline constexpr char kControlMark = '\xFF';

/// By token: bit t & 63 of word t >> 6.
using TokenMask = std::vector<std::uint64_t>;
inline bool is_set(const TokenMask& mask, std::size_t token) { return token < mask.size() * 64 && (mask[token >> 6] >> (token & 63) & 1) != 0; }

class TokenTrie {
 public:
  explicit TokenTrie(const Tokenizer& tokenizer);

  std::size_t n_tokens() const { return begin_.size() - 1; }
  /// "" for what no grammar can have: tokens without bytes, such that end an answer or are suppressed.
  std::string_view bytes(std::int32_t token) const;
  /// Tokens that end an answer.
  std::span<const std::int32_t> ends() const { return ends_; }
  /// Sets the bits of all tokens whose bytes can follow in this state; the ones that end an answer have none.
  void mark_allowed(Matcher& matcher, Matcher::State state, TokenMask& mask) const;
  /// The first of the tokens that the tokenizer writes this with inside a text; kNoToken where their bytes are others. text: not empty.
  std::int32_t first_of(std::string_view text) const;

 private:
  /// A beginning, in the order of a dictionary. What begins with it stands behind it, up to `skip`.
  struct Node {
    std::uint32_t skip;
    std::uint32_t first;  // in sorted_, of the tokens that are exactly this; up to the next node's
    std::uint16_t depth;  // bytes before its last
    std::uint8_t byte;    // its last
  };
  std::uint32_t n_here(std::size_t node) const { return (node + 1 < nodes_.size() ? nodes_[node + 1].first : static_cast<std::uint32_t>(sorted_.size())) - nodes_[node].first; }

  Tokenizer tokenizer_;
  std::string bytes_;                 // of all tokens, end to end
  std::vector<std::uint32_t> begin_;  // [n + 1]
  std::vector<std::int32_t> sorted_, ends_;
  std::vector<Node> nodes_;
  std::size_t deepest_ = 0;
};

}  // namespace foreword::engine

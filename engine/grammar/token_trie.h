#pragma once
// A vocabulary as bytes, for grammars: what each token adds to a text, and all that have a common beginning looked at together.
// Immutable; any thread. About 20 bytes a token, and 32 for each of its bytes that it shares with none before it in that order.

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

/// Some tokens, by their places in the order of their bytes: bit p & 63 of word p >> 6. What begins alike lies together.
using TokenMask = std::vector<std::uint64_t>;

class TokenTrie {
 public:
  explicit TokenTrie(const Tokenizer& tokenizer);

  std::size_t n_tokens() const { return begin_.size() - 1; }
  /// "" for what no grammar can have: tokens without bytes, such that end an answer or are suppressed.
  std::string_view bytes(std::int32_t token) const;
  /// Tokens that end an answer.
  std::span<const std::int32_t> ends() const { return ends_; }
  /// The token of a place.
  std::int32_t at(std::size_t place) const { return sorted_[place]; }
  /// All tokens whose bytes can follow in this state; the ones that end an answer have no place.
  void mark_allowed(Matcher& matcher, Matcher::State state, TokenMask& mask) const;
  /// The first of the tokens that the tokenizer writes this with inside a text; kNoToken where their bytes are others. text: not empty.
  std::int32_t first_of(std::string_view text) const;

 private:
  /// A beginning, in the order of a dictionary. What begins with it stands behind it, up to `skip`.
  struct Node {
    std::uint32_t skip;
    std::uint32_t first;  // in sorted_, of the tokens that are exactly this; up to the next node's
    std::uint16_t depth;  // bytes before its last
    std::uint16_t height;  // bytes from its last on, of the longest token that begins with it
    std::uint64_t kinds;  // of characters from its last byte on, where that begins one
    std::uint8_t byte;    // its last
  };
  /// The first token behind those that begin with the node's beginning.
  std::uint32_t end_of(std::size_t node) const { return nodes_[node].skip < nodes_.size() ? nodes_[nodes_[node].skip].first : static_cast<std::uint32_t>(sorted_.size()); }
  void note_kinds(std::string_view bytes, std::span<const std::uint32_t> path);
  std::uint32_t n_here(std::size_t node) const { return (node + 1 < nodes_.size() ? nodes_[node + 1].first : static_cast<std::uint32_t>(sorted_.size())) - nodes_[node].first; }

  Tokenizer tokenizer_;
  std::string bytes_;                 // of all tokens, end to end
  std::vector<std::uint32_t> begin_;  // [n + 1]
  std::vector<std::int32_t> sorted_, ends_;
  std::vector<Node> nodes_;
  std::size_t deepest_ = 0;
};

}  // namespace foreword::engine

#pragma once
// Tokens that are recognised by their text before anything else is cut: control, user-defined and unknown ones.

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

struct SpecialToken {
  std::string text;
  TokenId id = kNoToken;
  bool strips_right = false;  // swallows the white space behind it
  /// Who may write it: anyone (user-defined in the file), the template only (control, unknown), or the template only
  /// where texts have an origin (control in the file, but its text is shown).
  enum class Writer : std::uint8_t { anyone, anyone_without_origin, template_only } writer = Writer::anyone;
};

class SpecialTokens {
 public:
  SpecialTokens() = default;
  explicit SpecialTokens(std::vector<SpecialToken> tokens);

  struct Hit {
    std::size_t begin, end;  // bytes; the swallowed white space included
    TokenId id;
  };
  /// Whether a token may be recognised at these bytes.
  using Allowed = std::function<bool(const SpecialToken& token, std::size_t begin, std::size_t end)>;

  /// The hits from left to right. They are those of the plain procedure: for each token, longest first (ties: lower
  /// id), look for its text from left to right in all that is still raw, and cut it out. Time is about linear in the
  /// text and does not depend on the number of tokens.
  std::vector<Hit> find(std::string_view text, const Allowed& allowed) const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Node {  // of a trie over the texts
    std::uint32_t child = kNone, sibling = kNone;
    std::uint32_t token = kNone;  // the first token that ends here
    unsigned char byte = 0;
  };
  std::uint32_t child(std::uint32_t node, unsigned char byte) const;

  std::vector<SpecialToken> tokens_;  // longest first
  // Per token what may stand in its place: the next token with the same text, else the longest that it begins with.
  std::vector<std::uint32_t> otherwise_;
  std::array<std::uint32_t, 256> roots_{};
  std::vector<Node> nodes_;
};

}  // namespace foreword::engine

#pragma once
// Colours of source code: a scanner that is driven by a table of languages (D62). It knows words, strings, comments and
// numbers, not grammar, and never fails: what it does not know is plain. Pure.

#include <cstdint>
#include <string_view>
#include <vector>

namespace foreword::ui::text {

enum class Token : std::uint8_t { plain, keyword, type, function, string, number, comment, name, added, removed, meta };
inline constexpr std::size_t kTokenKinds = 11;

/// A token up to byte `end` of the code; the next one begins there.
struct TokenRun {
  std::size_t end = 0;
  Token token = Token::plain;
  bool operator==(const TokenRun&) const = default;
};

/// `language` as behind a fence, in any case; an unknown one gives one plain run. The runs cover the code; none for none.
std::vector<TokenRun> highlight(std::string_view language, std::string_view code);
/// The language's own spelling for its label ("cpp" is "C++"), or the word itself.
std::string_view language_label(std::string_view language);

}  // namespace foreword::ui::text

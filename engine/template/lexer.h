#pragma once
// A template's source to tokens: text between tags with the white space that Jinja would leave (trim_blocks and
// lstrip_blocks on, "-" and "+" marks obeyed), and the tokens inside tags.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foreword::engine::jinja {

enum class TokenKind : std::uint8_t {
  data,         // text outside tags
  print_begin,  // {{
  print_end,    // }}
  block_begin,  // {%
  block_end,    // %}
  name,
  string,   // text holds the unescaped value
  integer,
  real,
  symbol,  // text holds the operator
  end
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
  int line = 1;

  bool is_symbol(std::string_view symbol) const { return kind == TokenKind::symbol && text == symbol; }
  bool is_name(std::string_view name) const { return kind == TokenKind::name && text == name; }
};

/// The last token is `end`. Throws a syntax Failure with its line.
std::vector<Token> tokenize(std::string_view source);

}  // namespace foreword::engine::jinja

#include "engine/template/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/template/value.h"

namespace foreword::engine::jinja {
namespace {

// Longer ones first: the first that fits is taken.
constexpr std::array<std::string_view, 25> kSymbols = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "*",
                                                       "/",  "%",  "~",  "(",  ")",  "[",  "]", "{", "}",
                                                       ">",  "<",  "=",  ".",  ":",  "|",  ","};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_name(char c) { return begins_name(c) || is_digit(c); }

/// One kind of newline, and without the last one, as Jinja reads a source.
std::string normalise(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      out += '\n';
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) text_and_tag();
    push(TokenKind::end, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail_here(std::string message) const {
    throw Failure{Failure::Kind::syntax, std::move(message), line_};
  }

  bool starts(std::string_view text) const { return source_.compare(at_, text.size(), text) == 0; }

  void advance(std::size_t count) {
    const auto begin = source_.begin() + static_cast<std::ptrdiff_t>(at_);
    line_ += static_cast<int>(std::count(begin, begin + static_cast<std::ptrdiff_t>(count), '\n'));
    at_ += count;
  }

  void skip_spaces() {
    while (at_ < source_.size()) {
      const Character c = character_at(source_, at_);
      if (!is_space(c.code_point)) return;
      advance(c.size);
    }
  }

  Token& push(TokenKind kind, std::string text) {
    Token& token = tokens_.emplace_back();
    token.kind = kind;
    token.text = std::move(text);
    token.line = line_;
    return token;
  }

  /// Text up to the next tag, cut as the tag demands, then the tag.
  void text_and_tag() {
    std::size_t open = at_;
    for (;; ++open) {
      open = source_.find('{', open);
      if (open == std::string::npos || open + 1 == source_.size()) {
        open = std::string::npos;
        break;
      }
      const char next = source_[open + 1];
      if (next == '{' || next == '%' || next == '#') break;
    }
    if (open == std::string::npos) {
      push_data(source_.size());
      return;
    }
    const char type = source_[open + 1];
    const char mark = open + 2 < source_.size() ? source_[open + 2] : '\0';
    std::size_t stop = open;
    if (mark == '-') {
      stop = end_without_spaces(open);
    } else if (mark != '+' && type != '{') {
      stop = end_without_indent(open);
    }
    push_data(stop);
    advance(open - at_);
    advance(mark == '-' || mark == '+' ? 3 : 2);
    if (type == '#') {
      comment();
    } else if (type == '{') {
      push(TokenKind::print_begin, "{{");
      inside("}}", TokenKind::print_end);
    } else if (!raw()) {
      push(TokenKind::block_begin, "{%");
      inside("%}", TokenKind::block_end);
    }
  }

  void push_data(std::size_t stop) {
    if (stop > at_) push(TokenKind::data, source_.substr(at_, stop - at_));
    advance(stop - at_);
  }

  std::size_t end_without_spaces(std::size_t stop) const {
    while (stop > at_) {
      std::size_t begin = stop - 1;
      while (begin > at_ && (static_cast<unsigned char>(source_[begin]) & 0xc0) == 0x80) --begin;
      const Character c = character_at(source_, begin);
      if (begin + c.size != stop || !is_space(c.code_point)) break;
      stop = begin;
    }
    return stop;
  }

  /// lstrip_blocks: the white space before a tag that is the first thing on its line.
  std::size_t end_without_indent(std::size_t open) const {
    const std::size_t stop = end_without_spaces(open);
    const std::size_t newline = std::string_view(source_).substr(at_, open - at_).rfind('\n');
    if (newline != std::string_view::npos) return stop <= at_ + newline + 1 ? at_ + newline + 1 : open;
    const bool line_starts_here = at_ == 0 || source_[at_ - 1] == '\n';
    return line_starts_here && stop == at_ ? at_ : open;
  }

  /// Behind "%}" or "#}": trim_blocks takes one newline, a "-" all white space, a "+" nothing.
  void after_tag(char mark) {
    if (mark == '-') {
      skip_spaces();
    } else if (mark != '+' && at_ < source_.size() && source_[at_] == '\n') {
      advance(1);
    }
  }

  void comment() {
    const std::size_t close = source_.find("#}", at_);
    if (close == std::string::npos) fail_here("a comment has no end");
    const char mark = close > at_ ? source_[close - 1] : '\0';
    advance(close + 2 - at_);
    after_tag(mark);
  }

  /// A raw block, if this is one: its text is data. at_ is behind "{%" and its mark.
  bool raw() {
    std::size_t at = skip_from(at_);
    if (source_.compare(at, 3, "raw") != 0) return false;
    at = skip_from(at + 3);
    const bool strip = at < source_.size() && source_[at] == '-';
    if (source_.compare(at + (strip ? 1 : 0), 2, "%}") != 0) return false;
    advance(at + (strip ? 3 : 2) - at_);
    if (strip) skip_spaces();
    for (std::size_t open = source_.find("{%", at_); open != std::string::npos; open = source_.find("{%", open + 1)) {
      std::size_t end = open + 2;
      const char mark = end < source_.size() ? source_[end] : '\0';
      end = skip_from(mark == '-' || mark == '+' ? end + 1 : end);
      if (source_.compare(end, 6, "endraw") != 0) continue;
      end = skip_from(end + 6);
      const char close = end < source_.size() ? source_[end] : '\0';
      if (close == '-' || close == '+') ++end;
      if (source_.compare(std::min(end, source_.size()), 2, "%}") != 0) continue;
      push_data(mark == '-' ? end_without_spaces(open) : mark == '+' ? open : end_without_indent(open));
      advance(end + 2 - at_);
      after_tag(close);
      return true;
    }
    fail_here("a raw block has no end");
  }

  std::size_t skip_from(std::size_t at) const {
    while (at < source_.size() && is_space(character_at(source_, at).code_point)) at += character_at(source_, at).size;
    return std::min(at, source_.size());
  }

  /// The tokens of one tag. `close` ends it where no bracket is open.
  void inside(std::string_view close, TokenKind end_kind) {
    std::string brackets;  // the closing ones that are awaited
    while (true) {
      skip_spaces();
      if (at_ >= source_.size()) fail_here("a tag has no end");
      if (brackets.empty()) {
        const char mark = starts("-") || (close == "%}" && starts("+")) ? source_[at_] : '\0';
        const std::size_t skip = mark != '\0' ? 1 : 0;
        if (source_.compare(at_ + skip, 2, close) == 0) {
          push(end_kind, std::string(close));
          advance(skip + 2);
          if (close == "%}" || mark == '-') after_tag(mark);
          return;
        }
      }
      token(brackets);
    }
  }

  void token(std::string& brackets) {
    const char c = source_[at_];
    if (is_digit(c)) return number();
    if (begins_name(c)) {
      std::size_t end = at_;
      while (end < source_.size() && continues_name(source_[end])) ++end;
      push(TokenKind::name, source_.substr(at_, end - at_));
      return advance(end - at_);
    }
    if (c == '\'' || c == '"') return string(c);
    const auto symbol = std::find_if(kSymbols.begin(), kSymbols.end(), [&](auto s) { return starts(s); });
    if (symbol == kSymbols.end()) fail_here(std::string("unexpected character '") + c + "'");
    if (c == '(' || c == '[' || c == '{') brackets += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (brackets.empty() || brackets.back() != c) fail_here(std::string("unexpected '") + c + "'");
      brackets.pop_back();
    }
    push(TokenKind::symbol, std::string(*symbol));
    advance(symbol->size());
  }

  void number() {
    std::string digits;
    int base = 10;
    std::size_t end = at_;
    if (starts("0") && at_ + 1 < source_.size()) {
      const char prefix = static_cast<char>(source_[at_ + 1] | 0x20);
      base = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 10;
      if (base != 10) end += 2;
    }
    const auto take = [&](auto&& wanted) {
      while (end < source_.size() && (wanted(source_[end]) || source_[end] == '_')) {
        if (source_[end] != '_') digits += source_[end];
        ++end;
      }
    };
    const auto is_hex = [](char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); };
    const auto digit_at = [&](std::size_t at) { return at < source_.size() && is_digit(source_[at]); };
    if (base == 16) {
      take(is_hex);
    } else {
      take(is_digit);
    }
    bool is_real = false;
    const bool is_member = at_ > 0 && source_[at_ - 1] == '.';  // the 0 of pairs.0.1
    if (base == 10 && !is_member && end < source_.size() && source_[end] == '.' && digit_at(end + 1)) {
      is_real = true;
      digits += source_[end++];
      take(is_digit);
    }
    if (base == 10 && !is_member && end < source_.size() && (source_[end] | 0x20) == 'e') {
      const std::size_t sign = end + 1 < source_.size() && (source_[end + 1] == '-' || source_[end + 1] == '+') ? 1 : 0;
      if (digit_at(end + 1 + sign)) {
        is_real = true;
        digits += 'e';
        if (sign != 0 && source_[end + 1] == '-') digits += '-';
        end += 1 + sign;
        take(is_digit);
      }
    }
    Token& token = push(is_real ? TokenKind::real : TokenKind::integer, source_.substr(at_, end - at_));
    const char* begin = digits.data();
    const char* stop = begin + digits.size();
    const auto result = is_real ? std::from_chars(begin, stop, token.real)
                                : std::from_chars(begin, stop, token.integer, base);
    if (result.ec != std::errc() || result.ptr != stop) fail_here("a number is out of range");
    advance(end - at_);
  }

  void string(char quote) {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail_here("a string has no end");
    std::string value = unescape(std::string_view(source_).substr(at_ + 1, end - at_ - 1));
    push(TokenKind::string, std::move(value));
    advance(end + 1 - at_);
  }

  /// Python's escapes. An unknown one stays as it is written.
  std::string unescape(std::string_view text) const {
    constexpr std::string_view kFrom = "\\'\"abfnrtv";
    constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      if (const std::size_t known = kFrom.find(c); known != std::string_view::npos) {
        out += kTo[known];
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const std::size_t n_digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        append_utf8(out, code_point(text.substr(i + 1, n_digits), n_digits, 16));
        i += n_digits;
      } else if (c >= '0' && c <= '7') {
        std::size_t n_digits = 1;
        while (n_digits < 3 && i + n_digits < text.size() && text[i + n_digits] >= '0' && text[i + n_digits] <= '7') {
          ++n_digits;
        }
        append_utf8(out, code_point(text.substr(i, n_digits), n_digits, 8));
        i += n_digits - 1;
      } else if (c != '\n') {
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  std::int32_t code_point(std::string_view digits, std::size_t n_digits, int base) const {
    std::uint32_t value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    const bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
    if (digits.size() != n_digits || result.ec != std::errc() || result.ptr != digits.data() + n_digits ||
        value > 0x10ffff || is_surrogate) {
      fail_here("a string has a broken escape");
    }
    return static_cast<std::int32_t>(value);
  }

  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(normalise(source)).run(); }

}  // namespace foreword::engine::jinja

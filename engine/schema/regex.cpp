#include "engine/schema/regex.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

namespace foreword::engine {
namespace {

constexpr int kMostNested = 100;            // groups in groups
constexpr std::int64_t kMostTimes = 1'000'000'000;  // larger counts are this one; both are too large

const CharSet kDigits = {{'0', '9'}};
const CharSet kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CharSet kSpace = {{'\t', '\r'}, {' ', ' '}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
                        {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const CharSet kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

/// Escapes that are a class, and those that are one character.
struct ClassEscape {
  char letter;
  const CharSet& set;
};
const ClassEscape kClasses[] = {{'d', kDigits}, {'w', kWord}, {'s', kSpace}};
struct CharEscape {
  char letter, c;
};
constexpr CharEscape kChars[] = {{'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'f', '\f'}, {'v', '\v'}};

/// What a group may begin with behind "(?", and what it is called if it is not kept.
struct GroupBegin {
  std::string_view begin, refused;
};
constexpr GroupBegin kGroups[] = {{":", ""}, {"=", "Lookahead (?=...)"}, {"!", "Negative lookahead (?!...)"}, {"<=", "Lookbehind (?<=...)"}, {"<!", "Negative lookbehind (?<!...)"}};

CharSet one(char32_t c) { return {{c, c}}; }

class RegexParser {
 public:
  explicit RegexParser(std::string_view text) : text_(text) {}

  Result<Expression> all() {
    Expression whole = alternatives();
    if (!error_ && at_ < text_.size()) refuse(ErrorCode::invalid_argument, "has a ) without a (");
    if (error_) return *error_;
    return whole;
  }

 private:
  bool more() const { return !error_ && at_ < text_.size(); }
  bool take(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  void refuse(ErrorCode code, const std::string& why) {
    if (!error_) error_ = Error{code, "The pattern " + std::string(text_) + " " + why + "."};
  }
  void refuse_unsupported(std::string_view what) {
    refuse(ErrorCode::unsupported, "cannot be kept: " + std::string(what) + " has no place in an answer's grammar");
  }

  Expression alternatives() {
    if (++depth_ > kMostNested) refuse(ErrorCode::unsupported, "is nested too deep");
    std::vector<Expression> parts = {sequence()};
    while (more() && take("|")) parts.push_back(sequence());
    --depth_;
    return parts.size() == 1 ? std::move(parts.front()) : Expression::choice(std::move(parts));
  }

  Expression sequence() {
    std::vector<Expression> parts;
    while (more() && text_[at_] != '|' && text_[at_] != ')') parts.push_back(repeated());
    return parts.size() == 1 ? std::move(parts.front()) : Expression::sequence(std::move(parts));
  }

  Expression repeated() {
    const bool anchor = text_[at_] == '^' || text_[at_] == '$';
    Expression part = atom();
    std::int64_t least = 0, most = 0;
    if (!more() || !times(least, most)) return part;
    if (anchor) refuse(ErrorCode::invalid_argument, "repeats ^ or $");
    if (most >= 0 && most < least) refuse(ErrorCode::invalid_argument, "has a repetition whose second number is below the first");
    take("?");
    return Expression::repeat(std::move(part), least, most);
  }

  /// Whether a repetition stands here.
  bool times(std::int64_t& least, std::int64_t& most) {
    if (take("*")) return least = 0, most = -1, true;
    if (take("+")) return least = 1, most = -1, true;
    if (take("?")) return least = 0, most = 1, true;
    const std::size_t from = at_;
    if (!take("{")) return false;
    const auto first = number();
    if (first) {
      least = most = *first;
      if (take(",")) most = number().value_or(-1);
      if (take("}")) return true;
    }
    at_ = from;
    return false;
  }

  std::optional<std::int64_t> number() {
    std::optional<std::int64_t> n;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) n = std::min(n.value_or(0) * 10 + (text_[at_] - '0'), kMostTimes);
    return n;
  }

  Expression atom() {
    const char32_t c = next_char(text_, at_);
    switch (c) {
      case '(': return group();
      case '[': return Expression::chars(char_class());
      case '.': return Expression::chars(kLineEnds.complement());
      case '^': return {Expression::Kind::begin};
      case '$': return {Expression::Kind::end};
      case '\\': return Expression::chars(escape(false));
      case '*':
      case '+':
      case '?': refuse(ErrorCode::invalid_argument, "repeats nothing"); [[fallthrough]];
      default: return Expression::chars(one(c));
    }
  }

  Expression group() {
    if (take("?")) {
      const auto* row = std::ranges::find_if(kGroups, [&](const GroupBegin& group) { return text_.substr(at_).starts_with(group.begin); });
      if (row != std::end(kGroups)) {
        at_ += row->begin.size();
        if (!row->refused.empty()) refuse_unsupported(row->refused);
      } else if (const std::size_t end = text_.find('>', at_); take("<") && end != std::string_view::npos) {
        at_ = end + 1;
      } else {
        refuse_unsupported("A group that begins with (? and sets flags");
      }
    }
    if (error_) return {};
    Expression inside = alternatives();
    if (!error_ && !take(")")) refuse(ErrorCode::invalid_argument, "has a ( without a )");
    return inside;
  }

  CharSet char_class() {
    const bool negated = take("^");
    CharSet all;
    while (more() && text_[at_] != ']') {
      const CharSet first = class_member();
      if (!(at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']')) {
        all.add(first);
        continue;
      }
      take("-");
      const CharSet last = class_member();
      if (error_) return all;
      if (!is_one(first) || !is_one(last)) {  // [\w-.]: the - stands for itself, as browsers have it
        for (const CharSet& part : {first, one('-'), last}) all.add(part);
      } else if (first.ranges()[0].first > last.ranges()[0].first) {
        refuse(ErrorCode::invalid_argument, "has a range of characters that ends before it begins");
      } else {
        all.add(first.ranges()[0].first, last.ranges()[0].first);
      }
    }
    if (!error_ && !take("]")) refuse(ErrorCode::invalid_argument, "has a [ without a ]");
    return negated ? all.complement() : all;
  }
  static bool is_one(const CharSet& set) { return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].last; }

  CharSet class_member() {
    if (!more()) return {};
    const char32_t c = next_char(text_, at_);
    return c == '\\' ? escape(true) : one(c);
  }

  CharSet escape(bool in_class) {
    if (at_ >= text_.size()) return refuse(ErrorCode::invalid_argument, "ends in a backslash"), CharSet{};
    const char32_t c = next_char(text_, at_);
    for (const ClassEscape& row : kClasses) {
      if (c == static_cast<char32_t>(row.letter)) return row.set;
      if (c == static_cast<char32_t>(row.letter - 'a' + 'A')) return row.set.complement();
    }
    for (const CharEscape& row : kChars) {
      if (c == static_cast<char32_t>(row.letter)) return one(static_cast<char32_t>(row.c));
    }
    if (c == 'x') return one(hexadecimal(2));
    if (c == 'u') return one(unicode());
    if (c == 'c' && at_ < text_.size() && ((text_[at_] | 0x20) >= 'a') && ((text_[at_] | 0x20) <= 'z')) return one(static_cast<char32_t>(text_[at_++] & 0x1F));
    if (c == '0' && !(at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')) return one(0);
    if (c == 'b' && in_class) return one('\b');
    if (c == 'b' || c == 'B') return refuse_unsupported("A word's edge \\b or \\B"), CharSet{};
    if (c == 'p' || c == 'P') return refuse_unsupported("A property of characters \\p or \\P"), CharSet{};
    if (c == 'k' || (c >= '0' && c <= '9')) return refuse_unsupported("A backreference"), CharSet{};
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') refuse(ErrorCode::invalid_argument, "has an escape that means nothing");
    return one(c);
  }

  char32_t hexadecimal(std::size_t n) {
    char32_t value = 0;
    for (const char c : text_.substr(at_, n)) {
      const int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
      if (digit < 0) break;
      value = value << 4 | static_cast<char32_t>(digit);
      ++at_;
      --n;
    }
    if (n > 0) refuse(ErrorCode::invalid_argument, "has an escape without its digits");
    return value;
  }

  char32_t unicode() {
    if (take("{")) {
      const std::size_t end = text_.find('}', at_);
      const char32_t c = hexadecimal(end == std::string_view::npos || end - at_ > 6 ? 7 : end - at_);
      take("}");
      if (c > 0x10FFFF) refuse(ErrorCode::invalid_argument, "has an escape of a character that does not exist");
      return c;
    }
    const char32_t high = hexadecimal(4);
    if (high < 0xD800 || high > 0xDFFF) return high;
    if (high > 0xDBFF || !take("\\u")) return refuse(ErrorCode::unsupported, "has half a surrogate pair"), 0;
    const char32_t low = hexadecimal(4);
    if (low < 0xDC00 || low > 0xDFFF) refuse(ErrorCode::unsupported, "has half a surrogate pair");
    return 0x10000 + ((high - 0xD800) << 10) + (low & 0x3FF);
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<Expression> regex_expression(std::string_view pattern) { return RegexParser(pattern).all(); }

Result<Regular> regex_language(std::string_view pattern) {
  FW_ASSIGN(Expression expression, regex_expression(pattern));
  const Expression anything = Expression::repeat(Expression::chars(CharSet::all()), 0, -1);
  return Regular::of(Expression::sequence({anything, std::move(expression), anything}));
}

}  // namespace foreword::engine

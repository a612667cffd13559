#include "engine/grammar/gbnf.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/tokenizer/unicode.h"

namespace foreword::engine {
namespace {

using Part = GrammarBuilder::Part;

constexpr int kDeepest = 200;  // groups within groups
constexpr int kMostDigits = 7;

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// What a backslash and a letter mean.
struct Escape {
  char letter;
  char32_t means;
};
constexpr Escape kEscapes[] = {{'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'\\', '\\'}, {'"', '"'}, {'[', '['}, {']', ']'}, {'^', '^'}, {'-', '-'}};
/// And with so many hexadecimal digits behind it.
struct HexEscape {
  char letter;
  int digits;
};
constexpr HexEscape kHexEscapes[] = {{'x', 2}, {'u', 4}, {'U', 8}};

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) {}

  Result<std::shared_ptr<const Grammar>> parse() {
    for (skip_space(); at_ < source_.size(); skip_space()) FW_TRY(parse_rule());
    const auto root = rules_.find("root");
    if (root == rules_.end() || !root->second.defined) return Error{ErrorCode::invalid_argument, "The grammar has no rule \"root\"; texts begin with that one."};
    return builder_.build(builder_.call(root->second.rule));
  }

 private:
  struct Known {
    GrammarBuilder::Rule rule;
    bool defined = false;
  };

  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  bool take(std::string_view mark) {
    if (!source_.substr(at_).starts_with(mark)) return false;
    at_ += mark.size();
    return true;
  }
  void skip_space() {
    while (at_ < source_.size()) {
      if (peek() == '#') at_ = std::min(source_.find('\n', at_), source_.size());
      else if (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
      else return;
    }
  }
  Error error(const std::string& what) const {
    const auto line = 1 + std::ranges::count(source_.substr(0, at_), '\n');
    return {ErrorCode::invalid_argument, "Line " + std::to_string(line) + " of the grammar: " + what};
  }

  std::string_view name() {
    const std::size_t begin = at_;
    while (is_name(peek())) ++at_;
    return source_.substr(begin, at_ - begin);
  }
  Known& known(std::string_view name) {
    const auto found = rules_.find(name);
    return found != rules_.end() ? found->second : rules_.emplace(name, Known{builder_.rule(std::string(name))}).first->second;
  }
  /// A name, and behind it the mark that makes a rule of it.
  bool rule_begins() const {
    std::size_t at = at_;
    while (at < source_.size() && is_name(source_[at])) ++at;
    if (at == at_) return false;
    at = source_.find_first_not_of(" \t\r\n", at);
    return at != source_.npos && source_.substr(at).starts_with("::=");
  }

  Result<void> parse_rule() {
    if (!rule_begins()) return error("a rule is expected here, as in  name ::= \"text\".");
    Known& rule = known(name());
    skip_space();
    take("::=");
    if (rule.defined) return error("this rule is defined a second time; use | for alternatives.");
    rule.defined = true;
    FW_ASSIGN(const Part part, parse_choice(0));
    if (at_ < source_.size() && !rule_begins()) return error(std::string("\"") + peek() + "\" is not expected here.");
    builder_.define(rule.rule, part);
    return {};
  }

  Result<Part> parse_choice(int depth) {
    if (depth > kDeepest) return error("groups are nested too deeply.");
    std::vector<Part> parts;
    do {
      FW_ASSIGN(const Part part, parse_sequence(depth));
      parts.push_back(part);
    } while (take("|"));
    return builder_.choice(std::move(parts));
  }

  Result<Part> parse_sequence(int depth) {
    std::vector<Part> parts;
    for (skip_space(); at_ < source_.size() && peek() != '|' && peek() != ')' && !rule_begins(); skip_space()) {
      FW_ASSIGN(Part part, parse_item(depth));
      for (skip_space(); peek() != '\0' && std::string_view("*+?{").find(peek()) != std::string_view::npos; skip_space()) {
        FW_ASSIGN(part, parse_repeat(part));
      }
      parts.push_back(part);
    }
    return builder_.sequence(std::move(parts));
  }

  Result<Part> parse_item(int depth) {
    if (peek() == '"') return parse_text();
    if (peek() == '[') return parse_set();
    if (take(".")) return builder_.chars(CharSet::all());
    if (take("(")) {
      FW_ASSIGN(const Part part, parse_choice(depth + 1));
      if (!take(")")) return error("a group has no end; a ) is missing.");
      return part;
    }
    if (is_name(peek())) return builder_.call(known(name()).rule);
    return error(std::string("\"") + peek() + "\" is not expected here.");
  }

  Result<std::int64_t> parse_number() {
    std::int64_t number = 0;
    const std::size_t begin = at_;
    for (; peek() >= '0' && peek() <= '9' && at_ - begin <= kMostDigits; ++at_) number = number * 10 + (peek() - '0');
    if (at_ == begin) return error("a number of repetitions is expected here.");
    if (at_ - begin > kMostDigits) return error("so many repetitions cannot be asked for.");
    skip_space();
    return number;
  }

  Result<Part> parse_repeat(Part part) {
    if (take("*")) return builder_.repeat(part, 0, -1);
    if (take("+")) return builder_.repeat(part, 1, -1);
    if (take("?")) return builder_.optional(part);
    take("{");
    skip_space();
    std::int64_t least = 0;
    if (peek() != ',') {
      FW_ASSIGN(least, parse_number());
    }
    std::int64_t most = least;
    if (take(",")) {
      skip_space();
      most = -1;
      if (peek() != '}') {
        FW_ASSIGN(most, parse_number());
      }
    }
    if (!take("}")) return error("a } is missing behind the number of repetitions.");
    if (most >= 0 && most < least) return error("the larger number of repetitions stands first.");
    return builder_.repeat(part, least, most);
  }

  /// One character of a text or a set, as it is or behind a backslash.
  Result<char32_t> parse_char() {
    if (!take("\\")) return parse_plain_char();
    const char letter = peek();
    ++at_;
    for (const Escape& escape : kEscapes) {
      if (escape.letter == letter) return escape.means;
    }
    for (const HexEscape& escape : kHexEscapes) {
      if (escape.letter != letter) continue;
      char32_t value = 0;
      for (int i = 0; i < escape.digits; ++i, ++at_) {
        if (hex_digit(peek()) < 0) return error(std::string("behind \\") + letter + " there are " + std::to_string(escape.digits) + " hexadecimal digits.");
        value = value << 4 | static_cast<char32_t>(hex_digit(peek()));
      }
      if (!CharSet::all().contains(value)) return error("there is no such character.");
      return value;
    }
    --at_;
    return error("there is no such escape; a backslash itself is written twice.");
  }

  Result<char32_t> parse_plain_char() {
    const Utf8Step step = read_utf8(source_, at_);
    if (step.state != Utf8State::good) return error("this is not UTF-8.");
    at_ += step.length;
    return step.code;
  }

  Result<Part> parse_text() {
    take("\"");
    std::string text;
    while (!take("\"")) {
      if (at_ >= source_.size() || peek() == '\n') return error("a text has no end; a \" is missing.");
      FW_ASSIGN(const char32_t c, parse_char());
      append_utf8(text, c);
    }
    return builder_.text(text);
  }

  Result<Part> parse_set() {
    take("[");
    const bool others = take("^");
    CharSet set;
    while (!take("]")) {
      if (at_ >= source_.size()) return error("a set of characters has no end; a ] is missing.");
      FW_ASSIGN(const char32_t first, parse_char());
      char32_t last = first;
      if (peek() == '-' && peek(1) != ']') {
        ++at_;
        FW_ASSIGN(last, parse_char());
      }
      if (last < first) return error("a range of characters begins behind its end.");
      set.add(first, last);
    }
    return builder_.chars(others ? set.complement() : set);
  }

  std::string_view source_;
  std::size_t at_ = 0;
  GrammarBuilder builder_;
  std::map<std::string, Known, std::less<>> rules_;
};

}  // namespace

Result<std::shared_ptr<const Grammar>> parse_gbnf(std::string_view source) { return Parser(source).parse(); }

}  // namespace foreword::engine

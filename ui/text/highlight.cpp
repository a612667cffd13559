#include "ui/text/highlight.h"

#include <algorithm>
#include <string>

#include "ui/text/highlight_languages.h"

namespace foreword::ui::text {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

/// Is `word` among words parted by spaces?
bool is_among(std::string_view words, std::string_view word, bool ignore_case) {
  std::string lower;
  if (ignore_case) {
    lower = word;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    word = lower;
  }
  for (std::size_t at = 0; (at = words.find(word, at)) != words.npos; ++at) {
    const std::size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

class Scanner {
 public:
  Scanner(const Language& language, std::string_view code) : language_(language), code_(code) {}
  std::vector<TokenRun> run();

 private:
  void emit(std::size_t end, Token token);
  bool enclosed(const Enclosed& row, Token token);
  bool comment_or_string();
  void word();
  void number();
  bool meta();
  void tag();
  void diff_line();
  std::size_t line_end(std::size_t at) const { return std::min(code_.find('\n', at), code_.size()); }
  bool at_line_start() const;
  bool before_colon(std::size_t end) const;

  const Language& language_;
  std::string_view code_;
  std::size_t at_ = 0;
  std::vector<TokenRun> runs_;
};

void Scanner::emit(std::size_t end, Token token) {
  if (end <= at_) return;
  if (!runs_.empty() && runs_.back().token == token) {
    runs_.back().end = end;
  } else {
    runs_.push_back({end, token});
  }
  at_ = end;
}

bool Scanner::at_line_start() const {
  std::size_t at = at_;
  while (at > 0 && (code_[at - 1] == ' ' || code_[at - 1] == '\t')) --at;
  return at == 0 || code_[at - 1] == '\n';
}

bool Scanner::before_colon(std::size_t end) const {
  while (end < code_.size() && code_[end] == ' ') ++end;
  return end < code_.size() && (code_[end] == ':' || (code_[end] == '=' && at_line_start())) && (end + 1 >= code_.size() || code_[end + 1] != ':');
}

bool Scanner::enclosed(const Enclosed& row, Token token) {
  if (code_.substr(at_, row.open.size()) != row.open) return false;
  std::size_t end = at_ + row.open.size();
  while (end < code_.size()) {
    if (code_.substr(end, row.close.size()) == row.close) {
      end += row.close.size();
      break;
    }
    if (code_[end] == '\n' && !row.lines) break;
    end += row.escapes && code_[end] == '\\' ? 2 : 1;
  }
  end = std::min(end, code_.size());
  emit(end, token == Token::string && language_.keys && before_colon(end) ? Token::name : token);
  return true;
}

bool Scanner::comment_or_string() {
  for (const std::string_view mark : language_.line_comments) {
    const bool inside = mark == "#" && at_ > 0 && code_[at_ - 1] != ' ' && code_[at_ - 1] != '\n' && code_[at_ - 1] != '\t';  // "$#", "a#b"
    if (code_.substr(at_, mark.size()) == mark && !inside) return emit(line_end(at_), Token::comment), true;
  }
  for (const Enclosed& row : language_.comments) {
    if (enclosed(row, Token::comment)) return true;
  }
  for (const Enclosed& row : language_.strings) {
    if (enclosed(row, Token::string)) return true;
  }
  return false;
}

void Scanner::word() {
  std::size_t end = at_;
  while (end < code_.size() && (is_letter(code_[end]) || is_digit(code_[end]) || language_.word.find(code_[end]) != std::string_view::npos)) ++end;
  const std::string_view word = code_.substr(at_, end - at_);
  Token token = Token::plain;
  if (language_.keys && before_colon(end)) {
    token = Token::name;
  } else if (is_among(language_.keywords, word, language_.ignore_case)) {
    token = Token::keyword;
  } else if (is_among(language_.types, word, language_.ignore_case)) {
    token = Token::type;
  } else if (end < code_.size() && code_[end] == '(') {
    token = Token::function;
  }
  emit(end, token);
}

void Scanner::number() {
  std::size_t end = at_ + 1;
  while (end < code_.size()) {
    const char c = code_[end];
    const bool sign = (c == '-' || c == '+') && (code_[end - 1] | 0x20) == 'e' && code_.substr(at_, 2) != "0x";
    if (!is_digit(c) && !is_letter(c) && c != '.' && c != '\'' && c != '%' && !sign) break;
    if (c == '\'' && (end + 1 >= code_.size() || !is_digit(code_[end + 1]))) break;
    ++end;
  }
  while (code_[end - 1] == '.') --end;
  emit(std::max(end, at_ + 1), Token::number);
}

bool Scanner::meta() {
  if (language_.meta == 0 || code_[at_] != language_.meta) return false;
  if (language_.meta == '#' && !at_line_start()) return false;
  std::size_t end = at_ + 1;
  if (language_.meta == '#') {
    end = code_[end < code_.size() ? end : at_] == '[' ? line_end(at_) : end;  // an attribute of Rust; else the directive's word
    while (end < code_.size() && code_[end] == ' ') ++end;
  }
  if (language_.meta == '$' && end < code_.size() && (code_[end] == '{' || code_[end] == '(')) return emit(end, Token::name), true;
  while (end < code_.size() && (is_letter(code_[end]) || is_digit(code_[end]) || (language_.meta == '@' && (code_[end] == '.' || code_[end] == '-')))) ++end;
  if (end == at_ + 1) return false;
  emit(end, language_.meta == '$' ? Token::name : Token::meta);
  return true;
}

/// From "<" to ">": the tag's name, names of attributes, values.
void Scanner::tag() {
  std::size_t end = at_ + 1;
  if (end < code_.size() && (code_[end] == '/' || code_[end] == '!' || code_[end] == '?')) ++end;
  const std::size_t name = end;
  while (end < code_.size() && (is_letter(code_[end]) || is_digit(code_[end]) || code_[end] == '-' || code_[end] == ':')) ++end;
  if (end == name) return emit(at_ + 1, Token::plain);
  emit(name, Token::plain);
  emit(end, Token::keyword);
  while (at_ < code_.size() && code_[at_] != '>') {
    const char c = code_[at_];
    if ((c == '"' || c == '\'') && comment_or_string()) continue;
    end = at_ + 1;
    if (is_letter(c)) {
      while (end < code_.size() && (is_letter(code_[end]) || is_digit(code_[end]) || code_[end] == '-' || code_[end] == ':')) ++end;
    }
    emit(end, is_letter(c) ? Token::name : Token::plain);
  }
}

void Scanner::diff_line() {
  const std::size_t end = std::min(line_end(at_) + 1, code_.size());
  const std::string_view line = code_.substr(at_, end - at_);
  const bool head = line.starts_with("+++") || line.starts_with("---") || line.starts_with("@@") || line.starts_with("diff ") || line.starts_with("index ");
  emit(end, head ? Token::meta : line.starts_with('+') ? Token::added : line.starts_with('-') ? Token::removed : Token::plain);
}

std::vector<TokenRun> Scanner::run() {
  while (at_ < code_.size()) {
    if (language_.mode == ScanMode::diff) {
      diff_line();
    } else if (language_.mode == ScanMode::markup) {
      if (code_[at_] == '<' && !(code_.substr(at_, 4) == "<!--" && comment_or_string())) {
        tag();
      } else if (at_ < code_.size() && code_[at_] != '<') {
        emit(std::min(code_.find('<', at_), code_.size()), Token::plain);
      }
    } else if (meta() || comment_or_string()) {
      continue;
    } else if (is_digit(code_[at_])) {
      number();
    } else if (is_letter(code_[at_])) {
      word();
    } else {
      emit(at_ + 1, Token::plain);
    }
  }
  return std::move(runs_);
}

}  // namespace

std::vector<TokenRun> highlight(std::string_view language, std::string_view code) {
  if (code.empty()) return {};
  const Language* known = find_language(language);
  if (known == nullptr) return {{code.size(), Token::plain}};
  return Scanner(*known, code).run();
}

std::string_view language_label(std::string_view language) {
  const Language* known = find_language(language);
  return known == nullptr ? language : known->label;
}

}  // namespace foreword::ui::text

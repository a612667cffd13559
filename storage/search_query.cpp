#include "storage/search_query.h"

#include <algorithm>

namespace foreword::storage {
namespace {

bool is_separator(char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; }
bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_letter_or_digit(char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9'); }

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

/// One more FTS5 string that must be found: nothing inside it is syntax.
void append_quoted(std::string& expression, std::string_view text) {
  if (!expression.empty()) expression += ' ';
  expression += '"';
  for (const char c : text) {
    if (c == '"') expression += c;
    expression += c;
  }
  expression += '"';
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> terms;
  for (std::size_t i = 0; i < text.size();) {
    if (is_separator(text[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < text.size() && !is_separator(text[i])) ++i;
    terms.push_back(text.substr(begin, i - begin));
  }
  return terms;
}

}  // namespace

std::size_t character_bytes(std::string_view text) {
  if (text.empty()) return 0;
  std::size_t n = 1;
  while (!is_ascii(text[0]) && n < std::min<std::size_t>(4, text.size()) && is_continuation(text[n])) ++n;
  return n;
}

int count_characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

bool is_sign(std::string_view character) {
  return !character.empty() && !is_separator(character[0]) && !is_letter_or_digit(character[0]);
}

SearchQuery parse_search(std::string_view text) {
  SearchQuery query;
  for (const std::string_view term : split(text)) {
    const bool has_word =
        std::any_of(term.begin(), term.end(), [](char c) { return !is_ascii(c) || is_letter_or_digit(c); });
    if (has_word) append_quoted(query.words, term);
    if (count_characters(term) >= kTrigram) {
      append_quoted(query.parts, term);
      query.long_parts = true;
      continue;
    }
    std::vector<std::string_view> signs;
    std::size_t n_characters = 0;
    for (std::string_view rest = term; !rest.empty(); rest.remove_prefix(character_bytes(rest)), ++n_characters) {
      const std::string_view character = rest.substr(0, character_bytes(rest));
      if (is_sign(character)) signs.push_back(character);
    }
    const bool whole = signs.size() == n_characters;
    if (whole) append_quoted(query.parts, term);
    for (const std::string_view sign : signs) {
      if (!whole) append_quoted(query.parts, sign);
    }
    if (!signs.empty() && query.first_sign.empty()) query.first_sign = to_lower(term);
    if (!whole) query.short_parts.push_back(to_lower(term));
  }
  if (!query.words.empty()) query.words += " *";
  return query;
}

Snippet read_snippet(std::string_view marked, std::size_t max_bytes) {
  Snippet snippet;
  std::size_t begin = std::string::npos;
  for (const char c : marked) {
    if (c == kMarkBegin) {
      begin = snippet.text.size();
    } else if (c == kMarkEnd) {
      if (begin != std::string::npos && begin < snippet.text.size()) {
        snippet.marks.emplace_back(begin, snippet.text.size() - begin);
      }
      begin = std::string::npos;
    } else {
      snippet.text += c;
    }
  }
  if (snippet.text.size() <= max_bytes) return snippet;

  const std::size_t first = snippet.marks.empty() ? 0 : snippet.marks.front().first;
  std::size_t from = first > max_bytes / 3 ? first - max_bytes / 3 : 0;
  std::size_t to = std::min(from + max_bytes, snippet.text.size());
  while (from > 0 && is_continuation(snippet.text[from])) --from;
  while (to > from && to < snippet.text.size() && is_continuation(snippet.text[to])) --to;
  snippet.text = snippet.text.substr(from, to - from);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> kept;
  for (const auto& [at, n_bytes] : snippet.marks) {
    if (at >= from && at < to) kept.emplace_back(at - from, std::min<std::size_t>(n_bytes, to - at));
  }
  snippet.marks = std::move(kept);
  return snippet;
}

std::string mark_part(std::string_view text, std::string_view part) {
  const std::size_t at = to_lower(text).find(part);
  if (at == std::string::npos) return std::string(text);
  std::string marked(text.substr(0, at));
  marked += kMarkBegin;
  marked += text.substr(at, part.size());
  marked += kMarkEnd;
  marked += text.substr(at + part.size());
  return marked;
}

}  // namespace foreword::storage

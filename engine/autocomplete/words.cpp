#include "engine/autocomplete/words.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "engine/tokenizer/unicode.h"

namespace foreword::engine {
namespace {

enum class Kind { space, word, ideograph, punctuation };

bool is_ideograph(char32_t code) {
  return (code >= 0x3040 && code <= 0x30FF) || (code >= 0x3400 && code <= 0x9FFF) || (code >= 0xF900 && code <= 0xFAFF) ||
         (code >= 0x20000 && code <= 0x3FFFF);
}

Kind kind_of(char32_t code) {
  static const CategoryMask kWord = categories_named("L") | categories_named("N") | categories_named("M");
  static const CategoryMask kSpace = categories_named("Z");
  if (code == '\n' || code == '\t' || code == '\r') return Kind::space;
  if (is_ideograph(code)) return Kind::ideograph;
  const CategoryMask category = category_of(code);
  if ((category & kWord) != 0) return Kind::word;
  return (category & kSpace) != 0 ? Kind::space : Kind::punctuation;
}

bool is_apostrophe(char32_t code) { return code == '\'' || code == 0x2019; }

struct Unit {
  char32_t code;
  std::size_t length;
};

Unit unit_at(std::string_view text, std::size_t at) {
  const Utf8Step step = read_utf8(text, at);
  return {step.state == Utf8State::good ? step.code : 0xFFFD, step.length};
}

// Words behind which a full stop does not end a sentence.
constexpr std::array<std::string_view, 15> kAbbreviations = {"mr", "mrs", "ms", "dr", "prof", "st", "vs",
                                                             "e.g", "i.e", "etc", "inc", "ltd", "jr", "sr", "approx"};
constexpr std::string_view kClosers[] = {"\"", "'", ")", "]", "\u201D", "\u2019", "\u00BB"};
constexpr std::string_view kEnders[] = {"!", "?", "\u2026", "\u3002", "\uFF01", "\uFF1F", "\u061F", "\u0964"};

}  // namespace

std::size_t word_end(std::string_view text, std::size_t at) {
  Unit unit{};
  Kind kind = Kind::space;
  for (; at < text.size(); at += unit.length) {
    unit = unit_at(text, at);
    kind = kind_of(unit.code);
    if (kind != Kind::space) break;
  }
  if (at >= text.size()) return std::string_view::npos;
  if (kind == Kind::ideograph) return at + unit.length;
  for (at += unit.length; at < text.size(); at += unit.length) {
    unit = unit_at(text, at);
    if (kind == Kind::word && is_apostrophe(unit.code)) {
      const std::size_t next = at + unit.length;
      if (next >= text.size()) return std::string_view::npos;
      if (kind_of(unit_at(text, next).code) == Kind::word) continue;
    }
    if (kind_of(unit.code) != kind) return at;
  }
  return std::string_view::npos;
}

std::size_t open_word(std::string_view text) {
  std::size_t begin = std::string_view::npos;
  for (std::size_t at = 0; at < text.size();) {
    const Unit unit = unit_at(text, at);
    const bool inside = kind_of(unit.code) == Kind::word || (begin != std::string_view::npos && is_apostrophe(unit.code));
    if (!inside) begin = std::string_view::npos;
    else if (begin == std::string_view::npos) begin = at;
    at += unit.length;
  }
  return begin;
}

bool goes_on_inside(std::string_view text) {
  if (text.empty()) return false;
  const Utf8Step step = read_utf8(text, 0);
  return step.state != Utf8State::good || kind_of(step.code) == Kind::word || is_apostrophe(step.code);
}

std::size_t whole_words(std::string_view text) {
  std::size_t whole = 0;
  for (std::size_t end = word_end(text, 0); end != std::string_view::npos; end = word_end(text, end)) whole = end;
  return whole;
}

std::string first_word_folded(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const Unit unit = unit_at(text, begin);
    if (kind_of(unit.code) != Kind::space) break;
    begin += unit.length;
  }
  const std::string word(text.substr(begin, std::min(word_end(text, 0), text.size()) - begin));
  utf8proc_uint8_t* folded = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(word.data()), static_cast<utf8proc_ssize_t>(word.size()),
                                 &folded, static_cast<utf8proc_option_t>(UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  if (size < 0) return word;  // not UTF-8: as it is
  std::string result(reinterpret_cast<const char*>(folded), static_cast<std::size_t>(size));
  std::free(folded);
  return result;
}

bool ends_sentence(std::string_view text) {
  for (bool more = true; more;) {
    more = false;
    for (const std::string_view closer : kClosers) {
      if (text.ends_with(closer)) {
        text.remove_suffix(closer.size());
        more = true;
      }
    }
  }
  if (std::ranges::any_of(kEnders, [&](std::string_view ender) { return text.ends_with(ender); })) return true;
  if (!text.ends_with('.')) return false;
  text.remove_suffix(1);
  std::size_t begin = text.size();
  while (begin > 0 && std::isspace(static_cast<unsigned char>(text[begin - 1])) == 0) --begin;
  std::string word(text.substr(begin));
  while (!word.empty() && std::ispunct(static_cast<unsigned char>(word.front())) != 0) word.erase(0, 1);
  if (word.empty()) return false;
  const bool decimal = std::isdigit(static_cast<unsigned char>(word.back())) != 0;
  const bool initial = word.size() == 1 && word != "I";
  std::ranges::transform(word, word.begin(), [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return !decimal && !initial && std::ranges::find(kAbbreviations, word) == kAbbreviations.end();
}

}  // namespace foreword::engine

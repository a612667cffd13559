#include "ui/autocomplete/prose.h"

#include <utf8proc.h>

#include <algorithm>

#include "ui/autocomplete/constants.h"

namespace foreword::ui::autocomplete {
namespace {

using text::CodePoint;
using text::decode;

bool is_ideographic(char32_t c) {
  return (c >= 0x2E80 && c <= 0x2FDF) || (c >= 0x3005 && c <= 0x3007) || (c >= 0x3021 && c <= 0x3029) ||
         (c >= 0x3041 && c <= 0x30FF && c != 0x30FB) || (c >= 0x3105 && c <= 0x312F) || (c >= 0x31F0 && c <= 0x31FF) ||
         (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFF66 && c <= 0xFF9F) || (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_apostrophe(char32_t c) { return c == '\'' || c == 0x2019; }

bool is_sentence_mark(char32_t c) {
  static constexpr std::u32string_view kMarks = U".!?\u2026\u3002\uff01\uff1f\u0964\u061f\u06d4\u203d";
  return kMarks.find(c) != kMarks.npos;
}

/// Marks after which a sentence ends although no space follows.
bool is_wide_mark(char32_t c) { return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0x0964 || c == 0x06D4; }

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// Start of the code point that ends the text, which is not empty.
std::size_t last_code_point(std::string_view text) {
  std::size_t at = text.size() - 1;
  for (int back = 0; back < 3 && at > 0 && is_continuation(text[at]); ++back) --at;
  return at;
}

char32_t fold(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

/// Whether a fence stands at the start of this line: up to three spaces, then three or more of ` or ~.
bool is_fence(std::string_view line) {
  std::size_t at = 0;
  while (at < 3 && at < line.size() && line[at] == ' ') ++at;
  const std::string_view mark = line.substr(at, 3);
  return mark == "```" || mark == "~~~";
}

}  // namespace

CharClass class_of(char32_t c) {
  if (c < 0x80) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_') return CharClass::word;
    return c <= ' ' || c == 0x7F ? CharClass::space : CharClass::punctuation;
  }
  if (is_ideographic(c)) return CharClass::ideograph;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_MC: case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_NL: case UTF8PROC_CATEGORY_NO:
      return CharClass::word;
    case UTF8PROC_CATEGORY_ZS: case UTF8PROC_CATEGORY_ZL: case UTF8PROC_CATEGORY_ZP: case UTF8PROC_CATEGORY_CC:
      return CharClass::space;
    default:
      return CharClass::punctuation;
  }
}

CharClass class_at_end(std::string_view text) {
  return text.empty() ? CharClass::space : class_of(decode(text, text::previous_cluster(text, text.size())).value);
}

// A cluster is of the class of its first character: marks and joiners never part it.
std::size_t unit_end(std::string_view text, std::size_t at) {
  const auto class_at = [&](std::size_t place) { return class_of(decode(text, place).value); };
  while (at < text.size() && class_at(at) == CharClass::space) at = text::next_cluster(text, at);
  if (at >= text.size()) return at;
  const CharClass kind = class_at(at);
  if (kind == CharClass::ideograph) return text::next_cluster(text, at);
  while (at < text.size()) {
    const std::size_t next = text::next_cluster(text, at);
    const bool joins = kind == CharClass::word && is_apostrophe(decode(text, at).value) && next < text.size() &&
                       class_at(next) == CharClass::word;
    if (class_at(at) != kind && !joins) break;
    at = next;
  }
  return at;
}

text::Range next_word(std::string_view text, std::size_t at) {
  for (; at < text.size(); at = text::next_cluster(text, at)) {
    const CharClass kind = class_of(decode(text, at).value);
    if (kind == CharClass::word || kind == CharClass::ideograph) return {at, unit_end(text, at)};
  }
  return {text.size(), text.size()};
}

int count_words(std::string_view text, int at_most) {
  int n = 0;
  for (text::Range word = next_word(text, 0); n < at_most && !word.empty(); word = next_word(text, word.end)) ++n;
  return n;
}

std::string_view first_unit(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const CodePoint c = decode(text, begin);
    if (class_of(c.value) != CharClass::space) break;
    begin += c.n_bytes;
  }
  return text.substr(begin, unit_end(text, begin) - begin);
}

bool ends_a_word(std::string_view text) { return class_at_end(text) != CharClass::word; }

bool inside_word(std::string_view before, std::string_view text) {
  return class_at_end(before) == CharClass::word && !text.empty() && class_of(decode(text, 0).value) == CharClass::word;
}

std::string_view open_word(std::string_view text) {
  std::size_t begin = text.size();
  while (begin > 0 && class_at_end(text.substr(0, begin)) == CharClass::word) begin = text::previous_cluster(text, begin);
  return text.substr(begin);
}

std::size_t sentence_end(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && class_of(decode(text, at).value) == CharClass::space) at += decode(text, at).n_bytes;
  while (at < text.size() && text[at] != '\n') {
    const CodePoint c = decode(text, at);
    at += c.n_bytes;
    if (!is_sentence_mark(c.value)) continue;
    // Further marks, quotes and brackets belong to it; a letter or digit right behind means an abbreviation or a number.
    while (at < text.size() && class_of(decode(text, at).value) == CharClass::punctuation) at += decode(text, at).n_bytes;
    if (is_wide_mark(c.value) || at >= text.size() || class_of(decode(text, at).value) == CharClass::space) return at;
  }
  return at;
}

std::size_t cut_at_word(std::string_view text, std::size_t at) {
  std::size_t end = 0;
  for (std::size_t next = unit_end(text, 0); next <= at && next > end; next = unit_end(text, next)) end = next;
  return end;
}

int visible_characters(std::string_view text, int at_most) {
  int n = 0;
  for (std::size_t at = 0; at < text.size() && n < at_most; at = text::next_cluster(text, at)) {
    n += class_of(decode(text, at).value) != CharClass::space ? 1 : 0;
  }
  return n;
}

int letters_and_digits(std::string_view text, int at_most) {
  int n = 0;
  for (std::size_t at = 0; at < text.size() && n < at_most; at = text::next_cluster(text, at)) {
    const CharClass kind = class_of(decode(text, at).value);
    n += kind == CharClass::word || kind == CharClass::ideograph ? 1 : 0;
  }
  return n;
}

std::size_t count_characters(std::string_view text, std::size_t at_most) {
  std::size_t n = 0;
  for (std::size_t at = 0; at < text.size() && n < at_most; ++at) n += is_continuation(text[at]) ? 0 : 1;
  return n;
}

std::size_t last_characters(std::string_view text, std::size_t n) {
  std::size_t at = text.size();
  while (at > 0 && n > 0) {
    --at;
    if (!is_continuation(text[at])) --n;
  }
  return at;
}

std::size_t context_begin(std::string_view before) {
  constexpr std::size_t kMost = tuned_count("before_max"), kStride = tuned_count("before_stride");
  std::size_t too_many = last_characters(before, kMost);
  if (too_many == 0) return 0;
  // Bytes are counted from the start, where nothing changes while the text grows at its end.
  too_many = std::min(before.size(), (too_many + kStride - 1) / kStride * kStride);
  const std::size_t last_start = too_many + (before.size() - too_many) / 2;
  for (std::size_t at = too_many; at < last_start; ++at) {
    const bool line = before[at] == '\n';
    const bool mark = before[at] == ' ' && is_sentence_mark(decode(before, last_code_point(before.substr(0, at))).value);
    const bool wide = !is_continuation(before[at]) && is_wide_mark(decode(before, last_code_point(before.substr(0, at))).value);
    if (line || mark) return at + 1;
    if (wide) return at;
  }
  return text::cluster_begin(before, too_many);
}

bool in_fence(std::string_view before) {
  bool inside = false;
  for (std::size_t at = 0; at < before.size();) {
    const std::size_t end = std::min(before.find('\n', at), before.size());
    if (is_fence(before.substr(at, end - at)) && (!inside || end < before.size())) inside = !inside;
    at = end + 1;
  }
  return inside;
}

void append_folded(std::string& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode(text, at);
    text::append_utf8(out, fold(c.value));
    at += c.n_bytes;
  }
}

std::string folded(std::string_view text) {
  std::string out;
  append_folded(out, text);
  return out;
}

bool same_folded(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    const CodePoint x = decode(a, i), y = decode(b, j);
    if (fold(x.value) != fold(y.value)) return false;
    i += x.n_bytes, j += y.n_bytes;
  }
  return i == a.size() && j == b.size();
}

}  // namespace foreword::ui::autocomplete

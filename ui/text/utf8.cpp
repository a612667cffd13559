#include "ui/text/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace foreword::ui::text {
namespace {

constexpr char32_t kReplacement = 0xFFFD, kJoiner = 0x200D;

bool is_ascii(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]) < 0x80; }

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// Start of the code point (or invalid byte) that ends at `at` > 0.
std::size_t previous_code_point(std::string_view text, std::size_t at) {
  for (std::size_t back = 1; back <= 4 && back <= at; ++back) {
    if (is_continuation(text[at - back])) continue;
    if (decode(text, at - back).n_bytes == back) return at - back;
    break;
  }
  return at - 1;
}

enum class WordClass { space, word, punctuation };

WordClass class_of(char32_t c) {
  if (c == '_') return WordClass::word;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_MC: case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_NL: case UTF8PROC_CATEGORY_NO:
      return WordClass::word;
    case UTF8PROC_CATEGORY_ZS: case UTF8PROC_CATEGORY_ZL: case UTF8PROC_CATEGORY_ZP: case UTF8PROC_CATEGORY_CC:
      return WordClass::space;
    default:
      return WordClass::punctuation;
  }
}

WordClass class_before(std::string_view text, std::size_t at) {
  return class_of(decode(text, previous_code_point(text, at)).value);
}

/// Scripts written without spaces, where any two characters may be parted.
bool is_ideographic(char32_t c) {
  return (c >= 0x2E80 && c <= 0x30FF) || (c >= 0x3130 && c <= 0x318F) || (c >= 0x31A0 && c <= 0xA4CF) ||
         (c >= 0xAC00 && c <= 0xD7AF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE4F) ||
         (c >= 0xFF00 && c <= 0xFFEF) || (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_closing(char32_t c) {
  static constexpr std::u32string_view kClosing = U"!%),.:;?]}\u00bb\u2019\u201d\u2026\u3001\u3002\u3009\u300b\u300d\u300f\u3011"
      U"\u3015\u3017\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7"
      U"\u30fc\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\uff3d\uff5d";
  return kClosing.find(c) != kClosing.npos;
}

/// No-break spaces and joiners.
bool is_glue(char32_t c) { return c == 0xA0 || c == 0x202F || c == 0x2007 || c == 0x2060 || c == 0xFEFF || c == kJoiner; }

bool is_opening(char32_t c) {
  static constexpr std::u32string_view kOpening =
      U"([{\u00ab\u2018\u201c\u3008\u300a\u300c\u300e\u3010\u3014\u3016\uff08\uff3b\uff5b";
  return kOpening.find(c) != kOpening.npos;
}

}  // namespace

CodePoint decode(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + n > text.size()) return {kReplacement, 1};
  char32_t value = lead & (0xFFu >> (n + 1));
  for (std::size_t i = 1; i < n; ++i) {
    if (!is_continuation(text[at + i])) return {kReplacement, 1};
    value = (value << 6) | (byte(i) & 0x3F);
  }
  const bool overlong = (n == 3 && value < 0x800) || (n == 4 && value < 0x10000);
  if (overlong || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) return {kReplacement, 1};
  return {value, n};
}

void append_utf8(std::string& text, char32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = kReplacement;
  const auto put = [&](char32_t bits) { text.push_back(static_cast<char>(static_cast<unsigned char>(bits))); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6)), put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18)), put(0x80 | ((c >> 12) & 0x3F)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
  }
}

std::string clean(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  std::size_t kept = 0;  // bytes from here on are good and wait to be copied at once
  const auto copy_to = [&](std::size_t end) { out.append(bytes, kept, end - kept); };
  for (std::size_t at = 0; at < bytes.size();) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    if ((byte >= 0x20 && byte < 0x7F) || byte == '\n' || byte == '\t') {
      ++at;
      continue;
    }
    const CodePoint c = decode(bytes, at);
    if (c.n_bytes > 1) {
      at += c.n_bytes;
      continue;
    }
    copy_to(at);
    kept = ++at;
    if (byte == '\r' && !(at < bytes.size() && bytes[at] == '\n')) out.push_back('\n');
    if (byte >= 0x80) append_utf8(out, kReplacement);
  }
  copy_to(bytes.size());
  return out;
}

std::string clean_line(std::string_view bytes) {
  std::string out = clean(bytes);
  std::replace_if(out.begin(), out.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return out;
}

std::string with_escapes(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode(text, at);
    char escape[16] = {};
    const bool hidden = utf8proc_category(static_cast<utf8proc_int32_t>(c.value)) == UTF8PROC_CATEGORY_CF;
    if (hidden) std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned>(c.value));
    out += hidden ? std::string_view(escape) : text.substr(at, c.n_bytes);
    at += c.n_bytes;
  }
  return out;
}

std::size_t next_cluster(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  CodePoint before = decode(text, at);
  std::size_t end = at + before.n_bytes;
  utf8proc_int32_t state = 0;
  for (int n = 1; end < text.size() && n < kMaxClusterCodePoints; ++n) {
    if (before.value < 0x80 && is_ascii(text, end)) return end;  // no rule joins two of ASCII ("\r\n" is cleaned away)
    const CodePoint after = decode(text, end);
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(before.value),
                                         static_cast<utf8proc_int32_t>(after.value), &state)) {
      return end;
    }
    end += after.n_bytes;
    before = after;
  }
  return end;
}

std::size_t previous_cluster(std::string_view text, std::size_t at) {
  if (at <= 1) return 0;
  if (is_ascii(text, at - 1)) return at - 1;
  // Clusters are found forwards, so start where one surely begins: where two characters part whatever is around them.
  std::size_t start = previous_code_point(text, at);
  while (start > 0) {
    const std::size_t before = previous_code_point(text, start);
    const char32_t first = decode(text, before).value, second = decode(text, start).value;
    const bool joined = first == kJoiner;  // what a joiner joins depends on what is before it
    if (!joined && utf8proc_grapheme_break(static_cast<utf8proc_int32_t>(first), static_cast<utf8proc_int32_t>(second))) break;
    start = before;
  }
  for (;;) {
    const std::size_t next = next_cluster(text, start);
    if (next >= at) return start;
    start = next;
  }
}

std::size_t cluster_begin(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  for (int back = 0; back < 3 && at > 0 && is_continuation(text[at]); ++back) --at;
  if (at == 0) return 0;
  const std::size_t cluster = previous_cluster(text, at);
  return next_cluster(text, cluster) > at ? cluster : at;
}

std::size_t next_word(std::string_view text, std::size_t at) {
  const auto here = [&] { return class_of(decode(text, at).value); };
  while (at < text.size() && here() != WordClass::word) at += decode(text, at).n_bytes;
  while (at < text.size() && here() == WordClass::word) at += decode(text, at).n_bytes;
  return at;
}

std::size_t previous_word(std::string_view text, std::size_t at) {
  while (at > 0 && class_before(text, at) != WordClass::word) at = previous_code_point(text, at);
  while (at > 0 && class_before(text, at) == WordClass::word) at = previous_code_point(text, at);
  return at;
}

Range word_at(std::string_view text, std::size_t at) {
  if (text.empty()) return {};
  at = std::min(at, text.size());
  if (at == text.size() || text[at] == '\n') {
    if (at == 0 || text[at - 1] == '\n') return {at, at};
    at = previous_code_point(text, at);
  }
  const WordClass kind = class_of(decode(text, at).value);
  Range range{at, at};
  while (range.begin > 0 && text[range.begin - 1] != '\n' && class_before(text, range.begin) == kind) {
    range.begin = previous_code_point(text, range.begin);
  }
  while (range.end < text.size() && text[range.end] != '\n') {
    const CodePoint c = decode(text, range.end);
    if (class_of(c.value) != kind) break;
    range.end += c.n_bytes;
  }
  return range;
}

Range paragraph_at(std::string_view text, std::size_t at) {
  at = std::min(at, text.size());
  const std::size_t before = at == 0 ? text.npos : text.rfind('\n', at - 1);
  const std::size_t after = text.find('\n', at);
  return {before == text.npos ? 0 : before + 1, after == text.npos ? text.size() : after};
}

bool can_break_between(char32_t before, char32_t after) {
  if (after == ' ' || after == '\t') return false;
  if (before == ' ' || before == '\t' || before == 0x200B || before == 0x3000) return true;
  if (is_glue(before) || is_glue(after) || after == 0x200B) return false;
  if (before == 0xAD) return true;  // a soft hyphen
  if (before < 0x80 && after < 0x80) {
    return (before == '-' || before == '/' || before == '|') && std::isalpha(static_cast<int>(after)) != 0;
  }
  if (before == 0x2013 || before == 0x2014) return true;
  if (is_closing(after) || is_opening(before)) return false;
  return is_ideographic(before) || is_ideographic(after);
}

std::string sort_key(std::string_view text) {
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK | UTF8PROC_CASEFOLD);
  utf8proc_uint8_t* folded = nullptr;
  const utf8proc_ssize_t n = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &folded, options);
  std::string key = n < 0 ? std::string(text) : std::string(reinterpret_cast<const char*>(folded), static_cast<std::size_t>(n));
  std::free(folded);  // utf8proc allocates with malloc
  return key;
}

}  // namespace foreword::ui::text

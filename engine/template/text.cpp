#include "engine/template/text.h"

#include <string.h>
#include <utf8proc.h>

#include <algorithm>

namespace foreword::engine::jinja {

bool Text::trusted_at(std::size_t at) const {
  const auto run = std::upper_bound(runs_.begin(), runs_.end(), at,
                                    [](std::size_t offset, const Run& candidate) { return offset < candidate.end; });
  return run == runs_.end() || run->trusted;
}

Text Text::part(std::size_t begin, std::size_t end) const {
  Text out;
  out.append(*this, begin, end);
  return out;
}

void Text::append(std::string_view bytes, bool trusted) {
  if (bytes.empty()) return;
  bytes_.append(bytes);
  if (!runs_.empty() && runs_.back().trusted == trusted) {
    runs_.back().end = bytes_.size();
  } else {
    runs_.push_back({bytes_.size(), trusted});
  }
}

void Text::append(const Text& other, std::size_t begin, std::size_t end) {
  auto run = std::upper_bound(other.runs_.begin(), other.runs_.end(), begin,
                              [](std::size_t offset, const Run& candidate) { return offset < candidate.end; });
  for (; begin < end; ++run) {
    const std::size_t stop = std::min(end, run->end);
    append(std::string_view(other.bytes_).substr(begin, stop - begin), run->trusted);
    begin = stop;
  }
}

Character character_at(std::string_view bytes, std::size_t at) {
  const auto* data = reinterpret_cast<const utf8proc_uint8_t*>(bytes.data() + at);
  if (data[0] < 0x80) return {data[0], 1};
  utf8proc_int32_t code_point = -1;
  const auto size = utf8proc_iterate(data, static_cast<utf8proc_ssize_t>(bytes.size() - at), &code_point);
  if (size <= 0) return {-1, 1};
  return {code_point, static_cast<std::size_t>(size)};
}

void append_utf8(std::string& out, std::int32_t code_point) {
  utf8proc_uint8_t buffer[4];
  const auto size = utf8proc_encode_char(code_point, buffer);
  out.append(reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(size));
}

std::vector<std::size_t> character_offsets(std::string_view bytes) {
  std::vector<std::size_t> offsets;
  offsets.reserve(bytes.size() + 1);
  std::size_t at = 0;
  for (; at < bytes.size(); at += character_at(bytes, at).size) offsets.push_back(at);
  offsets.push_back(at);
  return offsets;
}

std::size_t count_characters(std::string_view bytes) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < bytes.size(); at += character_at(bytes, at).size) ++count;
  return count;
}

bool is_space(std::int32_t c) {
  if (c < 0x80) return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20);
  return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

bool is_letter(std::int32_t c) {
  const auto category = utf8proc_category(c);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_upper(std::int32_t c) { return utf8proc_category(c) == UTF8PROC_CATEGORY_LU; }
bool is_lower(std::int32_t c) { return utf8proc_category(c) == UTF8PROC_CATEGORY_LL; }

bool is_printable(std::int32_t c) {
  if (c == ' ') return true;
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

std::int32_t to_upper(std::int32_t c) { return utf8proc_toupper(c); }
std::int32_t to_lower(std::int32_t c) { return utf8proc_tolower(c); }
std::int32_t to_title(std::int32_t c) { return utf8proc_totitle(c); }

void append_mapped(Text& out, const Text& text, std::size_t begin, std::size_t end, CaseMap map) {
  constexpr std::int32_t kSharpS = 0xdf;  // the one letter in use whose capital is two letters
  std::string buffer;
  for (std::size_t at = begin; at < end;) {
    const Character character = character_at(text.bytes(), at);
    buffer.clear();
    if (character.code_point < 0) {
      buffer = text.bytes()[at];
    } else if (character.code_point == kSharpS && map != to_lower) {
      buffer = map == to_upper ? "SS" : "Ss";
    } else {
      append_utf8(buffer, map(character.code_point));
    }
    out.append(buffer, text.trusted_at(at));
    at += character.size;
  }
}

void append_folded(Text& out, const Text& text) {
  constexpr utf8proc_ssize_t kMost = 8;  // Unicode has at most three
  std::string buffer;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text.bytes(), at);
    utf8proc_int32_t folded[kMost];
    int boundary = 0;
    const utf8proc_ssize_t n = character.code_point < 0 ? 0 : utf8proc_decompose_char(character.code_point, folded, kMost, UTF8PROC_CASEFOLD, &boundary);
    buffer.clear();
    for (utf8proc_ssize_t i = 0; i < n && n <= kMost; ++i) append_utf8(buffer, folded[i]);
    if (buffer.empty()) buffer = text.bytes().substr(at, character.size);
    out.append(buffer, text.trusted_at(at));
    at += character.size;
  }
}

std::size_t find_bytes(std::string_view bytes, std::string_view needle, std::size_t from) {
  if (from > bytes.size()) return std::string_view::npos;
  if (needle.empty()) return from;
  if (from == bytes.size()) return std::string_view::npos;
  // memmem is linear in the worst case; string_view::find is not.
  const void* found = memmem(bytes.data() + from, bytes.size() - from, needle.data(), needle.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
}

std::size_t find_last_bytes(std::string_view bytes, std::string_view needle) {
  const std::string backwards(bytes.rbegin(), bytes.rend());
  const std::string needle_backwards(needle.rbegin(), needle.rend());
  const std::size_t at = find_bytes(backwards, needle_backwards);
  return at == std::string_view::npos ? at : bytes.size() - at - needle.size();
}

}  // namespace foreword::engine::jinja

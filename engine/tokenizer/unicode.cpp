#include "engine/tokenizer/unicode.h"

#include <utf8proc.h>

#include <array>

namespace foreword::engine {

Utf8Step read_utf8(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) return {lead, 1, Utf8State::good};
  if (lead < 0xC2 || lead > 0xF4) return {0, 1, Utf8State::bad};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t code = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (at + i >= text.size()) return {0, i, Utf8State::cut_short};
    // The second byte's range shuts out overlong forms, surrogates and what lies above U+10FFFF.
    unsigned low = 0x80, high = 0xBF;
    if (i == 1) {
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    }
    const unsigned next = byte(at + i);
    if (next < low || next > high) return {0, i, Utf8State::bad};
    code = (code << 6) | (next & 0x3F);
  }
  return {code, length, Utf8State::good};
}

void append_utf8(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int continuation = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr std::array<unsigned, 4> kLead = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[static_cast<std::size_t>(continuation)] | (code >> (6 * continuation)));
  for (int i = continuation - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
}

std::string take_valid_utf8(std::string& bytes, bool last) {
  std::string out;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const Utf8Step step = read_utf8(bytes, at);
    if (step.state == Utf8State::cut_short && !last) break;
    if (step.state == Utf8State::good) {
      out.append(bytes, at, step.length);
    } else {
      append_utf8(out, 0xFFFD);
    }
    at += step.length;
  }
  bytes.erase(0, at);
  return out;
}

std::u32string to_units(std::string_view text) {
  std::u32string units;
  units.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = read_utf8(text, at);
    if (step.state == Utf8State::good) {
      units += step.code;
      at += step.length;
    } else {
      units += kRawByte + static_cast<unsigned char>(text[at]);
      ++at;
    }
  }
  return units;
}

CategoryMask category_of(char32_t unit) {
  if (unit >= kRawByte) unit = 0xFFFD;
  return CategoryMask{1} << utf8proc_category(static_cast<utf8proc_int32_t>(unit));
}

CategoryMask categories_named(std::string_view name) {
  constexpr std::array<std::string_view, 30> kNames = {"Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd",
                                                       "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm",
                                                       "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"};
  static_assert(UTF8PROC_CATEGORY_CN == 0 && UTF8PROC_CATEGORY_ND == 9 && UTF8PROC_CATEGORY_CO == 29);
  CategoryMask mask = 0;
  if (name.empty()) return mask;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i].substr(0, name.size()) == name) mask |= CategoryMask{1} << i;
  }
  return mask;
}

}  // namespace foreword::engine

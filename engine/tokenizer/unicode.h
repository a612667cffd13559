#pragma once
// UTF-8 as models meet it: strict reading that never stumbles over bad bytes, and general categories of code points.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace foreword::engine {

enum class Utf8State : std::uint8_t { good, bad, cut_short };

/// What stands at one place of a byte string. `bad`: `length` bytes can never become a character (the longest such
/// prefix of a well-formed sequence, at least 1). `cut_short`: the text ends inside a so far well-formed character.
struct Utf8Step {
  char32_t code = 0;
  std::size_t length = 1;
  Utf8State state = Utf8State::bad;
};

/// Reads at `at` < text.size(). Well-formed as in table 3-7 of the Unicode Standard (no surrogates, no overlong forms).
Utf8Step read_utf8(std::string_view text, std::size_t at);

void append_utf8(std::string& out, char32_t code);

/// Moves everything decided from the front of `bytes` to the result, bad bytes as U+FFFD. A cut-short character at the
/// end stays in `bytes` unless `last`, which turns it into one U+FFFD.
std::string take_valid_utf8(std::string& bytes, bool last);

// A text as units: code points, and bytes outside any well-formed character as kRawByte + byte. So a unit's length in
// bytes follows from its value, and no text is unreadable.
inline constexpr char32_t kRawByte = 0x110000;

std::u32string to_units(std::string_view text);

inline std::size_t unit_bytes(char32_t unit) {
  if (unit < 0x80 || unit >= kRawByte) return 1;
  return unit < 0x800 ? 2 : unit < 0x10000 ? 3 : 4;
}

/// A set of general categories, one bit each.
using CategoryMask = std::uint32_t;
/// The bit of a unit's category; raw bytes count as U+FFFD does (a symbol).
CategoryMask category_of(char32_t unit);
/// "L", "Lu", "N", ...: one or all subcategories of a letter; 0 if there is no such category.
CategoryMask categories_named(std::string_view name);

}  // namespace foreword::engine

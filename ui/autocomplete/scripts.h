#pragma once
// Which script a text is mainly written in. Ranges of the Unicode blocks that letters of living scripts lie in; what is not in
// the table (digits, punctuation, emoji, rare scripts) is common. Pure.

#include <cstdint>
#include <string_view>

namespace foreword::ui::autocomplete {

/// Chinese characters and kana are one: texts mix them.
enum class Script : std::uint8_t {
  common, latin, greek, cyrillic, armenian, hebrew, arabic, devanagari, bengali, gurmukhi, gujarati, tamil, telugu, kannada,
  malayalam, sinhala, thai, lao, tibetan, myanmar, georgian, ethiopic, khmer, east_asian, hangul,
};

Script script_of(char32_t c);
/// The script of most of the words, a Chinese or Japanese character being one; common if there is no letter. Of equals the first
/// in the enumeration.
Script main_script(std::string_view text);

}  // namespace foreword::ui::autocomplete

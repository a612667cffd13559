#pragma once
// UTF-8 text by byte offsets: code points, grapheme clusters (UAX 29, through utf8proc) and words. Every function accepts
// any bytes: an invalid byte counts as one U+FFFD. Offsets given must be boundaries of the same kind, or the ends.

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/range.h"

namespace foreword::ui::text {

struct CodePoint {
  char32_t value = 0;       // U+FFFD for an invalid byte
  std::size_t n_bytes = 0;  // 1..4; 0 only at the end of the text
};

/// A cluster is cut after this many code points, so that hostile runs of combining marks stay cheap.
inline constexpr int kMaxClusterCodePoints = 32;

CodePoint decode(std::string_view text, std::size_t at);
void append_utf8(std::string& text, char32_t code_point);

/// Valid UTF-8 with "\n" line ends and without control characters other than tab and new line: what an editor may hold.
std::string clean(std::string_view bytes);
/// The same on one line: line ends and tabs become spaces.
std::string clean_line(std::string_view bytes);

/// Characters that are not seen but change how others stand (direction, joining) as escapes such as "\u202E". Valid UTF-8 in and out.
std::string with_escapes(std::string_view text);

/// What names are sorted by, as people do: without case and accents.
std::string sort_key(std::string_view text);

/// End of the grapheme cluster that starts at `at`.
std::size_t next_cluster(std::string_view text, std::size_t at);
/// Start of the grapheme cluster that ends at `at`.
std::size_t previous_cluster(std::string_view text, std::size_t at);

/// Start of the grapheme cluster that holds byte `at`, any byte of the text.
std::size_t cluster_begin(std::string_view text, std::size_t at);

/// End of the next word to the right (leading spaces and punctuation skipped), as Ctrl+Right goes.
std::size_t next_word(std::string_view text, std::size_t at);
/// Start of the word to the left, as Ctrl+Left goes.
std::size_t previous_word(std::string_view text, std::size_t at);

using foreword::Range;
/// The run of word characters, spaces or punctuation around `at`, as a double click selects it.
Range word_at(std::string_view text, std::size_t at);
/// The paragraph (between line ends) around `at`, without its "\n".
Range paragraph_at(std::string_view text, std::size_t at);

/// May a line be broken between these two code points (a small subset of UAX 14: spaces, hyphens, ideographs with
/// the common prohibitions before closing and after opening punctuation)?
bool can_break_between(char32_t before, char32_t after);

}  // namespace foreword::ui::text

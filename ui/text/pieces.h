#pragma once
// Parts a text into pieces that are shaped as one: words, single ideographs, spaces, tabs. A piece has one font and one
// natural direction, so its width depends on nothing around it; lines are broken between pieces, and within one only when
// it is wider than a line.

#include <cstdint>
#include <span>
#include <string_view>

#include "ui/text/glyph_source.h"
#include "ui/text/utf8.h"

namespace foreword::ui::text {

/// How a part of a text looks. `ink` and `marks` mean something to who draws; pieces never cross a span's end.
struct Span {
  std::size_t end = static_cast<std::size_t>(-1);  // bytes; the next span begins here
  Font font;
  std::uint8_t ink = 0;
  std::uint8_t marks = 0;
  float pad = 0;  // pixels kept free before and behind it
  bool operator==(const Span&) const = default;
};

/// A text and its spans, which cover it in order. A view: the owner keeps both.
struct StyledText {
  std::string_view text;
  std::span<const Span> spans;  // at least one; the last one ends at or behind the text's end
};

enum class PieceKind : std::uint8_t { word, space, tab, line_end };

struct Piece {
  Range range;
  PieceKind kind = PieceKind::word;
  bool rtl = false;            // it holds letters that run to the left
  bool opportunity = false;    // a line may be broken before it
  const Span* span = nullptr;
  float before = 0, behind = 0;  // pixels of the span's padding, in reading order
};

class PieceReader {
 public:
  /// Reads [range.begin, range.end). Views into `styled` must stay valid.
  PieceReader(const StyledText& styled, Range range);
  /// False at the end.
  bool next(Piece& piece);

 private:
  static constexpr std::size_t kMaxBytes = 64;

  std::string_view text_;
  const Span* span_;
  std::size_t span_begin_;
  std::size_t at_, end_;
  char32_t before_ = 0;  // last base character of the piece before; 0 at the beginning
};

}  // namespace foreword::ui::text

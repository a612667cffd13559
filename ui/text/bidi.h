#pragma once
// The order of text on a line when some of it runs from right to left (UAX 9, through FriBidi). Pure.

#include <cstdint>
#include <string_view>
#include <vector>

#include "ui/text/utf8.h"

namespace foreword::ui::text {

/// A letter of a script that is written from right to left.
bool is_rtl_letter(char32_t c);
/// False: certainly nothing here runs from right to left, and no direction need be asked for. Fast.
bool may_run_left(std::string_view text);

/// Directions of one paragraph.
struct Directions {
  Range range;                       // of the text, what `levels` covers
  bool base_rtl = false;             // the paragraph starts at the right
  std::vector<std::uint8_t> levels;  // embedding level of each byte; empty: all of it runs to the right
};

/// Part of a line that runs one way.
struct DirectedRun {
  Range range;
  bool rtl = false;
  int level = 0;  // of embedding
};

/// Paragraphs longer than this are resolved line by line, with the base direction of their beginning.
inline constexpr std::size_t kMaxBidiBytes = 8192;

/// `paragraph` is a range of `text` without line ends.
Directions resolve_directions(std::string_view text, Range paragraph);
/// The same for a part of a paragraph whose base direction is known.
Directions resolve_directions(std::string_view text, Range part, bool base_rtl);
/// Does the paragraph's first letter with a direction run to the left?
bool starts_rtl(std::string_view text, Range paragraph);

/// The parts of a line, which lies within `directions.range`, from left to right as they are drawn (rules L1 and L2).
void visual_runs(std::string_view text, const Directions& directions, Range line, std::vector<DirectedRun>& runs);

}  // namespace foreword::ui::text

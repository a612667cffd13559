#pragma once
// A message as blocks to be drawn: what markdown means, without how it looks. Plain data.

#include <cstdint>
#include <string>
#include <vector>

#include "ui/text/utf8.h"

namespace foreword::ui::text {

enum class BlockKind : std::uint8_t { paragraph, heading, code, table, rule };
enum class TaskMark : std::uint8_t { none, open, done };
enum class Align : std::uint8_t { left, center, right };

/// How inline text is marked; bits of InlineRun::marks.
enum InlineMark : std::uint8_t { kStrong = 1, kEmphasis = 2, kCode = 4, kStrike = 8, kLink = 16 };

/// Inline text up to byte `end` of the block's text; the next run begins there.
struct InlineRun {
  std::size_t end = 0;
  std::uint8_t marks = 0;
  std::uint16_t link = 0;  // index into Block::links, where marks has kLink
  bool operator==(const InlineRun&) const = default;
};

struct Block {
  BlockKind kind = BlockKind::paragraph;
  std::uint8_t level = 0;          // of a heading, 1..6
  bool tight = false;              // in a list whose items stand close together
  bool begins_list = false;        // first block of a list's first item
  TaskMark task = TaskMark::none;  // of a list item's first block
  std::string nest;                // containers from outside in: 'q' a quote, 'l' a list item
  std::string marker;              // of a list item's first block: a bullet, or "3."
  std::string text;                // what is shown and selected; cells of a table are parted by "\t", rows by "\n"
  std::vector<InlineRun> runs;     // cover the text, except of code
  std::vector<std::string> links;  // targets
  std::string language;            // of code: the first word behind the fence
  std::vector<Align> columns;      // of a table
  std::vector<Range> cells;        // of a table, row by row, the head first: ranges of the text
  bool operator==(const Block&) const = default;
};

/// Containers deeper than this look like the deepest.
inline constexpr std::size_t kMaxNest = 8;
/// A table of more cells is shown as it was written.
inline constexpr std::size_t kMaxCells = 4000;

}  // namespace foreword::ui::text

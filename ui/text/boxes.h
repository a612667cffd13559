#pragma once
// Blocks laid out in a column: where each text, cell, code box and marker stands. Sizes come from a Sheet, colours are named
// by inks; who draws has both. When a message grows only its last block is laid out again, and of that only the end. One
// thread.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "ui/text/document.h"
#include "ui/text/highlight.h"
#include "ui/text/layout.h"

namespace foreword::ui::text {

/// Span::ink of a document's texts; a token of code has ink::kToken + its number.
namespace ink {
inline constexpr std::uint8_t kText = 0, kSoft = 1, kLink = 2, kCode = 3, kToken = 4;
inline constexpr std::size_t kCount = kToken + kTokenKinds;
}  // namespace ink

/// Bits of Span::marks: what is drawn with the text.
inline constexpr std::uint8_t kUnderline = 1, kStrikeOut = 2, kChip = 4;

/// Fonts and distances, pixels.
struct Sheet {
  Font body;  // its other styles have the same size
  Font inline_code, code;
  std::array<Font, 6> headings;
  float line = 24, code_line = 21;
  std::array<float, 6> heading_lines{};
  float block_gap = 12, tight_gap = 4, heading_gap = 22;
  float list_indent = 26, quote_indent = 18;
  float code_pad = 14, code_head = 30;
  float chip_pad = 4;
  float cell_pad_x = 12, cell_pad_y = 7, min_column = 90;
  std::uint8_t ink = ink::kText;
  bool operator==(const Sheet&) const = default;
};

/// One text of a block: all of it, or a table's cell.
struct TextBox {
  Range range;              // of the block's text
  std::vector<Span> spans;  // offsets within the range
  Layout layout;
  float left = 0, top = 0;  // from the document's top left corner
  float width = 0;          // where lines wrap; 0: they do not
  float room = 0;           // within which lines are aligned
  float line_height = 0;
  Align align = Align::left;

  StyledText styled(const Block& block) const { return {std::string_view(block.text).substr(range.begin, range.end - range.begin), spans}; }
  float height() const { return static_cast<float>(layout.n_lines()) * line_height; }
};

struct BlockBox {
  std::size_t begin = 0;        // place of its first byte in the document; one place lies between two blocks
  float left = 0, top = 0, width = 0, height = 0;
  bool rtl = false;             // it stands at the right: indents and markers are mirrored
  float content_width = 0;      // of code and tables, which scroll sideways when this is more than their width
  float scroll = 0;
  std::vector<TextBox> texts;
  std::vector<float> columns;   // of a table: widths, with padding
  std::vector<float> rows;      // of a table: heights
};

class Boxes {
 public:
  /// Blocks before `first_changed` are those of the last call, and so are the first `n_same` bytes of that block's text,
  /// unless the sheet or the width changed.
  void lay_out(ShapeCache& shapes, const std::vector<Block>& blocks, std::size_t first_changed, std::size_t n_same, const Sheet& sheet,
               float width);

  struct Moved {
    bool any = false;
    float above = 0;  // pixels by which what begins above the anchor grew: what is there moved down by them
  };
  /// Lays out what is visible between two heights, and moves all blocks to where they then belong. Long documents are laid
  /// out where they are looked at; until then their heights are guesses.
  Moved prepare(ShapeCache& shapes, const std::vector<Block>& blocks, float top, float bottom, float anchor);

  const Sheet& sheet() const { return sheet_; }
  float height() const { return boxes_.empty() ? 0 : boxes_.back().top + boxes_.back().height; }
  /// Widest line of all blocks, pixels; the column's width if one of them takes all of it.
  float widest() const;
  /// Places of the document: bytes of all blocks' texts, and one between blocks.
  std::size_t size(const std::vector<Block>& blocks) const;
  std::vector<BlockBox>& boxes() { return boxes_; }
  const std::vector<BlockBox>& boxes() const { return boxes_; }

  /// The first block that reaches below `y`.
  std::size_t block_at(float y) const;
  std::size_t block_of(std::size_t place) const;
  /// The caret place nearest to a point.
  std::size_t place_at(ShapeCache& shapes, const std::vector<Block>& blocks, float x, float y);
  struct Spot {
    float x = 0, y = 0;    // of a caret's top
    float line_height = 0;
  };
  Spot spot_of(ShapeCache& shapes, const std::vector<Block>& blocks, std::size_t place);
  /// Of a line within its text box, from the box's left: alignment and direction.
  static float line_indent(ShapeCache& shapes, TextBox& box, const StyledText& styled, std::size_t line);

  /// Layouts made anew, and layouts of which only the end was made, so far.
  std::size_t n_fresh() const { return n_fresh_; }
  std::size_t n_edited() const { return n_edited_; }

 private:
  void place(const Block& block, const Block* before, BlockBox& box, float above) const;
  void lay_out_text(ShapeCache& shapes, const Block& block, BlockBox& box, std::size_t n_same);
  void lay_out_table(ShapeCache& shapes, const Block& block, BlockBox& box, std::size_t n_same);
  void set(ShapeCache& shapes, const Block& block, TextBox& box, float width);
  float text_height(const BlockBox& box, BlockKind kind) const;

  Sheet sheet_;
  float width_ = -1;
  bool lazy_ = false;
  std::vector<BlockBox> boxes_;
  std::vector<BlockKind> kinds_;  // of the boxes, to see what may be reused
  std::size_t n_fresh_ = 0, n_edited_ = 0;
};

}  // namespace foreword::ui::text

#pragma once
// A text on lines: where each line breaks, in which order its parts are drawn, and which caret place is where. Long texts
// are parted into sections of whole paragraphs that are laid out when something within them is asked for, so 10 MB cost
// what is seen of them; until then their lines are guessed. One thread.

#include <cstddef>
#include <vector>

#include "ui/text/bidi.h"
#include "ui/text/lines.h"

namespace foreword::ui::text {

/// A piece at its place on a line, pixels from the line's left end.
struct PlacedPiece {
  Range range;
  const Span* span = nullptr;
  const Shape* shape = nullptr;  // null: white space
  bool rtl = false;
  float x = 0, advance = 0;
};

/// What a visit needs beside the text: kept, so that the next one asks for no memory.
struct RunMemory {
  std::vector<DirectedRun> runs;
  std::vector<Piece> pieces;
};

/// The owner keeps the text and passes the same one each time; at least one line exists.
class Layout {
 public:
  /// `width` in pixels; 0 or less means no wrapping. `lazy`: a short text too is laid out only when it is looked at.
  void set(ShapeCache& shapes, const StyledText& styled, float width, bool lazy = false);
  /// After bytes [at, at + removed) of the old text became [at, at + inserted) of the new one. Same spans around it, same
  /// width.
  void edit(ShapeCache& shapes, const StyledText& styled, std::size_t at, std::size_t removed, std::size_t inserted);

  float width() const { return width_; }
  /// Guessed where nothing was laid out yet.
  std::size_t n_lines() const;
  /// Is nothing of it a guess any more?
  bool is_exact() const;
  /// Is it laid out at once, or section by section?
  bool is_whole() const { return sections_.size() == 1; }
  /// Lays out what it needs, which may change n_lines().
  Line line(ShapeCache& shapes, const StyledText& styled, std::size_t line);
  /// The line that shows a caret at `offset`; a place between two lines belongs to the lower one.
  std::size_t line_of(ShapeCache& shapes, const StyledText& styled, std::size_t offset);
  /// Last caret place that is still on this line.
  std::size_t line_end(ShapeCache& shapes, const StyledText& styled, std::size_t line);
  /// Pixels from the line's left end.
  float x_of(ShapeCache& shapes, const StyledText& styled, std::size_t line, std::size_t offset);
  /// The caret place nearest to `x` on a line.
  std::size_t offset_at(ShapeCache& shapes, const StyledText& styled, std::size_t line, float x);
  /// The caret place beside `offset` as the eye sees it; goes on to the next line at the end of one.
  std::size_t beside(ShapeCache& shapes, const StyledText& styled, std::size_t offset, bool right);
  /// Does the paragraph around `offset` start at the right?
  bool runs_left(const StyledText& styled, std::size_t offset);
  /// Where the line starts within `room` pixels: at the left, or moved to the right if it runs to the left.
  float indent(ShapeCache& shapes, const StyledText& styled, std::size_t line, float room);
  /// Calls `visit(const PlacedPiece&)` from left to right; false from it ends the visit. The shape is valid until the
  /// shapes are asked again.
  template <class Visit>
  void visit(ShapeCache& shapes, const StyledText& styled, std::size_t line, Visit&& visit);
  /// Calls `visit(left, right)` for the parts of a line that show bytes of `selection`.
  template <class Visit>
  void visit_selected(ShapeCache& shapes, const StyledText& styled, std::size_t line, Range selection, Visit&& visit);
  /// Widest line that was laid out, pixels.
  float widest() const;

 private:
  static constexpr std::size_t kSectionBytes = 8192;
  static constexpr std::size_t kMaxDirections = 64;  // paragraphs whose directions are remembered; a screen shows fewer

  struct Section {
    std::size_t begin = 0, size = 0;  // bytes; the "\n" behind it belongs to none
    std::size_t n_lines = 1;          // a guess until `exact`
    bool hard = true;                 // it ends where a paragraph ends
    bool exact = false;
    Lines lines;
  };
  struct Where {
    Section* section;
    std::size_t first_line;
  };

  void part(std::string_view text, Range range, std::vector<Section>& sections) const;
  void guess(Section& section, std::string_view text) const;
  Lines& exact(ShapeCache& shapes, const StyledText& styled, Section& section);
  Where section_of_line(std::size_t line);
  Where section_of_offset(std::size_t offset);
  const Directions& directions(std::string_view text, Range line);
  Directions find_directions(std::string_view text, Range line) const;

  float width_ = 0, char_width_ = 8;
  std::vector<Section> sections_{Section{}};
  std::vector<Directions> directions_;  // of the paragraphs that were asked for last
  RunMemory memory_;
};

/// Calls `visit(const PlacedPiece&)` for a line whose directions are known, memory.runs, from left to right, starting at
/// x = 0.
template <class Visit>
void visit_runs(ShapeCache& shapes, const StyledText& styled, RunMemory& memory, Visit&& visit) {
  float x = 0;
  const auto place = [&](const Piece& piece, bool rtl) {
    x += rtl ? piece.behind : piece.before;
    PlacedPiece placed{piece.range, piece.span, nullptr, rtl, x, 0};
    if (piece.kind == PieceKind::tab) {
      placed.advance = tab_stop(x, shapes.space(piece.span->font)) - x;
    } else if (piece.kind == PieceKind::space) {
      placed.advance = shapes.space(piece.span->font);
    } else {
      placed.shape = &shapes.shape(piece.span->font, styled.text.substr(piece.range.begin, piece.range.end - piece.range.begin), rtl);
      placed.advance = placed.shape->advance;
    }
    x += placed.advance + (rtl ? piece.before : piece.behind);
    return visit(placed);
  };
  for (const DirectedRun& run : memory.runs) {
    PieceReader reader(styled, run.range);
    Piece piece;
    if (!run.rtl) {
      while (reader.next(piece)) {
        if (!place(piece, false)) return;
      }
      continue;
    }
    memory.pieces.clear();
    while (reader.next(piece)) memory.pieces.push_back(piece);
    for (auto last = memory.pieces.rbegin(); last != memory.pieces.rend(); ++last) {
      if (!place(*last, true)) return;
    }
  }
}

template <class Visit>
void Layout::visit(ShapeCache& shapes, const StyledText& styled, std::size_t index, Visit&& visit) {
  const Line l = line(shapes, styled, index);
  visual_runs(styled.text, directions(styled.text, {l.begin, l.end}), {l.begin, l.end}, memory_.runs);
  visit_runs(shapes, styled, memory_, visit);
}

template <class Visit>
void Layout::visit_selected(ShapeCache& shapes, const StyledText& styled, std::size_t index, Range selection, Visit&& visit) {
  float open_left = 0, open_right = -1;  // neighbours are joined
  const auto add = [&](float left, float right) {
    if (open_right >= open_left && left <= open_right + 0.01f) {
      open_right = right;
      return;
    }
    if (open_right > open_left) visit(open_left, open_right);
    open_left = left;
    open_right = right;
  };
  this->visit(shapes, styled, index, [&](const PlacedPiece& piece) {
    const Range marked{std::max(selection.begin, piece.range.begin), std::min(selection.end, piece.range.end)};
    if (marked.begin >= marked.end) return true;
    if (piece.shape == nullptr) {
      add(piece.x, piece.x + piece.advance);
      return true;
    }
    float low = piece.advance, high = 0;
    for (const CaretStop& stop : piece.shape->carets) {
      const std::size_t at = piece.range.begin + stop.offset;
      if (at < marked.begin || at > marked.end) continue;
      low = std::min(low, stop.x);
      high = std::max(high, stop.x);
    }
    if (low < high) add(piece.x + low, piece.x + high);
    return true;
  });
  if (open_right > open_left) visit(open_left, open_right);
}

}  // namespace foreword::ui::text

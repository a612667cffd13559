#pragma once
// Breaks text into lines and finds places in them. Greedy breaking depends on a line's start alone, so an edit lays out
// again only the lines from just before it to the first line start that is the same as before. Pure; one thread.

#include <cstddef>
#include <string_view>
#include <vector>

#include "ui/text/shape_cache.h"
#include "ui/text/utf8.h"

namespace foreword::ui::text {

struct Line {
  std::size_t begin = 0, end = 0;  // bytes; trailing spaces included, the "\n" not
  float width = 0;                 // pixels, without trailing spaces
  bool hard = false;               // ends a paragraph
};

/// Calls `visit(cluster begin, cluster end, x, advance)` for the clusters of [begin, end); tabs stop at every 4 spaces.
template <class Visit>
void for_each_cluster(ShapeCache& shapes, Font font, std::string_view text, Range range, Visit&& visit) {
  float x = 0;
  for (std::size_t at = range.begin; at < range.end;) {
    const std::size_t next = next_cluster(text, at);
    float advance;
    if (text[at] == '\t') {
      const float stop = 4 * shapes.advance(font, " ");
      advance = stop - x + stop * static_cast<float>(static_cast<int>(x / stop));
    } else {
      advance = shapes.advance(font, text.substr(at, next - at));
    }
    if (!visit(at, next, x, advance)) return;
    x += advance;
    at = next;
  }
}

/// The owner keeps the text and passes the same one each time; at least one line exists.
class Layout {
 public:
  /// `width` in pixels; 0 or less means no wrapping.
  void set(ShapeCache& shapes, Font font, std::string_view text, float width);
  /// After bytes [at, at + removed) of the old text became [at, at + inserted) of `text`. Same font and width.
  void edit(ShapeCache& shapes, std::string_view text, std::size_t at, std::size_t removed, std::size_t inserted);

  Font font() const { return font_; }
  float width() const { return width_; }
  const std::vector<Line>& lines() const { return lines_; }
  /// The line that shows a caret at `offset`; a place between two lines belongs to the lower one.
  std::size_t line_of(std::size_t offset) const;
  /// Last caret place that is still on this line.
  std::size_t line_end(std::string_view text, std::size_t line) const;
  float x_of(ShapeCache& shapes, std::string_view text, std::size_t line, std::size_t offset) const;
  /// The caret place nearest to `x` on a line.
  std::size_t offset_at(ShapeCache& shapes, std::string_view text, std::size_t line, float x) const;
  /// Widest line, pixels.
  float widest() const;

 private:
  Line break_line(ShapeCache& shapes, std::string_view text, std::size_t begin) const;

  Font font_;
  float width_ = 0;
  std::vector<Line> lines_{Line{0, 0, 0, true}};
};

}  // namespace foreword::ui::text

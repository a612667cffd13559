#pragma once
// Breaks a text into lines and finds places in them. Greedy breaking depends on a line's start alone, so an edit lays out
// again only the lines from just before it to the first line start that is the same as before. Pure; one thread.

#include <cstddef>
#include <vector>

#include "ui/text/pieces.h"
#include "ui/text/shape_cache.h"

namespace foreword::ui::text {

struct Line {
  std::size_t begin = 0, end = 0;  // bytes; trailing spaces included, the "\n" not
  float width = 0;                 // pixels, without trailing spaces
  bool hard = false;               // ends a paragraph
};

/// Where a tab at `x` ends, stops being every four spaces.
inline float tab_stop(float x, float space) {
  const float stop = 4 * space;
  return stop + stop * static_cast<float>(static_cast<int>(x / stop));
}

/// The owner keeps the text and passes the same one each time; at least one line exists.
class Lines {
 public:
  /// `width` in pixels; 0 or less means no wrapping.
  void set(ShapeCache& shapes, const StyledText& styled, float width);
  /// After bytes [at, at + removed) of the old text became [at, at + inserted) of the new one. Same spans around it, same
  /// width.
  void edit(ShapeCache& shapes, const StyledText& styled, std::size_t at, std::size_t removed, std::size_t inserted);

  const std::vector<Line>& all() const { return lines_; }
  /// The line that shows a caret at `offset`; a place between two lines belongs to the lower one.
  std::size_t line_of(std::size_t offset) const;

 private:
  Line break_line(ShapeCache& shapes, const StyledText& styled, std::size_t begin) const;

  float width_ = 0;
  std::vector<Line> lines_{Line{0, 0, 0, true}};
};

}  // namespace foreword::ui::text

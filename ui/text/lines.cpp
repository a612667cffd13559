#include "ui/text/lines.h"

#include <algorithm>

namespace foreword::ui::text {
namespace {

/// The last caret stop of a piece that is at most `room` from its beginning, as bytes and pixels.
CaretStop stop_within(const Shape& shape, bool rtl, float room) {
  CaretStop last;
  for (const CaretStop& stop : shape.carets) {
    const float x = rtl ? shape.advance - stop.x : stop.x;
    if (x > room) break;
    last = {stop.offset, x};
  }
  return last;
}

}  // namespace

Line Lines::break_line(ShapeCache& shapes, const StyledText& styled, std::size_t begin) const {
  const std::string_view text = styled.text;
  float x = 0, ink_width = 0;    // ink: up to the last piece that is no space
  std::size_t break_at = begin;  // last opportunity seen
  float break_width = 0;
  PieceReader reader(styled, {begin, text.size()});
  Piece piece;
  while (reader.next(piece)) {
    const std::size_t at = piece.range.begin;
    if (piece.kind == PieceKind::line_end) return {begin, at, ink_width, true};
    if (piece.kind == PieceKind::tab) {
      x = tab_stop(x, shapes.space(piece.span->font));
      continue;
    }
    if (piece.kind == PieceKind::space) {
      x += piece.before + shapes.space(piece.span->font) + piece.behind;
      continue;
    }
    if (at > begin && piece.opportunity) break_at = at, break_width = ink_width;
    const Shape& shape = shapes.shape(piece.span->font, text.substr(at, piece.range.end - at), piece.rtl);
    x += piece.before;
    if (width_ > 0 && x + shape.advance + piece.behind > width_) {
      if (break_at > begin) return {begin, break_at, break_width, false};
      CaretStop stop = stop_within(shape, piece.rtl, width_ - x);
      if (stop.offset == 0 && at == begin) stop = shape.carets[1];  // at least one cluster stands on every line
      if (stop.offset == 0) return {begin, at, ink_width, false};
      if (at + stop.offset < piece.range.end) return {begin, at + stop.offset, x + stop.x, false};
    }
    x += shape.advance + piece.behind;
    ink_width = x;
  }
  return {begin, text.size(), ink_width, true};
}

void Lines::set(ShapeCache& shapes, const StyledText& styled, float width) {
  width_ = width;
  lines_.clear();
  for (std::size_t at = 0;;) {
    lines_.push_back(break_line(shapes, styled, at));
    const Line& line = lines_.back();
    if (line.hard && line.end >= styled.text.size()) break;
    at = line.end + (line.hard ? 1 : 0);
  }
}

void Lines::edit(ShapeCache& shapes, const StyledText& styled, std::size_t at, std::size_t removed, std::size_t inserted) {
  // One line before the edited one: a shortened word may move up.
  std::size_t first = line_of(at);
  if (first > 0) --first;
  const std::size_t old_end = at + removed, new_end = at + inserted;
  std::size_t old_line = first;  // first old line that may be kept
  std::vector<Line> fresh;
  std::size_t begin = lines_[first].begin;
  for (;;) {
    while (old_line < lines_.size() &&
           (lines_[old_line].begin <= old_end || lines_[old_line].begin - removed + inserted < begin)) {
      ++old_line;
    }
    if (old_line < lines_.size() && begin > new_end && lines_[old_line].begin - removed + inserted == begin) break;
    fresh.push_back(break_line(shapes, styled, begin));
    const Line& line = fresh.back();
    if (line.hard && line.end >= styled.text.size()) {
      old_line = lines_.size();
      break;
    }
    begin = line.end + (line.hard ? 1 : 0);
  }
  for (std::size_t i = old_line; i < lines_.size(); ++i) {
    lines_[i].begin = lines_[i].begin - removed + inserted;
    lines_[i].end = lines_[i].end - removed + inserted;
  }
  const auto from = lines_.begin() + static_cast<std::ptrdiff_t>(first);
  const auto to = lines_.begin() + static_cast<std::ptrdiff_t>(old_line);
  const std::size_t n_same = std::min(fresh.size(), static_cast<std::size_t>(to - from));
  std::copy_n(fresh.begin(), n_same, from);
  const auto done = from + static_cast<std::ptrdiff_t>(n_same);
  if (n_same < fresh.size()) {
    lines_.insert(done, fresh.begin() + static_cast<std::ptrdiff_t>(n_same), fresh.end());
  } else {
    lines_.erase(done, to);
  }
}

std::size_t Lines::line_of(std::size_t offset) const {
  const auto after = std::upper_bound(lines_.begin(), lines_.end(), offset,
                                      [](std::size_t o, const Line& line) { return o < line.begin; });
  return after == lines_.begin() ? 0 : static_cast<std::size_t>(after - lines_.begin()) - 1;
}

}  // namespace foreword::ui::text

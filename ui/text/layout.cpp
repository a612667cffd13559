#include "ui/text/layout.h"

#include <algorithm>

namespace foreword::ui::text {

Line Layout::break_line(ShapeCache& shapes, std::string_view text, std::size_t begin) const {
  Line line{begin, text.size(), 0, true};
  float ink_width = 0;          // up to the last character that is no space
  std::size_t break_at = begin;  // last opportunity seen
  float break_width = 0;
  char32_t before = 0;
  for_each_cluster(shapes, font_, text, {begin, text.size()}, [&](std::size_t at, std::size_t next, float x, float advance) {
    const char32_t first = decode(text, at).value;
    if (first == '\n') {
      line.end = at;
      line.width = ink_width;
      return false;
    }
    if (at > begin && can_break_between(before, first)) break_at = at, break_width = ink_width;
    const bool space = first == ' ' || first == '\t';
    if (!space && width_ > 0 && x + advance > width_ && at > begin) {
      const bool whole_words = break_at > begin;
      line = {begin, whole_words ? break_at : at, whole_words ? break_width : ink_width, false};
      return false;
    }
    if (!space) ink_width = x + advance;
    line.width = ink_width;
    // The last code point of the cluster decides about a break after it; joiners and marks do not.
    before = first;
    (void)next;
    return true;
  });
  return line;
}

void Layout::set(ShapeCache& shapes, Font font, std::string_view text, float width) {
  font_ = font;
  width_ = width;
  lines_.clear();
  for (std::size_t at = 0;;) {
    lines_.push_back(break_line(shapes, text, at));
    const Line& line = lines_.back();
    if (line.hard && line.end >= text.size()) break;
    at = line.end + (line.hard ? 1 : 0);
  }
}

void Layout::edit(ShapeCache& shapes, std::string_view text, std::size_t at, std::size_t removed, std::size_t inserted) {
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
    fresh.push_back(break_line(shapes, text, begin));
    const Line& line = fresh.back();
    if (line.hard && line.end >= text.size()) {
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

std::size_t Layout::line_of(std::size_t offset) const {
  const auto after = std::upper_bound(lines_.begin(), lines_.end(), offset,
                                      [](std::size_t o, const Line& line) { return o < line.begin; });
  return after == lines_.begin() ? 0 : static_cast<std::size_t>(after - lines_.begin()) - 1;
}

std::size_t Layout::line_end(std::string_view text, std::size_t line) const {
  const Line& l = lines_[line];
  return l.hard || l.end == l.begin ? l.end : std::max(l.begin, previous_cluster(text, l.end));
}

float Layout::x_of(ShapeCache& shapes, std::string_view text, std::size_t line, std::size_t offset) const {
  float x_end = 0;
  const Line& l = lines_[line];
  for_each_cluster(shapes, font_, text, {l.begin, std::min(offset, l.end)},
                   [&](std::size_t, std::size_t, float x, float advance) {
                     x_end = x + advance;
                     return true;
                   });
  return x_end;
}

std::size_t Layout::offset_at(ShapeCache& shapes, std::string_view text, std::size_t line, float target) const {
  const Line& l = lines_[line];
  std::size_t found = line_end(text, line);
  for_each_cluster(shapes, font_, text, {l.begin, found}, [&](std::size_t at, std::size_t, float x, float advance) {
    if (target >= x + advance / 2) return true;
    found = at;
    return false;
  });
  return found;
}

float Layout::widest() const {
  float widest = 0;
  for (const Line& line : lines_) widest = std::max(widest, line.width);
  return widest;
}

}  // namespace foreword::ui::text

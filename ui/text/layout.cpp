#include "ui/text/layout.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace foreword::ui::text {
namespace {

StyledText part_of(const StyledText& styled, Range range, std::vector<Span>& spans) {
  // Spans of the part, moved to its own offsets.
  spans.clear();
  for (const Span& span : styled.spans) {
    if (span.end <= range.begin && &span != &styled.spans.back()) continue;
    spans.push_back(span);
    if (span.end != std::numeric_limits<std::size_t>::max()) spans.back().end = span.end - std::min(span.end, range.begin);
    if (span.end >= range.end) break;
  }
  spans.back().end = std::numeric_limits<std::size_t>::max();
  return {styled.text.substr(range.begin, range.end - range.begin), spans};
}

}  // namespace

void Layout::part(std::string_view text, Range range, std::vector<Section>& sections) const {
  for (std::size_t at = range.begin;;) {
    Section section{.begin = at, .size = range.end - at, .n_lines = 1, .hard = true, .exact = false, .lines = {}};
    const std::size_t far = at + kSectionBytes;
    std::size_t next = range.end + 1;
    if (far < range.end) {
      const std::size_t near = text.substr(far, std::min(kSectionBytes, range.end - far)).find('\n'), line_end = far + near;
      if (near != text.npos) {
        section.size = line_end - at;
        next = line_end + 1;
      } else if (far + kSectionBytes < range.end) {
        // A paragraph without end: a line ends here although it could go on.
        next = cluster_begin(text, far + kSectionBytes);
        const std::size_t space = text.substr(far, next - far).rfind(' ');
        if (space != text.npos) next = far + space + 1;
        section.size = next - at;
        section.hard = false;
      }
    }
    sections.push_back(std::move(section));
    if (next > range.end) return;
    at = next;
  }
}

void Layout::guess(Section& section, std::string_view text) const {
  const std::string_view part = text.substr(section.begin, section.size);
  const auto n_paragraphs = 1 + static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
  const std::size_t per_line = width_ > 0 ? static_cast<std::size_t>(std::max(1.0f, width_ / char_width_)) : part.size() + 1;
  section.n_lines = std::max(n_paragraphs, part.size() / per_line + n_paragraphs / 2);
}

void Layout::set(ShapeCache& shapes, const StyledText& styled, float width, bool lazy) {
  width_ = width;
  char_width_ = std::max(1.0f, shapes.space(styled.spans.front().font) * 1.7f);
  directions_.clear();
  sections_.clear();
  part(styled.text, {0, styled.text.size()}, sections_);
  for (Section& section : sections_) guess(section, styled.text);
  if (sections_.size() == 1 && !lazy) exact(shapes, styled, sections_.front());
}

bool Layout::is_exact() const {
  return std::all_of(sections_.begin(), sections_.end(), [](const Section& section) { return section.exact; });
}

void Layout::edit(ShapeCache& shapes, const StyledText& styled, std::size_t at, std::size_t removed, std::size_t inserted) {
  directions_.clear();
  const std::size_t old_end = at + removed;
  std::size_t first = 0;
  while (first + 1 < sections_.size() && sections_[first + 1].begin <= at) ++first;
  std::size_t last = first;
  while (last + 1 < sections_.size() && sections_[last + 1].begin <= old_end) ++last;
  Section& section = sections_[first];
  // At a section's very beginning, a line of the one before may have ended for want of room only.
  const bool alone = first == last && old_end <= section.begin + section.size && (first == 0 || sections_[first - 1].hard);
  for (std::size_t i = last + 1; i < sections_.size(); ++i) sections_[i].begin = sections_[i].begin - removed + inserted;
  const std::size_t new_size = section.size - removed + inserted;
  if (alone && section.exact && new_size <= 4 * kSectionBytes) {
    section.size = new_size;
    std::vector<Span> spans;
    section.lines.edit(shapes, part_of(styled, {section.begin, section.begin + section.size}, spans), at - section.begin, removed, inserted);
    section.n_lines = section.lines.all().size();
    return;
  }
  if (first > 0 && !sections_[first - 1].hard) --first;
  const std::size_t old_stop = sections_[last].begin + sections_[last].size;
  const Range range{sections_[first].begin, std::max(old_stop, old_end) - removed + inserted};
  const bool hard = sections_[last].hard;
  std::vector<Section> fresh;
  part(styled.text, range, fresh);
  fresh.back().hard = hard;
  for (Section& s : fresh) guess(s, styled.text);
  const auto from = sections_.begin() + static_cast<std::ptrdiff_t>(first);
  sections_.erase(from, sections_.begin() + static_cast<std::ptrdiff_t>(last) + 1);
  sections_.insert(sections_.begin() + static_cast<std::ptrdiff_t>(first), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
  if (sections_.size() == 1) exact(shapes, styled, sections_.front());
}

Lines& Layout::exact(ShapeCache& shapes, const StyledText& styled, Section& section) {
  if (!section.exact) {
    std::vector<Span> spans;
    section.lines.set(shapes, part_of(styled, {section.begin, section.begin + section.size}, spans), width_);
    section.n_lines = section.lines.all().size();
    section.exact = true;
  }
  return section.lines;
}

std::size_t Layout::n_lines() const {
  std::size_t n = 0;
  for (const Section& section : sections_) n += section.n_lines;
  return n;
}

Layout::Where Layout::section_of_line(std::size_t line) {
  std::size_t first = 0;
  for (Section& section : sections_) {
    if (line < first + section.n_lines) return {&section, first};
    first += section.n_lines;
  }
  return {&sections_.back(), first - sections_.back().n_lines};
}

Layout::Where Layout::section_of_offset(std::size_t offset) {
  std::size_t first = 0;
  for (std::size_t i = 0; i + 1 < sections_.size(); ++i) {
    if (offset < sections_[i + 1].begin) return {&sections_[i], first};
    first += sections_[i].n_lines;
  }
  return {&sections_.back(), first};
}

Line Layout::line(ShapeCache& shapes, const StyledText& styled, std::size_t index) {
  const Where where = section_of_line(index);
  const std::vector<Line>& lines = exact(shapes, styled, *where.section).all();
  const std::size_t within = std::min(index - where.first_line, lines.size() - 1);
  Line line = lines[within];
  line.begin += where.section->begin;
  line.end += where.section->begin;
  if (within + 1 == lines.size() && !where.section->hard) line.hard = false;
  return line;
}

std::size_t Layout::line_of(ShapeCache& shapes, const StyledText& styled, std::size_t offset) {
  const Where where = section_of_offset(offset);
  exact(shapes, styled, *where.section);
  return where.first_line + where.section->lines.line_of(offset - std::min(offset, where.section->begin));
}

std::size_t Layout::line_end(ShapeCache& shapes, const StyledText& styled, std::size_t index) {
  const Line l = line(shapes, styled, index);
  return l.hard || l.end == l.begin ? l.end : std::max(l.begin, previous_cluster(styled.text, l.end));
}

const Directions& Layout::directions(std::string_view text, Range line) {
  const auto known = std::find_if(directions_.rbegin(), directions_.rend(), [&](const Directions& d) { return d.range.begin <= line.begin && line.end <= d.range.end; });
  if (known != directions_.rend()) return *known;
  if (directions_.size() >= kMaxDirections) directions_.clear();
  directions_.push_back(find_directions(text, line));
  return directions_.back();
}

Directions Layout::find_directions(std::string_view text, Range line) const {
  // Only near line ends are looked for: a text may be one paragraph of many megabytes.
  const std::size_t first = line.begin - std::min(line.begin, kMaxBidiBytes);
  const std::size_t before = text.substr(first, line.begin - first).rfind('\n');
  const std::size_t after = text.substr(line.end, kMaxBidiBytes).find('\n');
  const bool begins = before != text.npos || first == 0, ends = after != text.npos || text.size() - line.end < kMaxBidiBytes;
  const Range paragraph{before == text.npos ? first : first + before + 1, after == text.npos ? std::min(text.size(), line.end + kMaxBidiBytes) : line.end + after};
  if (begins && ends) {
    const bool mixed = may_run_left(text.substr(paragraph.begin, paragraph.end - paragraph.begin));
    return mixed ? resolve_directions(text, paragraph) : Directions{paragraph, false, {}};
  }
  const bool base_rtl = starts_rtl(text, paragraph);
  const bool mixed = base_rtl || may_run_left(text.substr(line.begin, line.end - line.begin));
  return mixed ? resolve_directions(text, line, base_rtl) : Directions{line, false, {}};
}

bool Layout::runs_left(const StyledText& styled, std::size_t offset) { return directions(styled.text, {offset, offset}).base_rtl; }

float Layout::indent(ShapeCache& shapes, const StyledText& styled, std::size_t index, float room) {
  const Line l = line(shapes, styled, index);
  if (!directions(styled.text, {l.begin, l.end}).base_rtl) return 0;
  float end = 0, blank = 0;  // trailing spaces hang out at the left
  visit(shapes, styled, index, [&](const PlacedPiece& piece) {
    if (end == 0 && piece.shape == nullptr) blank += piece.advance;
    if (piece.shape != nullptr) end = piece.x + piece.advance;
    return true;
  });
  return end == 0 ? room : std::max(room - end, -blank);
}

float Layout::x_of(ShapeCache& shapes, const StyledText& styled, std::size_t index, std::size_t offset) {
  const Line l = line(shapes, styled, index);
  float x = 0, found = -1, last_edge = 0;
  std::size_t last_piece = l.begin;
  visit(shapes, styled, index, [&](const PlacedPiece& piece) {
    x = piece.x + piece.advance;
    // Behind the last cluster of the line the caret stands at that cluster's far edge.
    if (piece.range.end >= last_piece) last_piece = piece.range.end, last_edge = piece.rtl ? piece.x : x;
    if (offset < piece.range.begin || offset >= piece.range.end) return true;
    found = piece.rtl ? x : piece.x;
    if (piece.shape != nullptr) {
      for (const CaretStop& stop : piece.shape->carets) {
        if (piece.range.begin + stop.offset <= offset) found = piece.x + stop.x;
      }
    }
    return false;
  });
  return found >= 0 ? found : last_edge;
}

std::size_t Layout::offset_at(ShapeCache& shapes, const StyledText& styled, std::size_t index, float target) {
  const std::size_t end = line_end(shapes, styled, index);
  std::size_t best = line(shapes, styled, index).begin;
  float best_distance = std::numeric_limits<float>::infinity();
  const auto offer = [&](std::size_t offset, float x) {
    const float distance = std::abs(x - target);
    if (offset > end || distance > best_distance || (distance == best_distance && offset < best)) return;
    best = offset;
    best_distance = distance;
  };
  visit(shapes, styled, index, [&](const PlacedPiece& piece) {
    if (piece.shape == nullptr) {
      offer(piece.rtl ? piece.range.end : piece.range.begin, piece.x);
      offer(piece.rtl ? piece.range.begin : piece.range.end, piece.x + piece.advance);
    } else {
      for (const CaretStop& stop : piece.shape->carets) offer(piece.range.begin + stop.offset, piece.x + stop.x);
    }
    return best_distance == std::numeric_limits<float>::infinity() || piece.x < target + best_distance;
  });
  return best;
}

std::size_t Layout::beside(ShapeCache& shapes, const StyledText& styled, std::size_t offset, bool right) {
  const std::size_t index = line_of(shapes, styled, offset);
  const Line l = line(shapes, styled, index);
  const Directions& here = directions(styled.text, {l.begin, l.end});
  const bool base_rtl = here.base_rtl;
  if (here.levels.empty() && !base_rtl) return right ? next_cluster(styled.text, offset) : previous_cluster(styled.text, offset);
  // Each place of the line has one x; the eye goes through them in that order.
  struct Stop {
    float x;
    std::size_t offset;
    bool operator<(const Stop& o) const { return x != o.x ? x < o.x : offset < o.offset; }
  };
  std::vector<Stop> stops;
  const std::size_t end = line_end(shapes, styled, index);
  visit(shapes, styled, index, [&](const PlacedPiece& piece) {
    if (piece.shape == nullptr) {
      stops.push_back({piece.rtl ? piece.x + piece.advance : piece.x, piece.range.begin});
      return true;
    }
    for (std::size_t i = 0; i + 1 < piece.shape->carets.size(); ++i) {
      stops.push_back({piece.x + piece.shape->carets[i].x, piece.range.begin + piece.shape->carets[i].offset});
    }
    return true;
  });
  if (l.hard) stops.push_back({x_of(shapes, styled, index, l.end), l.end});
  std::erase_if(stops, [&](const Stop& stop) { return stop.offset > end; });
  std::sort(stops.begin(), stops.end());
  const auto at = std::find_if(stops.begin(), stops.end(), [&](const Stop& stop) { return stop.offset == offset; });
  if (at != stops.end()) {
    if (right && at + 1 != stops.end()) return (at + 1)->offset;
    if (!right && at != stops.begin()) return (at - 1)->offset;
  }
  // Over the line's edge: to the line below at the end of reading, else to the one above.
  if (right != base_rtl) return l.end + (l.hard ? 1 : 0) <= styled.text.size() ? l.end + (l.hard ? 1 : 0) : offset;
  return l.begin == 0 ? offset : line_end(shapes, styled, index - 1);
}

float Layout::widest() const {
  float widest = 0;
  for (const Section& section : sections_) {
    if (!section.exact) continue;
    for (const Line& line : section.lines.all()) widest = std::max(widest, line.width);
  }
  return widest;
}

}  // namespace foreword::ui::text

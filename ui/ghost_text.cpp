#include "ui/ghost_text.h"

#include <algorithm>

#include "ui/autocomplete/prose.h"

namespace foreword::ui {
namespace {

constexpr float kLeast = 24;  // logical: room for less of a ghost is none

}  // namespace

/// Bytes of the ghost for the caret's line: whole words, none if the first does not fit.
std::size_t GhostText::fitting(Frame& frame, text::Font font, std::string_view ghost, float line_height, float room) {
  if (frame.canvas.width(font, ghost) <= room) return ghost.size();
  if (frame.canvas.width(font, ghost.substr(0, autocomplete::unit_end(ghost, 0))) > room) return 0;
  first_.set(frame, ghost, font, line_height, room);
  return first_.line(frame, 0).end;
}

Rect GhostText::draw(Frame& frame, const GhostPlace& place, text::Font font, std::string_view ghost, float opacity) {
  Canvas& canvas = frame.canvas;
  const Color ink = frame.theme.ghost.faded(opacity);
  const float h = place.line_height, left = place.field.left, right = place.field.right, first_x = place.caret.x;
  const float room = place.runs_left ? first_x - left : right - first_x;
  Rect painted;
  const auto grow = [&](float from, float to, float top) {
    const Rect line{from, top, to, top + h};
    painted = painted.empty() ? line : Rect{std::min(painted.left, from), painted.top, std::max(painted.right, to), line.bottom};
  };
  const auto paint = [&](float top, float width, std::string_view words, bool cut) {
    const float used = std::min(width, canvas.width(font, words));
    const bool first = top == place.caret.y;
    const float x = place.runs_left ? (first ? first_x : right) - used : first ? first_x : left;
    cut ? canvas.text_cut({x, top}, h, width, font, ink, words) : static_cast<void>(canvas.text({x, top}, h, font, ink, words));
    grow(x, x + used, top);
  };

  const bool goes_on = place.may_go_on && place.caret.y + 2 * h <= place.field.bottom + 1;
  const std::size_t n_first = fitting(frame, font, ghost, h, room);
  if (!goes_on) {
    if (n_first == ghost.size() || room >= frame.px(kLeast)) paint(place.caret.y, room, ghost, n_first < ghost.size());
    return painted;
  }
  if (n_first > 0) paint(place.caret.y, room, ghost.substr(0, n_first), false);
  std::string_view rest = ghost.substr(n_first);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  if (rest.empty()) return painted;
  const float width = right - left;
  below_.set(frame, rest, font, h, width);
  float y = place.caret.y + h;
  for (std::size_t i = 0; i < below_.n_lines() && y + h <= place.field.bottom + 1; ++i, y += h) {
    const bool last = y + 2 * h > place.field.bottom + 1;
    const text::Range line = below_.line(frame, i);
    paint(y, width, rest.substr(line.begin, last ? rest.npos : line.end - line.begin), last);
  }
  return painted;
}

}  // namespace foreword::ui

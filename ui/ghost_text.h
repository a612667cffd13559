#pragma once
// The ghost: text behind the caret that nobody has typed. It never moves what was typed: it fills what is left of the caret's
// line, goes on below if nothing stands there, and ends in an ellipsis where there is no more room.

#include <string_view>

#include "ui/paragraph.h"

namespace foreword::ui {

struct GhostPlace {
  Vec caret;               // top of its line box
  Rect field;              // of all text, visible part; lines begin and end at its sides
  float line_height = 0;   // pixels
  bool runs_left = false;  // the caret's line
  bool may_go_on = false;  // nothing stands below the caret's line
};

class GhostText {
 public:
  /// The area of what was painted; empty: there is no room for it.
  Rect draw(Frame& frame, const GhostPlace& place, text::Font font, std::string_view ghost, float opacity);

 private:
  std::size_t fitting(Frame& frame, text::Font font, std::string_view ghost, float line_height, float room);

  Paragraph first_, below_;  // the ghost within what is left of the caret's line, and what goes on below
};

}  // namespace foreword::ui

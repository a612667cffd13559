#pragma once
// Draws the boxes of a document: texts with their marks, code with its head, tables, lists, quotes. Registers its links and
// buttons. Only what is visible is touched.

#include <span>
#include <string_view>
#include <vector>

#include "ui/frame.h"
#include "ui/text/boxes.h"

namespace foreword::ui {

/// Fonts and distances of a conversation; `soft`: smaller and paler, for what a model thought.
text::Sheet sheet_of(const Frame& frame, bool soft);

struct DocumentPlace {
  std::string_view id;     // prefixes its items
  Vec origin;                // of the document's top left corner in the window
  float room = 0;            // width that boxes may take, pixels
  text::Range selection;     // places of the document
  bool growing = false;      // a cursor stands at its end
  std::span<const text::Range> found = {};  // marked, in order; counted from `first_place` on, like found_here
  text::Range found_here = {};
  std::size_t first_place = 0;
};

void draw_document(Frame& frame, const std::vector<text::Block>& blocks, text::Boxes& boxes, const DocumentPlace& place);

/// Scrolls the code or table at a point sideways by `dx` pixels; false: nothing there that scrolls.
bool scroll_sideways(text::Boxes& boxes, float room, float y, float dx);

}  // namespace foreword::ui

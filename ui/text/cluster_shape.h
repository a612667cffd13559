#pragma once
// The shape of a run for sources that know no shaping: cluster beside cluster.

#include <string_view>

#include "ui/text/glyph_source.h"
#include "ui/text/utf8.h"

namespace foreword::ui::text {

/// `draw(cluster bytes)` gives the glyphs and the advance of one grapheme cluster; its caret stops are not read.
template <class Draw>
Shape shape_by_clusters(std::string_view run, bool rtl, Draw&& draw) {
  Shape shape;
  for (std::size_t at = 0; at < run.size();) {
    const std::size_t next = next_cluster(run, at);
    const Shape one = draw(run.substr(at, next - at));
    shape.carets.push_back({static_cast<std::uint32_t>(at), shape.advance});
    for (Glyph glyph : one.glyphs) {
      glyph.dx += rtl ? -shape.advance - one.advance : shape.advance;  // from the right end until its place is known
      shape.glyphs.push_back(glyph);
    }
    shape.advance += one.advance;
    at = next;
  }
  shape.carets.push_back({static_cast<std::uint32_t>(run.size()), shape.advance});
  if (!rtl) return shape;
  for (CaretStop& stop : shape.carets) stop.x = shape.advance - stop.x;
  for (Glyph& glyph : shape.glyphs) glyph.dx += shape.advance;
  return shape;
}

}  // namespace foreword::ui::text

#pragma once
// Drawing of one frame: shapes and our own text, as triangles in a Dear ImGui draw list. All in pixels; glyph quads are
// snapped to pixels vertically and to quarter pixels horizontally. Main thread.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ui/geometry.h"
#include "ui/icons.h"
#include "ui/text/atlas.h"
#include "ui/text/layout.h"
#include "ui/text/shape_cache.h"

struct ImDrawList;

namespace foreword::ui {

class Canvas {
 public:
  static constexpr std::uintptr_t kPageTexture = 0x4000'0000;

  /// `source` must outlive the canvas.
  explicit Canvas(text::GlyphSource& source) : shapes_(source), atlas_(source) {}

  /// `list` is drawn into until the next begin. Glyph quads carry kPageTexture + page as their texture id, which the
  /// window turns into its own names.
  void begin(ImDrawList* list) { list_ = list; }

  void fill(Rect rect, Color color, float radius = 0);
  void stroke(Rect rect, Color color, float radius, float thickness = 1);
  void disc(Vec center, float radius, Color color);
  /// A soft shadow below a raised thing.
  void shadow(Rect rect, float radius, float reach);
  void icon(Icon icon, Vec center, float size, Color color);

  /// Clips all that follows to `rect` (and to the clips around it).
  void push_clip(Rect rect);
  void pop_clip();
  Rect clip() const;

  /// One line of text; `top` is the top of a line box of `line_height`. Returns the width.
  float text(Vec top, float line_height, text::Font font, Color color, std::string_view text);
  /// The same, cut with an ellipsis where it would be wider than `width`.
  void text_cut(Vec top, float line_height, float width, text::Font font, Color color, std::string_view text);
  /// What that would draw; good until the next cut.
  std::string_view cut(float width, text::Font font, std::string_view text);
  /// Behind bytes of a text on one line.
  void mark(Vec top, float line_height, text::Font font, Color color, std::string_view text, text::Range range);
  /// One line of a layout, each span in the colour that `palette` has for its ink.
  void line(Vec top, float line_height, text::Layout& layout, const text::StyledText& styled, std::size_t index,
            std::span<const Color> palette);
  /// Width of a text on one line.
  float width(text::Font font, std::string_view text);
  /// Where the baseline of a line box is.
  float baseline(float top, float line_height, text::Font font);

  text::ShapeCache& shapes() { return shapes_; }
  text::Atlas& atlas() { return atlas_; }

 private:
  /// Quads of one page after another share a draw call.
  class GlyphRun;
  struct DirectionHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  static constexpr std::size_t kMaxDirections = 1 << 10;  // texts

  const text::Directions& directions(std::string_view text);
  template <class Visit>
  void visit_text(text::Font font, std::string_view text, Visit&& visit);

  text::ShapeCache shapes_;
  text::Atlas atlas_;
  std::unordered_map<std::string, text::Directions, DirectionHash, std::equal_to<>> directions_;  // of texts that run to the left, wholly or in part
  text::RunMemory memory_;
  std::string cut_;  // scratch
  ImDrawList* list_ = nullptr;
};

}  // namespace foreword::ui

#include "ui/canvas.h"

#include <imgui.h>

#include <array>
#include <cmath>

namespace foreword::ui {
namespace {

ImU32 packed(Color c) { return IM_COL32(c.r, c.g, c.b, c.a); }
ImVec2 im(Vec v) { return {v.x, v.y}; }

constexpr std::string_view kEllipsis = "\u2026";

}  // namespace

void Canvas::fill(Rect rect, Color color, float radius) {
  if (!rect.empty()) list_->AddRectFilled({rect.left, rect.top}, {rect.right, rect.bottom}, packed(color), radius);
}

void Canvas::stroke(Rect rect, Color color, float radius, float thickness) {
  list_->AddRect({rect.left, rect.top}, {rect.right, rect.bottom}, packed(color), radius, 0, thickness);
}

void Canvas::disc(Vec center, float radius, Color color) { list_->AddCircleFilled(im(center), radius, packed(color), 0); }

void Canvas::shadow(Rect rect, float radius, float reach) {
  const int n = 12;
  for (int i = n; i > 0; --i) {
    const float grow = reach * static_cast<float>(i) / static_cast<float>(n);
    Rect ring = rect.inset(-grow, -grow);
    ring.top += reach * 0.35f;
    ring.bottom += reach * 0.35f;
    fill(ring, Color{0, 0, 0, 3}, radius + grow);
  }
}

void Canvas::icon(Icon icon, Vec center, float size, Color color) {
  const float unit = size / 24, thickness = std::max(1.0f, 1.6f * unit);
  std::array<ImVec2, 64> points;
  for (const Stroke& stroke : strokes_of(icon)) {
    const std::size_t n = std::min(points.size(), stroke.points.size());
    for (std::size_t i = 0; i < n; ++i) {
      points[i] = {center.x + (stroke.points[i].x - 12) * unit, center.y + (stroke.points[i].y - 12) * unit};
    }
    list_->AddPolyline(points.data(), static_cast<int>(n), packed(color), stroke.closed ? ImDrawFlags_Closed : 0, thickness);
  }
}

void Canvas::push_clip(Rect rect) {
  list_->PushClipRect({rect.left, rect.top}, {rect.right, rect.bottom}, true);
}

void Canvas::pop_clip() { list_->PopClipRect(); }

Rect Canvas::clip() const {
  const ImVec2 low = list_->GetClipRectMin(), high = list_->GetClipRectMax();
  return {low.x, low.y, high.x, high.y};
}

float Canvas::baseline(float top, float line_height, text::Font font) {
  const text::LineMetrics m = shapes_.metrics(font);
  return std::round(top + (line_height + m.ascent - m.descent) / 2);
}

class Canvas::GlyphRun {
 public:
  GlyphRun(Canvas& canvas, float baseline) : canvas_(canvas), baseline_(baseline) {}
  ~GlyphRun() { use_page(-1); }
  GlyphRun(const GlyphRun&) = delete;
  GlyphRun& operator=(const GlyphRun&) = delete;

  void add(const text::Shape& shape, text::Font font, float x, Color color) {
    color_ = color;
    for (const text::Glyph& glyph : shape.glyphs) {
      const float exact = x + glyph.dx;
      float whole = std::floor(exact);
      int step = static_cast<int>((exact - whole) * text::kSubpixelSteps + 0.5f);
      if (step == text::kSubpixelSteps) step = 0, whole += 1;
      const text::AtlasGlyph& place = canvas_.atlas_.glyph(font, glyph, step);
      if (place.page >= 0) quad(place, whole + static_cast<float>(place.left),
                                baseline_ + std::round(glyph.dy) - static_cast<float>(place.top));
    }
  }

 private:
  void quad(const text::AtlasGlyph& place, float left, float top) {
    const text::AtlasPage& page = canvas_.atlas_.pages()[static_cast<std::size_t>(place.page)];
    use_page(place.page);
    const float unit = 1.0f / static_cast<float>(page.size);
    const float x = static_cast<float>(place.x), y = static_cast<float>(place.y);
    const float width = static_cast<float>(place.width), height = static_cast<float>(place.height);
    const ImU32 tint = page.color ? IM_COL32(255, 255, 255, color_.a) : packed(color_);
    canvas_.list_->PrimReserve(6, 4);
    canvas_.list_->PrimRectUV({left, top}, {left + width, top + height}, {x * unit, y * unit},
                              {(x + width) * unit, (y + height) * unit}, tint);
  }

  void use_page(int page) {
    if (page == page_) return;
    if (page_ >= 0) canvas_.list_->PopTextureID();
    if (page >= 0) canvas_.list_->PushTextureID(reinterpret_cast<ImTextureID>(kPageTexture + static_cast<std::uintptr_t>(page)));
    page_ = page;
  }

  Canvas& canvas_;
  float baseline_;
  Color color_;
  int page_ = -1;
};

const text::Directions& Canvas::directions(std::string_view text) {
  if (const auto known = directions_.find(text); known != directions_.end()) return known->second;
  if (directions_.size() >= kMaxDirections) directions_.clear();
  return directions_.emplace(text, text::resolve_directions(text, {0, text.size()})).first->second;
}

template <class Visit>
void Canvas::visit_text(text::Font font, std::string_view text, Visit&& visit) {
  const text::Span span{.font = font};
  const text::StyledText styled{text, {&span, 1}};
  const text::Range all{0, text.size()};
  if (text::may_run_left(text)) {
    text::visual_runs(text, directions(text), all, memory_.runs);
  } else {
    memory_.runs.assign(1, {all, false});
  }
  text::visit_runs(shapes_, styled, memory_, visit);
}

float Canvas::width(text::Font font, std::string_view text) {
  float width = 0;
  visit_text(font, text, [&](const text::PlacedPiece& piece) {
    width = piece.x + piece.advance;
    return true;
  });
  return width;
}

float Canvas::text(Vec top, float line_height, text::Font font, Color color, std::string_view text) {
  GlyphRun run(*this, baseline(top.y, line_height, font));
  float width = 0;
  visit_text(font, text, [&](const text::PlacedPiece& piece) {
    if (piece.shape != nullptr) run.add(*piece.shape, font, top.x + piece.x, color);
    width = piece.x + piece.advance;
    return true;
  });
  return width;
}

void Canvas::mark(Vec top, float line_height, text::Font font, Color color, std::string_view text, text::Range range) {
  visit_text(font, text, [&](const text::PlacedPiece& piece) {
    const text::Range marked{std::max(range.begin, piece.range.begin), std::min(range.end, piece.range.end)};
    if (marked.begin >= marked.end) return true;
    float left = piece.shape == nullptr ? 0 : piece.advance, right = piece.shape == nullptr ? piece.advance : 0;
    for (const text::CaretStop& stop : piece.shape == nullptr ? std::span<const text::CaretStop>() : std::span(piece.shape->carets)) {
      const std::size_t at = piece.range.begin + stop.offset;
      if (at < marked.begin || at > marked.end) continue;
      left = std::min(left, stop.x);
      right = std::max(right, stop.x);
    }
    fill({top.x + piece.x + left, top.y, top.x + piece.x + right, top.y + line_height}, color);
    return true;
  });
}

void Canvas::text_cut(Vec top, float line_height, float width, text::Font font, Color color, std::string_view text) {
  this->text(top, line_height, font, color, cut(width, font, text));
}

std::string_view Canvas::cut(float width, text::Font font, std::string_view text) {
  const text::Span span{.font = font};
  const text::StyledText styled{text, {&span, 1}};
  const float room = width - this->width(font, kEllipsis);
  float x = 0;
  std::size_t fits = 0;  // what does beside the ellipsis, in reading order
  text::PieceReader reader(styled, {0, text.size()});
  text::Piece piece;
  while (x <= width && reader.next(piece)) {
    const std::string_view bytes = text.substr(piece.range.begin, piece.range.end - piece.range.begin);
    if (piece.kind != text::PieceKind::word) {
      x += shapes_.space(font);
      if (x <= room) fits = piece.range.end;
      continue;
    }
    const text::Shape& shape = shapes_.shape(font, bytes, piece.rtl);
    for (const text::CaretStop& stop : shape.carets) {
      if (x + (piece.rtl ? shape.advance - stop.x : stop.x) <= room) fits = piece.range.begin + stop.offset;
    }
    x += shape.advance;
  }
  if (x <= width) return text;
  cut_.assign(text.substr(0, fits)).append(kEllipsis);
  return cut_;
}

void Canvas::line(Vec top, float line_height, text::Layout& layout, const text::StyledText& styled, std::size_t index,
                  std::span<const Color> palette) {
  GlyphRun run(*this, baseline(top.y, line_height, styled.spans.front().font));
  const Rect visible = clip();
  layout.visit(shapes_, styled, index, [&](const text::PlacedPiece& piece) {
    if (top.x + piece.x > visible.right) return false;
    if (piece.shape != nullptr && top.x + piece.x + piece.advance >= visible.left) {
      run.add(*piece.shape, piece.span->font, top.x + piece.x, palette[piece.span->ink]);
    }
    return true;
  });
}

}  // namespace foreword::ui

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
  GlyphRun(Canvas& canvas, text::Font font, float baseline, Color color)
      : canvas_(canvas), font_(font), baseline_(baseline), color_(color) {}
  ~GlyphRun() { use_page(-1); }
  GlyphRun(const GlyphRun&) = delete;
  GlyphRun& operator=(const GlyphRun&) = delete;

  void add(const text::Shape& shape, float x) {
    for (const text::Glyph& glyph : shape.glyphs) {
      const float exact = x + glyph.dx;
      float whole = std::floor(exact);
      int step = static_cast<int>((exact - whole) * text::kSubpixelSteps + 0.5f);
      if (step == text::kSubpixelSteps) step = 0, whole += 1;
      const text::AtlasGlyph& place = canvas_.atlas_.glyph(font_, glyph, step);
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
  text::Font font_;
  float baseline_;
  Color color_;
  int page_ = -1;
};

float Canvas::text(Vec top, float line_height, text::Font font, Color color, std::string_view text) {
  GlyphRun run(*this, font, baseline(top.y, line_height, font), color);
  float width = 0;
  text::for_each_cluster(shapes_, font, text, {0, text.size()}, [&](std::size_t at, std::size_t next, float x, float advance) {
    run.add(shapes_.shape(font, text.substr(at, next - at)), top.x + x);
    width = x + advance;
    return true;
  });
  return width;
}

void Canvas::text_cut(Vec top, float line_height, float width, text::Font font, Color color, std::string_view text) {
  const float room = width - shapes_.width(font, kEllipsis);
  std::size_t cut = 0;
  bool fits = true;
  float cut_x = 0;
  text::for_each_cluster(shapes_, font, text, {0, text.size()}, [&](std::size_t, std::size_t next, float x, float advance) {
    if (x + advance <= room) cut = next, cut_x = x + advance;
    fits = x + advance <= width;
    return fits;
  });
  if (fits) {
    this->text(top, line_height, font, color, text);
    return;
  }
  this->text(top, line_height, font, color, text.substr(0, cut));
  this->text({top.x + cut_x, top.y}, line_height, font, color, kEllipsis);
}

void Canvas::line(Vec top, float line_height, text::Font font, Color color, std::string_view text, text::Range range) {
  GlyphRun run(*this, font, baseline(top.y, line_height, font), color);
  const Rect visible = clip();
  text::for_each_cluster(shapes_, font, text, range, [&](std::size_t at, std::size_t next, float x, float advance) {
    if (top.x + x > visible.right) return false;
    if (text[at] != '\t' && top.x + x + advance >= visible.left) {
      run.add(shapes_.shape(font, text.substr(at, next - at)), top.x + x);
    }
    return true;
  });
}

}  // namespace foreword::ui

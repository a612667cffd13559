#include "ui/builtin_font.h"

#include <imgui.h>

#include <cmath>

#include "ui/text/cluster_shape.h"

namespace foreword::ui {
namespace {

constexpr float kNativeSize = 13;

}  // namespace

struct BuiltinFont::Impl {
  ImFontAtlas atlas;
  ImFont* font = nullptr;
  unsigned char* pixels = nullptr;
  int width = 0, height = 0;
};

BuiltinFont::BuiltinFont() : impl_(std::make_unique<Impl>()) {
  impl_->font = impl_->atlas.AddFontDefault();
  impl_->atlas.GetTexDataAsAlpha8(&impl_->pixels, &impl_->width, &impl_->height);
}

BuiltinFont::~BuiltinFont() = default;

text::LineMetrics BuiltinFont::metrics(text::Font font) {
  const float unit = static_cast<float>(font.size) / kNativeSize;
  return {impl_->font->Ascent * unit, -impl_->font->Descent * unit};
}

text::Shape BuiltinFont::shape(text::Font font, std::string_view run, bool rtl) {
  return text::shape_by_clusters(run, rtl, [&](std::string_view cluster) {
    const char32_t c = text::decode(cluster, 0).value;
    const auto index = static_cast<ImWchar>(c > ' ' && c < 0x7F ? c : c == ' ' ? ' ' : '?');
    const ImFontGlyph* glyph = impl_->font->FindGlyph(index);
    text::Shape shape;
    shape.advance = glyph->AdvanceX * static_cast<float>(font.size) / kNativeSize;
    if (glyph->Visible) shape.glyphs.push_back({0, index, 0, 0});
    return shape;
  });
}

text::Bitmap BuiltinFont::rasterise(text::Font font, std::uint16_t, std::uint32_t index, int) {
  const ImFontGlyph* glyph = impl_->font->FindGlyph(static_cast<ImWchar>(index));
  const float unit = static_cast<float>(font.size) / kNativeSize;
  const float u = glyph->U0 * static_cast<float>(impl_->width), v = glyph->V0 * static_cast<float>(impl_->height);
  text::Bitmap bitmap;
  bitmap.width = static_cast<int>(std::ceil((glyph->X1 - glyph->X0) * unit));
  bitmap.height = static_cast<int>(std::ceil((glyph->Y1 - glyph->Y0) * unit));
  bitmap.left = static_cast<int>(std::floor(glyph->X0 * unit));
  bitmap.top = static_cast<int>(std::lround((impl_->font->Ascent - glyph->Y0) * unit));
  for (int y = 0; y < bitmap.height; ++y) {
    for (int x = 0; x < bitmap.width; ++x) {
      const int source_x = std::min(impl_->width - 1, static_cast<int>(u + static_cast<float>(x) / unit));
      const int source_y = std::min(impl_->height - 1, static_cast<int>(v + static_cast<float>(y) / unit));
      bitmap.pixels.push_back(impl_->pixels[source_y * impl_->width + source_x]);
    }
  }
  return bitmap;
}

}  // namespace foreword::ui

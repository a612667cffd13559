#pragma once
// The bitmap font inside Dear ImGui as a glyph source: what is left when a machine has no font at all. ASCII only; other
// characters show as a question mark.

#include <memory>

#include "ui/text/glyph_source.h"

namespace foreword::ui {

class BuiltinFont final : public text::GlyphSource {
 public:
  BuiltinFont();
  ~BuiltinFont() override;

  text::LineMetrics metrics(text::Font font) override;
  text::Shape shape(text::Font font, std::string_view run, bool rtl) override;
  text::Bitmap rasterise(text::Font font, std::uint16_t face, std::uint32_t index, int subpixel) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreword::ui

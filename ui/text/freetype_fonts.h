#pragma once
// Real fonts: HarfBuzz shapes runs, FreeType draws their glyphs, in colour where the font has colours (CBDT, COLR).

#include <memory>

#include "engine/base/result.h"
#include "ui/text/glyph_source.h"

namespace foreword::ui::text {

class FreeTypeFonts final : public GlyphSource {
 public:
  /// not_found: this machine has no usable font at all.
  static Result<std::unique_ptr<FreeTypeFonts>> open();
  ~FreeTypeFonts() override;

  LineMetrics metrics(Font font) override;
  Shape shape(Font font, std::string_view run, bool rtl) override;
  Bitmap rasterise(Font font, std::uint16_t face, std::uint32_t index, int subpixel) override;

 private:
  struct Impl;
  explicit FreeTypeFonts(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace foreword::ui::text

#pragma once
// Where glyphs come from: real fonts through FreeType, the built-in bitmap font, or boxes in tests. One thread.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace foreword::ui::text {

enum class Style : std::uint8_t { regular, medium, bold, mono };
inline constexpr std::size_t kStyleCount = 4;

struct Font {
  Style style = Style::regular;
  int size = 16;  // pixels per em, after scaling
  bool operator==(const Font&) const = default;
};

/// One glyph of a cluster, at an offset from the cluster's origin on the baseline (pixels, y down).
struct Glyph {
  std::uint16_t face = 0;
  std::uint32_t index = 0;
  float dx = 0, dy = 0;
};

/// A grapheme cluster made drawable.
struct Shape {
  std::vector<Glyph> glyphs;
  float advance = 0;  // pixels
};

struct LineMetrics {
  float ascent = 0, descent = 0;  // pixels above and below the baseline, both positive
};

struct Bitmap {
  int width = 0, height = 0;
  int left = 0, top = 0;  // from the origin: right, and up to the first row
  bool color = false;     // 4 bytes a pixel, RGBA, straight alpha; else 1 byte of coverage
  std::vector<std::uint8_t> pixels;
};

/// Glyphs are drawn at this many horizontal positions within a pixel, so that spacing stays even.
inline constexpr int kSubpixelSteps = 4;

class GlyphSource {
 public:
  virtual ~GlyphSource() = default;
  virtual LineMetrics metrics(Font font) = 0;
  /// `cluster` is one grapheme cluster without control characters. Never fails: an unknown character is a box.
  virtual Shape shape(Font font, std::string_view cluster) = 0;
  /// `subpixel` in [0, kSubpixelSteps).
  virtual Bitmap rasterise(Font font, std::uint16_t face, std::uint32_t index, int subpixel) = 0;
};

}  // namespace foreword::ui::text

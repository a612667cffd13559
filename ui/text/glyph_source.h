#pragma once
// Where glyphs come from: real fonts through FreeType, the built-in bitmap font, or boxes in tests. One thread.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace foreword::ui::text {

enum class Style : std::uint8_t { regular, medium, bold, italic, bold_italic, mono };
inline constexpr std::size_t kStyleCount = 6;

struct Font {
  Style style = Style::regular;
  int size = 16;  // pixels per em, after scaling
  bool operator==(const Font&) const = default;
};

/// One glyph of a run, at an offset from the run's left end on the baseline (pixels, y down).
struct Glyph {
  std::uint16_t face = 0;
  std::uint32_t index = 0;
  float dx = 0, dy = 0;
};

/// Where the caret stands before the grapheme cluster that begins at a byte of the run; the last one is the run's end.
struct CaretStop {
  std::uint32_t offset = 0;
  float x = 0;  // pixels from the run's left end: growing in a run to the right, falling in one to the left
};

/// A run of text made drawable. A ligature's clusters share its width evenly.
struct Shape {
  std::vector<Glyph> glyphs;
  std::vector<CaretStop> carets;  // in the order of the bytes; clusters + 1
  float advance = 0;              // pixels
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
  /// `run` is a piece of one direction without spaces between words and without control characters, `rtl` from the right
  /// to the left. Never fails: an unknown character is a box.
  virtual Shape shape(Font font, std::string_view run, bool rtl) = 0;
  /// `subpixel` in [0, kSubpixelSteps).
  virtual Bitmap rasterise(Font font, std::uint16_t face, std::uint32_t index, int subpixel) = 0;
};

}  // namespace foreword::ui::text

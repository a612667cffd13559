#pragma once
// The opened font files and who draws which character. Files are opened when first needed; the chain for a character is:
// colour emoji for what is drawn as emoji, the style's own font, one font for all of CJK, companions, fontconfig's advice.

#include <ft2build.h>
#include FT_FREETYPE_H
#include <hb.h>

#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ui/text/font_search.h"
#include "ui/text/glyph_source.h"

namespace foreword::ui::text {

struct Face {
  FontFile file;
  FT_Face ft = nullptr;
  hb_font_t* hb = nullptr;
  bool tried = false;
  bool bitmaps = false;  // fixed sizes only: colour emoji
  bool layers = false;   // outlines in colour (COLR)
  bool own = false;      // a style's own font, not a fall-back
  int size = 0;          // what FreeType is set to
  float scale = 1;       // from the strike's pixels to the wanted ones
  float tracking = 0;    // pixels added after each cluster at this size
};

/// Characters that only steer their neighbours and are never drawn.
bool is_invisible(char32_t c);

class FontFaces {
 public:
  static constexpr std::uint16_t kNone = 0xFFFF;

  FontFaces();
  ~FontFaces();
  FontFaces(const FontFaces&) = delete;
  FontFaces& operator=(const FontFaces&) = delete;

  /// False: some style has no usable font.
  bool open_styles();
  /// The opened face at a pixel size, or null if the file is no good. Valid until the next call.
  Face* at_size(std::uint16_t id, int size);
  std::uint16_t of_style(Style style) const { return styles_[static_cast<std::size_t>(style)]; }
  /// Who draws a grapheme cluster that begins with `first`.
  std::uint16_t for_cluster(Font font, std::string_view cluster, char32_t first);

 private:
  std::uint16_t add(FontFile file);
  bool has(std::uint16_t id, int size, char32_t c);
  std::uint16_t cjk();
  std::uint16_t emoji();
  std::uint16_t companion_for(Font font, char32_t c);

  FT_Library library_ = nullptr;
  std::vector<Face> faces_;
  std::array<std::uint16_t, kStyleCount> styles_{};
  std::vector<std::uint16_t> companions_;
  std::optional<std::uint16_t> emoji_, cjk_;           // found when first needed
  std::unordered_map<char32_t, std::uint16_t> advice_;  // fontconfig's answers, kNone for "nobody has it"
};

}  // namespace foreword::ui::text

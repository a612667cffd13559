#include "ui/text/freetype_fonts.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H
#include <hb-ft.h>
#include <hb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "ui/text/utf8.h"

namespace foreword::ui::text {
namespace {

constexpr std::uint16_t kNoFace = 0xFFFF;
constexpr char32_t kEmojiSelector = 0xFE0F, kTextSelector = 0xFE0E, kJoiner = 0x200D;

struct Face {
  FontFile file;
  FT_Face ft = nullptr;
  hb_font_t* hb = nullptr;
  bool tried = false;
  bool bitmaps = false;  // fixed sizes only: colour emoji
  int size = 0;          // what FreeType is set to
  float scale = 1;       // from the strike's pixels to the wanted ones
  float tracking = 0;    // pixels added after each character at this size
};

/// Inter is drawn loosely for small sizes; its designers tighten it as it grows (rsms.me/inter/dynmetrics), in em.
float inter_tracking(int size) { return -0.0223f + 0.185f * std::exp(-0.1745f * static_cast<float>(size)); }

float from_26_6(FT_Pos value) { return static_cast<float>(value) / 64.0f; }

/// Characters that are drawn as emoji unless a text selector follows.
bool wants_emoji(std::string_view cluster, char32_t first) {
  bool emoji = (first >= 0x1F000 && first <= 0x1FAFF) || (first >= 0x231A && first <= 0x231B) ||
               (first >= 0x23E9 && first <= 0x23EC) || first == 0x2705 || first == 0x2728 || first == 0x274C ||
               first == 0x2753 || first == 0x2757 || first == 0x2B50 || first == 0x2B55 || first == 0x26A1;
  for (std::size_t at = 0; at < cluster.size();) {
    const CodePoint c = decode(cluster, at);
    if (c.value == kEmojiSelector) emoji = true;
    if (c.value == kTextSelector) emoji = false;
    at += c.n_bytes;
  }
  return emoji;
}

/// Fonts of symbols and of small scripts hold a few of these, in styles that do not match: one font made for them all is
/// asked first.
bool is_cjk(char32_t c) {
  return (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7FF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFE30 && c <= 0xFE4F) || (c >= 0xFF00 && c <= 0xFFEF) || (c >= 0x20000 && c <= 0x3FFFF);
}

constexpr std::u32string_view kCjkSample = U"\u4e00\u6f22\u7a7a\u3042\u306e\u30ab\u3001\u3002\u300c\uff0c";

bool is_invisible(char32_t c) {
  return c == kEmojiSelector || c == kTextSelector || (c >= 0x200B && c <= 0x200F) || c == 0x2060 || c == 0xFEFF ||
         c == 0xAD || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

/// One row of a shrunk colour bitmap after another, each pixel the mean of those that it covers. BGRA, premultiplied,
/// becomes RGBA, straight.
Bitmap shrink_color(const FT_Bitmap& source, float scale) {
  Bitmap out;
  out.color = true;
  out.width = std::max(1, static_cast<int>(std::lround(static_cast<float>(source.width) * scale)));
  out.height = std::max(1, static_cast<int>(std::lround(static_cast<float>(source.rows) * scale)));
  out.pixels.resize(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height) * 4);
  const auto covered = [](int i, int n_out, unsigned n_in) {
    const auto begin = static_cast<unsigned>(static_cast<std::uint64_t>(i) * n_in / static_cast<unsigned>(n_out));
    const auto end = static_cast<unsigned>(static_cast<std::uint64_t>(i + 1) * n_in / static_cast<unsigned>(n_out));
    return std::pair{begin, std::max(begin + 1, end)};
  };
  for (int y = 0; y < out.height; ++y) {
    const auto [y0, y1] = covered(y, out.height, source.rows);
    for (int x = 0; x < out.width; ++x) {
      const auto [x0, x1] = covered(x, out.width, source.width);
      std::array<unsigned, 4> sum{};
      for (unsigned sy = y0; sy < y1; ++sy) {
        const unsigned char* row = source.buffer + static_cast<std::ptrdiff_t>(sy) * source.pitch;
        for (unsigned sx = x0; sx < x1; ++sx) {
          for (unsigned c = 0; c < 4; ++c) sum[c] += row[sx * 4 + c];
        }
      }
      const unsigned n = (y1 - y0) * (x1 - x0), alpha = sum[3] / n;
      std::uint8_t* pixel = &out.pixels[(static_cast<std::size_t>(y) * static_cast<std::size_t>(out.width) + static_cast<std::size_t>(x)) * 4];
      for (unsigned c = 0; c < 3; ++c) {
        pixel[c] = static_cast<std::uint8_t>(sum[3] == 0 ? 0 : std::min(255u, sum[2 - c] * 255u / sum[3]));
      }
      pixel[3] = static_cast<std::uint8_t>(alpha);
    }
  }
  return out;
}

}  // namespace

struct FreeTypeFonts::Impl {
  FT_Library library = nullptr;
  hb_buffer_t* buffer = hb_buffer_create();
  std::vector<Face> faces;
  std::array<std::uint16_t, kStyleCount> styles{};
  std::vector<std::uint16_t> companions;
  std::uint16_t emoji = kNoFace;
  std::optional<std::uint16_t> cjk;  // found when first needed
  std::unordered_map<char32_t, std::uint16_t> advice;  // fontconfig's answers, kNoFace for "nobody has it"

  ~Impl() {
    for (Face& face : faces) {
      if (face.hb != nullptr) hb_font_destroy(face.hb);
      if (face.ft != nullptr) FT_Done_Face(face.ft);
    }
    hb_buffer_destroy(buffer);
    if (library != nullptr) FT_Done_FreeType(library);
  }

  std::uint16_t add(FontFile file) {
    for (std::size_t i = 0; i < faces.size(); ++i) {
      if (faces[i].file == file) return static_cast<std::uint16_t>(i);
    }
    if (faces.size() >= kNoFace) return kNoFace;
    faces.push_back({.file = std::move(file)});
    return static_cast<std::uint16_t>(faces.size() - 1);
  }

  /// The opened face at a pixel size, or null if the file is no good.
  Face* at_size(std::uint16_t id, int size) {
    if (id == kNoFace) return nullptr;
    Face& face = faces[id];
    if (!face.tried) {
      face.tried = true;
      if (FT_New_Face(library, face.file.path.c_str(), face.file.index, &face.ft) != 0) {
        face.ft = nullptr;
      } else {
        face.bitmaps = !FT_IS_SCALABLE(face.ft) && face.ft->num_fixed_sizes > 0;
        face.hb = hb_ft_font_create_referenced(face.ft);
        hb_ft_font_set_load_flags(face.hb, face.bitmaps ? FT_LOAD_COLOR : FT_LOAD_TARGET_LIGHT);
      }
    }
    if (face.ft == nullptr) return nullptr;
    if (face.size != size) {
      if (face.bitmaps) {
        FT_Select_Size(face.ft, 0);
        face.scale = static_cast<float>(size) * 1.17f / static_cast<float>(std::max<int>(1, face.ft->available_sizes[0].height));
      } else {
        FT_Set_Pixel_Sizes(face.ft, 0, static_cast<FT_UInt>(size));
      }
      const bool inter = face.file.path.find("/Inter-") != std::string::npos;
      face.tracking = inter ? inter_tracking(size) * static_cast<float>(size) : 0;
      hb_ft_font_changed(face.hb);
      face.size = size;
    }
    return &face;
  }

  bool has(std::uint16_t id, int size, char32_t c) {
    const Face* face = at_size(id, size);
    return face != nullptr && FT_Get_Char_Index(face->ft, c) != 0;
  }

  std::uint16_t cjk_face() {
    if (!cjk) {
      auto file = find_for(kCjkSample);
      cjk = file ? add(*std::move(file)) : kNoFace;
    }
    return *cjk;
  }

  std::uint16_t companion_for(Font font, char32_t c) {
    for (const std::uint16_t id : companions) {
      if (has(id, font.size, c)) return id;
    }
    return kNoFace;
  }

  std::uint16_t face_for(Font font, std::string_view cluster, char32_t first) {
    if (emoji != kNoFace && wants_emoji(cluster, first) && has(emoji, font.size, first)) return emoji;
    const std::uint16_t own = styles[static_cast<std::size_t>(font.style)];
    if (has(own, font.size, first)) return own;
    if (is_cjk(first) && has(cjk_face(), font.size, first)) return cjk_face();
    const std::uint16_t companion = companion_for(font, first);
    if (companion != kNoFace && !is_cjk(first)) return companion;
    const auto known = advice.find(first);
    const std::uint16_t last_resort = companion == kNoFace ? own : companion;
    if (known != advice.end()) return known->second == kNoFace ? last_resort : known->second;
    std::uint16_t found = kNoFace;
    if (auto file = find_for({&first, 1})) {
      const std::uint16_t id = add(*std::move(file));
      if (has(id, font.size, first)) found = id;
    }
    if (advice.size() < 20'000) advice.emplace(first, found);
    return found == kNoFace ? last_resort : found;
  }
};

FreeTypeFonts::FreeTypeFonts(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FreeTypeFonts::~FreeTypeFonts() = default;

Result<std::unique_ptr<FreeTypeFonts>> FreeTypeFonts::open() {
  const Error none{ErrorCode::not_found, "This computer has no usable font; install one, for example the package fonts-inter."};
  auto impl = std::make_unique<Impl>();
  if (FT_Init_FreeType(&impl->library) != 0) return none;
  for (std::size_t s = 0; s < kStyleCount; ++s) {
    auto file = find_style(static_cast<Style>(s));
    if (!file) return none;
    impl->styles[s] = impl->add(*std::move(file));
    if (impl->at_size(impl->styles[s], 16) == nullptr) return none;
  }
  for (FontFile& file : find_companions()) impl->companions.push_back(impl->add(std::move(file)));
  if (auto file = find_emoji()) impl->emoji = impl->add(*std::move(file));
  return std::unique_ptr<FreeTypeFonts>(new FreeTypeFonts(std::move(impl)));
}

LineMetrics FreeTypeFonts::metrics(Font font) {
  const Face* face = impl_->at_size(impl_->styles[static_cast<std::size_t>(font.style)], font.size);
  if (face == nullptr || face->bitmaps) return {static_cast<float>(font.size) * 0.8f, static_cast<float>(font.size) * 0.2f};
  const FT_Size_Metrics& m = face->ft->size->metrics;
  return {from_26_6(m.ascender), -from_26_6(m.descender)};
}

Shape FreeTypeFonts::shape(Font font, std::string_view cluster) {
  const CodePoint first = decode(cluster, 0);
  if (first.n_bytes == 0 || (first.n_bytes == cluster.size() && is_invisible(first.value))) return {};
  const std::uint16_t id = impl_->face_for(font, cluster, first.value);
  const Face* face = impl_->at_size(id, font.size);
  if (face == nullptr) return {};
  Shape shape;
  const float scale = face->bitmaps ? face->scale : 1.0f;
  if (first.n_bytes == cluster.size()) {
    const FT_UInt glyph = FT_Get_Char_Index(face->ft, first.value);
    const FT_Int32 flags = face->bitmaps ? FT_LOAD_COLOR : (FT_LOAD_TARGET_LIGHT | FT_LOAD_NO_BITMAP);
    if (FT_Load_Glyph(face->ft, glyph, flags) != 0) return {};
    const FT_GlyphSlot slot = face->ft->glyph;
    shape.advance = face->bitmaps ? from_26_6(slot->advance.x) * scale : static_cast<float>(slot->linearHoriAdvance) / 65536.0f;
    shape.advance += face->tracking;
    shape.glyphs.push_back({id, glyph, 0, 0});
    return shape;
  }
  hb_buffer_clear_contents(impl_->buffer);
  hb_buffer_add_utf8(impl_->buffer, cluster.data(), static_cast<int>(cluster.size()), 0, static_cast<int>(cluster.size()));
  hb_buffer_guess_segment_properties(impl_->buffer);
  hb_shape(face->hb, impl_->buffer, nullptr, 0);
  unsigned n = 0;
  const hb_glyph_info_t* infos = hb_buffer_get_glyph_infos(impl_->buffer, &n);
  const hb_glyph_position_t* places = hb_buffer_get_glyph_positions(impl_->buffer, &n);
  float y = 0;
  for (unsigned i = 0; i < n; ++i) {
    const float dx = shape.advance + from_26_6(places[i].x_offset) * scale;
    shape.glyphs.push_back({id, infos[i].codepoint, dx, y - from_26_6(places[i].y_offset) * scale});
    shape.advance += from_26_6(places[i].x_advance) * scale;
    y -= from_26_6(places[i].y_advance) * scale;
  }
  return shape;
}

Bitmap FreeTypeFonts::rasterise(Font font, std::uint16_t id, std::uint32_t index, int subpixel) {
  const Face* face = impl_->at_size(id, font.size);
  if (face == nullptr) return {};
  const FT_GlyphSlot slot = face->ft->glyph;
  if (face->bitmaps) {
    if (FT_Load_Glyph(face->ft, index, FT_LOAD_COLOR | FT_LOAD_RENDER) != 0) return {};
    if (slot->bitmap.pixel_mode != FT_PIXEL_MODE_BGRA || slot->bitmap.width == 0) return {};
    Bitmap bitmap = shrink_color(slot->bitmap, face->scale);
    bitmap.left = static_cast<int>(std::lround(static_cast<float>(slot->bitmap_left) * face->scale));
    bitmap.top = static_cast<int>(std::lround(static_cast<float>(slot->bitmap_top) * face->scale));
    return bitmap;
  }
  if (FT_Load_Glyph(face->ft, index, FT_LOAD_TARGET_LIGHT | FT_LOAD_NO_BITMAP) != 0) return {};
  if (slot->format == FT_GLYPH_FORMAT_OUTLINE) FT_Outline_Translate(&slot->outline, subpixel * 64 / kSubpixelSteps, 0);
  if (FT_Render_Glyph(slot, FT_RENDER_MODE_NORMAL) != 0) return {};
  Bitmap bitmap;
  bitmap.width = static_cast<int>(slot->bitmap.width);
  bitmap.height = static_cast<int>(slot->bitmap.rows);
  bitmap.left = slot->bitmap_left;
  bitmap.top = slot->bitmap_top;
  bitmap.pixels.reserve(static_cast<std::size_t>(bitmap.width) * static_cast<std::size_t>(bitmap.height));
  for (int y = 0; y < bitmap.height; ++y) {
    const unsigned char* row = slot->bitmap.buffer + static_cast<std::ptrdiff_t>(y) * slot->bitmap.pitch;
    bitmap.pixels.insert(bitmap.pixels.end(), row, row + bitmap.width);
  }
  return bitmap;
}

}  // namespace foreword::ui::text

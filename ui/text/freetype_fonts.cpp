#include "ui/text/freetype_fonts.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H
#include <hb.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ui/text/font_faces.h"
#include "ui/text/utf8.h"

namespace foreword::ui::text {
namespace {

float from_26_6(FT_Pos value) { return static_cast<float>(value) / 64.0f; }

/// Rows of a colour bitmap shrunk by `scale`, each pixel the mean of those that it covers. BGRA, premultiplied, becomes
/// RGBA, straight.
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

/// Clusters that one face draws in one script: what HarfBuzz shapes at once.
struct Part {
  Range range;
  std::uint16_t face;
  hb_script_t script;
};

hb_script_t script_of(char32_t c) {
  if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? HB_SCRIPT_LATIN : HB_SCRIPT_COMMON;
  return hb_unicode_script(hb_unicode_funcs_get_default(), c);
}

bool is_shared(hb_script_t script) { return script == HB_SCRIPT_COMMON || script == HB_SCRIPT_INHERITED || script == HB_SCRIPT_UNKNOWN; }

/// A font's fancies ("->" as an arrow, "!=" as one sign) would show what was not written; other scripts need theirs.
constexpr hb_feature_t kPlain[] = {{HB_TAG('c', 'a', 'l', 't'), 0, HB_FEATURE_GLOBAL_START, HB_FEATURE_GLOBAL_END},
                                   {HB_TAG('l', 'i', 'g', 'a'), 0, HB_FEATURE_GLOBAL_START, HB_FEATURE_GLOBAL_END}};

}  // namespace

struct FreeTypeFonts::Impl {
  FontFaces faces;
  hb_buffer_t* buffer = hb_buffer_create();
  std::vector<CaretStop> edges;  // of HarfBuzz's clusters: byte and right end, scratch

  ~Impl() { hb_buffer_destroy(buffer); }

  std::vector<Part> parts_of(Font font, std::string_view run);
  void shape_part(Font font, std::string_view run, const Part& part, bool rtl, Shape& out);
  void place_carets(std::string_view run, const Part& part, bool rtl, float left, float right, Shape& out);
};

std::vector<Part> FreeTypeFonts::Impl::parts_of(Font font, std::string_view run) {
  std::vector<Part> parts;
  for (std::size_t at = 0; at < run.size();) {
    const std::size_t next = next_cluster(run, at);
    const char32_t first = decode(run, at).value;
    const std::uint16_t face = faces.for_cluster(font, run.substr(at, next - at), first);
    const hb_script_t script = script_of(first);
    const bool joins = !parts.empty() && parts.back().face == face &&
                       (parts.back().script == script || is_shared(script) || is_shared(parts.back().script));
    if (!joins) parts.push_back({{at, at}, face, script});
    if (is_shared(parts.back().script)) parts.back().script = script;
    parts.back().range.end = at = next;
  }
  return parts;
}

/// Appends the part at out.advance, from there to the right.
void FreeTypeFonts::Impl::shape_part(Font font, std::string_view run, const Part& part, bool rtl, Shape& out) {
  const float left = out.advance;
  const Face* face = faces.at_size(part.face, font.size);
  edges.clear();
  if (face != nullptr) {
    hb_buffer_clear_contents(buffer);
    hb_buffer_add_utf8(buffer, run.data(), static_cast<int>(run.size()), static_cast<unsigned>(part.range.begin),
                       static_cast<int>(part.range.end - part.range.begin));
    hb_buffer_set_direction(buffer, rtl ? HB_DIRECTION_RTL : HB_DIRECTION_LTR);
    hb_buffer_set_script(buffer, is_shared(part.script) ? HB_SCRIPT_LATIN : part.script);
    hb_buffer_set_language(buffer, hb_language_get_default());
    hb_shape(face->hb, buffer, kPlain, face->own ? std::size(kPlain) : 0);
    unsigned n = 0;
    const hb_glyph_info_t* infos = hb_buffer_get_glyph_infos(buffer, &n);
    const hb_glyph_position_t* places = hb_buffer_get_glyph_positions(buffer, &n);
    const float scale = face->bitmaps ? face->scale : 1.0f;
    for (unsigned i = 0; i < n; ++i) {
      const float dx = out.advance + from_26_6(places[i].x_offset) * scale;
      out.glyphs.push_back({part.face, infos[i].codepoint, dx, -from_26_6(places[i].y_offset) * scale});
      out.advance += from_26_6(places[i].x_advance) * scale;
      if (i + 1 == n || infos[i + 1].cluster != infos[i].cluster) {
        if (out.advance > (edges.empty() ? left : edges.back().x)) out.advance += face->tracking;
        edges.push_back({infos[i].cluster, out.advance});
      }
    }
  }
  place_carets(run, part, rtl, left, out.advance, out);
}

void FreeTypeFonts::Impl::place_carets(std::string_view run, const Part& part, bool rtl, float left, float right, Shape& out) {
  if (rtl) std::reverse(edges.begin(), edges.end());
  // In the order of the bytes, edge i covers from its byte to that of edge i + 1, and `x` is its right end.
  for (std::size_t at = part.range.begin, i = 0; at < part.range.end;) {
    while (i + 1 < edges.size() && edges[i + 1].offset <= at) ++i;
    const std::size_t stop = i + 1 < edges.size() ? edges[i + 1].offset : part.range.end;
    float from = left, to = right;
    if (!edges.empty()) {
      to = edges[i].x;
      from = rtl ? (i + 1 < edges.size() ? edges[i + 1].x : left) : (i > 0 ? edges[i - 1].x : left);
    }
    std::vector<std::size_t> shared;  // our clusters within this one of HarfBuzz's
    do {
      shared.push_back(at);
      at = std::min(next_cluster(run, at), part.range.end);
    } while (at < stop);
    for (std::size_t k = 0; k < shared.size(); ++k) {
      const float share = (to - from) * static_cast<float>(k) / static_cast<float>(shared.size());
      out.carets.push_back({static_cast<std::uint32_t>(shared[k]), rtl ? to - share : from + share});
    }
  }
}

FreeTypeFonts::FreeTypeFonts(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FreeTypeFonts::~FreeTypeFonts() = default;

Result<std::unique_ptr<FreeTypeFonts>> FreeTypeFonts::open() {
  auto impl = std::make_unique<Impl>();
  if (!impl->faces.open_styles()) {
    return Error{ErrorCode::not_found, "This computer has no usable font; install one, for example the package fonts-inter."};
  }
  return std::unique_ptr<FreeTypeFonts>(new FreeTypeFonts(std::move(impl)));
}

LineMetrics FreeTypeFonts::metrics(Font font) {
  const Face* face = impl_->faces.at_size(impl_->faces.of_style(font.style), font.size);
  if (face == nullptr || face->bitmaps) return {static_cast<float>(font.size) * 0.8f, static_cast<float>(font.size) * 0.2f};
  const FT_Size_Metrics& m = face->ft->size->metrics;
  return {from_26_6(m.ascender), -from_26_6(m.descender)};
}

Shape FreeTypeFonts::shape(Font font, std::string_view run, bool rtl) {
  Shape shape;
  const std::vector<Part> parts = impl_->parts_of(font, run);
  if (rtl) {
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) impl_->shape_part(font, run, *part, true, shape);
    std::stable_sort(shape.carets.begin(), shape.carets.end(), [](const CaretStop& a, const CaretStop& b) { return a.offset < b.offset; });
  } else {
    for (const Part& part : parts) impl_->shape_part(font, run, part, false, shape);
  }
  shape.carets.push_back({static_cast<std::uint32_t>(run.size()), rtl ? 0 : shape.advance});
  return shape;
}

Bitmap FreeTypeFonts::rasterise(Font font, std::uint16_t id, std::uint32_t index, int subpixel) {
  const Face* face = impl_->faces.at_size(id, font.size);
  if (face == nullptr) return {};
  const FT_GlyphSlot slot = face->ft->glyph;
  const bool color = face->bitmaps || face->layers;
  const FT_Int32 flags = face->bitmaps ? FT_LOAD_COLOR : FT_LOAD_TARGET_LIGHT | FT_LOAD_NO_BITMAP | (color ? FT_LOAD_COLOR : 0);
  if (FT_Load_Glyph(face->ft, index, flags) != 0) return {};
  if (slot->format == FT_GLYPH_FORMAT_OUTLINE && !color) FT_Outline_Translate(&slot->outline, subpixel * 64 / kSubpixelSteps, 0);
  if (FT_Render_Glyph(slot, FT_RENDER_MODE_NORMAL) != 0 || slot->bitmap.width == 0) return {};
  if (slot->bitmap.pixel_mode == FT_PIXEL_MODE_BGRA) {
    const float scale = face->bitmaps ? face->scale : 1.0f;
    Bitmap bitmap = shrink_color(slot->bitmap, scale);
    bitmap.left = static_cast<int>(std::lround(static_cast<float>(slot->bitmap_left) * scale));
    bitmap.top = static_cast<int>(std::lround(static_cast<float>(slot->bitmap_top) * scale));
    return bitmap;
  }
  if (slot->bitmap.pixel_mode != FT_PIXEL_MODE_GRAY) return {};
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

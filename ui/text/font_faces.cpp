#include "ui/text/font_faces.h"

#include <hb-ft.h>

#include <algorithm>
#include <cmath>

#include "ui/text/utf8.h"

namespace foreword::ui::text {
namespace {

constexpr char32_t kEmojiSelector = 0xFE0F, kTextSelector = 0xFE0E;

/// Inter is drawn loosely for small sizes; its designers tighten it as it grows (rsms.me/inter/dynmetrics), in em.
float inter_tracking(int size) { return -0.0223f + 0.185f * std::exp(-0.1745f * static_cast<float>(size)); }

struct Block {
  char32_t first, last;
};

/// Emoji_Presentation below U+1F000 (Unicode 15, emoji-data.txt): drawn as emoji unless a text selector follows.
constexpr Block kEmoji[] = {
    {0x231A, 0x231B}, {0x23E9, 0x23EC}, {0x23F0, 0x23F0}, {0x23F3, 0x23F3}, {0x25FD, 0x25FE}, {0x2614, 0x2615}, {0x2648, 0x2653},
    {0x267F, 0x267F}, {0x2693, 0x2693}, {0x26A1, 0x26A1}, {0x26AA, 0x26AB}, {0x26BD, 0x26BE}, {0x26C4, 0x26C5}, {0x26CE, 0x26CE},
    {0x26D4, 0x26D4}, {0x26EA, 0x26EA}, {0x26F2, 0x26F3}, {0x26F5, 0x26F5}, {0x26FA, 0x26FA}, {0x26FD, 0x26FD}, {0x2705, 0x2705},
    {0x270A, 0x270B}, {0x2728, 0x2728}, {0x274C, 0x274C}, {0x274E, 0x274E}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2795, 0x2797},
    {0x27B0, 0x27B0}, {0x27BF, 0x27BF}, {0x2B1B, 0x2B1C}, {0x2B50, 0x2B50}, {0x2B55, 0x2B55}, {0x1F000, 0x1FAFF}};

/// Fonts of symbols and of small scripts hold a few of these, in styles that do not match: one font made for them all is
/// asked first.
constexpr Block kCjk[] = {{0x2E80, 0xA4CF}, {0xAC00, 0xD7FF}, {0xF900, 0xFAFF}, {0xFE30, 0xFE4F}, {0xFF00, 0xFFEF}, {0x20000, 0x3FFFF}};
constexpr std::u32string_view kCjkSample = U"\u4e00\u6f22\u7a7a\u3042\u306e\u30ab\u3001\u3002\u300c\uff0c";

template <std::size_t N>
bool is_in(const Block (&blocks)[N], char32_t c) {
  return std::any_of(std::begin(blocks), std::end(blocks), [&](const Block& block) { return c >= block.first && c <= block.last; });
}

bool wants_emoji(std::string_view cluster, char32_t first) {
  bool emoji = is_in(kEmoji, first);
  for (std::size_t at = 0; at < cluster.size();) {
    const CodePoint c = decode(cluster, at);
    if (c.value == kEmojiSelector) emoji = true;
    if (c.value == kTextSelector) emoji = false;
    at += c.n_bytes;
  }
  return emoji;
}

}  // namespace

bool is_invisible(char32_t c) {
  return c == kEmojiSelector || c == kTextSelector || (c >= 0x200B && c <= 0x200F) || c == 0x2060 || c == 0xFEFF ||
         c == 0xAD || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

FontFaces::FontFaces() {
  if (FT_Init_FreeType(&library_) != 0) library_ = nullptr;
}

FontFaces::~FontFaces() {
  for (Face& face : faces_) {
    if (face.hb != nullptr) hb_font_destroy(face.hb);
    if (face.ft != nullptr) FT_Done_Face(face.ft);
  }
  if (library_ != nullptr) FT_Done_FreeType(library_);
}

bool FontFaces::open_styles() {
  if (library_ == nullptr) return false;
  for (std::size_t s = 0; s < kStyleCount; ++s) {
    auto file = find_style(static_cast<Style>(s));
    if (!file) return false;
    styles_[s] = add(*std::move(file));
    faces_[styles_[s]].own = true;
  }
  for (FontFile& file : find_companions()) companions_.push_back(add(std::move(file)));
  return at_size(of_style(Style::regular), 16) != nullptr;
}

std::uint16_t FontFaces::add(FontFile file) {
  for (std::size_t i = 0; i < faces_.size(); ++i) {
    if (faces_[i].file == file) return static_cast<std::uint16_t>(i);
  }
  if (faces_.size() >= kNone) return kNone;
  Face face;
  face.file = std::move(file);
  faces_.push_back(std::move(face));
  return static_cast<std::uint16_t>(faces_.size() - 1);
}

Face* FontFaces::at_size(std::uint16_t id, int size) {
  if (id == kNone) return nullptr;
  Face& face = faces_[id];
  if (!face.tried) {
    face.tried = true;
    if (FT_New_Face(library_, face.file.path.c_str(), face.file.index, &face.ft) != 0) {
      face.ft = nullptr;
    } else {
      face.bitmaps = !FT_IS_SCALABLE(face.ft) && face.ft->num_fixed_sizes > 0;
      face.layers = FT_IS_SCALABLE(face.ft) && FT_HAS_COLOR(face.ft);
      face.hb = hb_ft_font_create_referenced(face.ft);
      hb_ft_font_set_load_flags(face.hb, face.bitmaps ? FT_LOAD_COLOR : FT_LOAD_NO_HINTING);
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

bool FontFaces::has(std::uint16_t id, int size, char32_t c) {
  const Face* face = at_size(id, size);
  return face != nullptr && FT_Get_Char_Index(face->ft, c) != 0;
}

std::uint16_t FontFaces::cjk() {
  if (!cjk_) {
    auto file = find_for(kCjkSample);
    cjk_ = file ? add(*std::move(file)) : kNone;
  }
  return *cjk_;
}

std::uint16_t FontFaces::emoji() {
  if (!emoji_) {
    auto file = find_emoji();
    emoji_ = file ? add(*std::move(file)) : kNone;
  }
  return *emoji_;
}

std::uint16_t FontFaces::companion_for(Font font, char32_t c) {
  for (const std::uint16_t id : companions_) {
    if (has(id, font.size, c)) return id;
  }
  return kNone;
}

std::uint16_t FontFaces::for_cluster(Font font, std::string_view cluster, char32_t first) {
  const std::uint16_t own = of_style(font.style);
  if (first < 0x80 && cluster.size() == 1) return own;
  if (wants_emoji(cluster, first) && has(emoji(), font.size, first)) return emoji();
  if (has(own, font.size, first) || is_invisible(first)) return own;
  if (is_in(kCjk, first) && has(cjk(), font.size, first)) return cjk();
  const std::uint16_t companion = companion_for(font, first);
  if (companion != kNone && !is_in(kCjk, first)) return companion;
  const auto known = advice_.find(first);
  const std::uint16_t last_resort = companion == kNone ? own : companion;
  if (known != advice_.end()) return known->second == kNone ? last_resort : known->second;
  std::uint16_t found = kNone;
  if (auto file = find_for({&first, 1})) {
    const std::uint16_t id = add(*std::move(file));
    if (has(id, font.size, first)) found = id;
  }
  if (advice_.size() < 20'000) advice_.emplace(first, found);
  return found == kNone ? last_resort : found;
}

}  // namespace foreword::ui::text

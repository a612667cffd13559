#pragma once
// Glyph bitmaps packed onto pages as they are first drawn. Pages live in host memory; who draws uploads the rows that
// changed. When a limit is reached everything is dropped and packed anew (the pages' generation grows). One thread.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ui/text/glyph_source.h"

namespace foreword::ui::text {

struct AtlasPage {
  static constexpr int kSize = 1024;       // pixels a side, coverage
  static constexpr int kColorSize = 512;   // pixels a side, colour
  bool color = false;
  int size = kSize;
  std::vector<std::uint8_t> pixels;         // 1 or 4 bytes each
  int dirty_begin = 0, dirty_end = 0;       // rows to upload
  std::uint64_t generation = 0;             // another generation: upload all
};

/// Where a glyph is, in pixels. `page` < 0: nothing to draw (a space).
struct AtlasGlyph {
  int page = -1;
  int x = 0, y = 0, width = 0, height = 0;
  int left = 0, top = 0;
};

class Atlas {
 public:
  explicit Atlas(GlyphSource& source) : source_(source) {}

  const AtlasGlyph& glyph(Font font, const Glyph& glyph, int subpixel);
  std::vector<AtlasPage>& pages() { return pages_; }
  /// Drops every glyph (another scale); pages in use are packed anew.
  void clear();

 private:
  static constexpr std::size_t kMaxPages = 24;

  struct Key {
    std::uint32_t index;
    std::uint16_t face;
    std::uint16_t size;
    std::uint8_t subpixel;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  struct Shelf {
    int page, x, y, height;
  };
  bool place(const Bitmap& bitmap, AtlasGlyph& glyph);
  int add_page(bool color);

  GlyphSource& source_;
  std::unordered_map<Key, AtlasGlyph, Hash> glyphs_;
  std::vector<AtlasPage> pages_;
  std::vector<Shelf> shelves_;
  std::vector<int> page_heights_;  // used rows of each page
  std::uint64_t generation_ = 0;
};

}  // namespace foreword::ui::text

#include "ui/text/atlas.h"

#include <algorithm>
#include <cstring>

namespace foreword::ui::text {

std::size_t Atlas::Hash::operator()(const Key& key) const {
  std::uint64_t h = key.index | (static_cast<std::uint64_t>(key.face) << 32) | (static_cast<std::uint64_t>(key.size) << 48);
  h ^= static_cast<std::uint64_t>(key.subpixel) << 30;
  h *= 0x9E3779B97F4A7C15u;
  return static_cast<std::size_t>(h ^ (h >> 29));
}

const AtlasGlyph& Atlas::glyph(Font font, const Glyph& wanted, int subpixel) {
  const Key key{wanted.index, wanted.face, static_cast<std::uint16_t>(font.size), static_cast<std::uint8_t>(subpixel)};
  if (const auto found = glyphs_.find(key); found != glyphs_.end()) return found->second;
  const Bitmap bitmap = source_.rasterise(font, wanted.face, wanted.index, subpixel);
  AtlasGlyph glyph{-1, 0, 0, bitmap.width, bitmap.height, bitmap.left, bitmap.top};
  if (bitmap.width > 0 && bitmap.height > 0 && !place(bitmap, glyph)) {
    clear();
    place(bitmap, glyph);
  }
  return glyphs_.emplace(key, glyph).first->second;
}

void Atlas::clear() {
  glyphs_.clear();
  shelves_.clear();
  ++generation_;
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    std::fill(pages_[i].pixels.begin(), pages_[i].pixels.end(), std::uint8_t{0});
    pages_[i].generation = generation_;
    page_heights_[i] = 0;
  }
}

int Atlas::add_page(bool color) {
  AtlasPage page;
  page.color = color;
  page.size = color ? AtlasPage::kColorSize : AtlasPage::kSize;
  page.pixels.resize(static_cast<std::size_t>(page.size) * static_cast<std::size_t>(page.size) * (color ? 4 : 1));
  page.generation = generation_;
  pages_.push_back(std::move(page));
  page_heights_.push_back(0);
  return static_cast<int>(pages_.size()) - 1;
}

bool Atlas::place(const Bitmap& bitmap, AtlasGlyph& glyph) {
  const int width = bitmap.width + 1, height = bitmap.height + 1;  // a free pixel between neighbours
  if (std::max(width, height) > AtlasPage::kColorSize) return false;
  Shelf* chosen = nullptr;
  for (Shelf& shelf : shelves_) {
    const AtlasPage& page = pages_[static_cast<std::size_t>(shelf.page)];
    const bool fits = page.color == bitmap.color && height <= shelf.height && height * 3 >= shelf.height * 2 &&
                      shelf.x + width <= page.size;
    if (fits && (chosen == nullptr || shelf.height < chosen->height)) chosen = &shelf;
  }
  if (chosen == nullptr) {
    int page = -1;
    for (std::size_t i = 0; i < pages_.size() && page < 0; ++i) {
      if (pages_[i].color == bitmap.color && page_heights_[i] + height <= pages_[i].size) page = static_cast<int>(i);
    }
    if (page < 0) {
      if (pages_.size() >= kMaxPages) return false;
      page = add_page(bitmap.color);
    }
    int& used = page_heights_[static_cast<std::size_t>(page)];
    shelves_.push_back({page, 0, used, height});
    used += height;
    chosen = &shelves_.back();
  }
  Shelf& shelf = *chosen;
  glyph.page = shelf.page;
  glyph.x = shelf.x;
  glyph.y = shelf.y;
  shelf.x += width;
  AtlasPage& page = pages_[static_cast<std::size_t>(shelf.page)];
  const std::size_t pixel = page.color ? 4 : 1, row = static_cast<std::size_t>(bitmap.width) * pixel;
  for (int y = 0; y < bitmap.height; ++y) {
    const std::size_t to = (static_cast<std::size_t>(glyph.y + y) * static_cast<std::size_t>(page.size) + static_cast<std::size_t>(glyph.x)) * pixel;
    std::memcpy(&page.pixels[to], &bitmap.pixels[static_cast<std::size_t>(y) * row], row);
  }
  if (page.dirty_begin == page.dirty_end) page.dirty_begin = glyph.y, page.dirty_end = glyph.y;
  page.dirty_begin = std::min(page.dirty_begin, glyph.y);
  page.dirty_end = std::max(page.dirty_end, glyph.y + bitmap.height);
  return true;
}

}  // namespace foreword::ui::text

#pragma once
// Remembers shapes and metrics of a GlyphSource: words and single ideographs, which layout and drawing ask for millions of
// times. One thread.

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ui/text/glyph_source.h"

namespace foreword::ui::text {

class ShapeCache {
 public:
  /// `source` must outlive the cache.
  explicit ShapeCache(GlyphSource& source) : source_(source) {}

  GlyphSource& source() { return source_; }
  LineMetrics metrics(Font font) { return entry(font).metrics; }
  /// Advance of a space, pixels.
  float space(Font font) { return entry(font).space; }
  /// Valid until the next call.
  const Shape& shape(Font font, std::string_view run, bool rtl);
  /// Drops everything (another scale).
  void clear() { entries_.clear(); }

 private:
  static constexpr std::size_t kMaxRuns = 1 << 14;  // of one font and direction; hostile text must not eat the memory

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  struct Entry {
    Font font;
    LineMetrics metrics;
    float space = 0;
    std::array<std::unordered_map<std::string, Shape, Hash, std::equal_to<>>, 2> runs;  // to the right, to the left
  };
  Entry& entry(Font font);

  GlyphSource& source_;
  std::vector<std::unique_ptr<Entry>> entries_;  // a handful: styles x sizes in use, last used first
};

}  // namespace foreword::ui::text

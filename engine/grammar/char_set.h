#pragma once
// Sets of Unicode scalar values (surrogates are in none), and how they are written as bytes. Pure.

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace foreword::engine {

class CharSet {
 public:
  struct Range {
    char32_t first, last;  // both in it
    bool operator==(const Range&) const = default;
  };

  CharSet() = default;
  CharSet(std::initializer_list<Range> ranges) {
    for (const Range& range : ranges) add(range.first, range.last);
  }
  static CharSet all() { return {{0, 0x10FFFF}}; }

  void add(char32_t first, char32_t last);
  void add(char32_t one) { add(one, one); }
  void add(const CharSet& other);
  CharSet complement() const;
  CharSet common(const CharSet& other) const;
  CharSet without(const CharSet& other) const { return common(other.complement()); }
  bool contains(char32_t c) const;
  bool empty() const { return ranges_.empty(); }
  /// By rising values, no two of them touching.
  const std::vector<Range>& ranges() const { return ranges_; }
  bool operator==(const CharSet&) const = default;

 private:
  std::vector<Range> ranges_;
};

/// Bytes, one after another, each from a range: some characters of the same length in UTF-8.
struct ByteRange {
  std::uint8_t first, last;
  auto operator<=>(const ByteRange&) const = default;
};
/// All characters of the set, none twice (Thompson's construction for UTF-8, as in RE2).
std::vector<std::vector<ByteRange>> utf8_ranges(const CharSet& set);

}  // namespace foreword::engine

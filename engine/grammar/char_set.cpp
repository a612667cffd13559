#include "engine/grammar/char_set.h"

#include <algorithm>
#include <array>

namespace foreword::engine {
namespace {

constexpr char32_t kFirstSurrogate = 0xD800, kLastSurrogate = 0xDFFF, kLast = 0x10FFFF;
/// The last character of one, two, three and four bytes.
constexpr std::array<char32_t, 4> kLastOfLength = {0x7F, 0x7FF, 0xFFFF, kLast};

std::size_t length_of(char32_t c) {
  return static_cast<std::size_t>(std::ranges::lower_bound(kLastOfLength, c) - kLastOfLength.begin()) + 1;
}

std::array<std::uint8_t, 4> bytes_of(char32_t c, std::size_t length) {
  constexpr std::array<std::uint8_t, 4> kMarks = {0x00, 0xC0, 0xE0, 0xF0};
  std::array<std::uint8_t, 4> bytes{};
  for (std::size_t i = length; i-- > 1;) {
    bytes[i] = static_cast<std::uint8_t>(0x80 | (c & 0x3F));
    c >>= 6;
  }
  bytes[0] = static_cast<std::uint8_t>(kMarks[length - 1] | c);
  return bytes;
}

/// Characters of one length. Cut where the bytes behind the first differing one do not run through all their values.
void split(char32_t first, char32_t last, std::size_t length, std::vector<std::vector<ByteRange>>& out) {
  for (std::size_t tail = 1; tail < length; ++tail) {
    const char32_t mask = (char32_t{1} << (6 * tail)) - 1;
    if ((first & ~mask) == (last & ~mask)) break;
    if ((first & mask) != 0) {
      split(first, first | mask, length, out);
      return split((first | mask) + 1, last, length, out);
    }
    if ((last & mask) != mask) {
      split(first, (last & ~mask) - 1, length, out);
      return split(last & ~mask, last, length, out);
    }
  }
  const auto low = bytes_of(first, length), high = bytes_of(last, length);
  std::vector<ByteRange> ranges;
  for (std::size_t i = 0; i < length; ++i) ranges.push_back({low[i], high[i]});
  out.push_back(std::move(ranges));
}

}  // namespace

void CharSet::add(char32_t first, char32_t last) {
  if (first < kFirstSurrogate && last > kLastSurrogate) {
    add(first, kFirstSurrogate - 1);
    return add(kLastSurrogate + 1, last);
  }
  if (first >= kFirstSurrogate && first <= kLastSurrogate) first = kLastSurrogate + 1;
  if (last >= kFirstSurrogate && last <= kLastSurrogate) last = kFirstSurrogate - 1;
  last = std::min(last, kLast);
  if (first > last) return;
  // All that overlap or touch it become one with it.
  const auto from = std::ranges::find_if(ranges_, [&](const Range& range) { return range.last + 1 >= first; });
  auto to = from;
  for (; to != ranges_.end() && to->first <= last + 1; ++to) {
    first = std::min(first, to->first);
    last = std::max(last, to->last);
  }
  ranges_.insert(ranges_.erase(from, to), {first, last});
}

void CharSet::add(const CharSet& other) {
  for (const Range& range : std::vector(other.ranges_)) add(range.first, range.last);
}

CharSet CharSet::complement() const {
  CharSet rest;
  char32_t next = 0;
  for (const Range& range : ranges_) {
    if (range.first > next) rest.add(next, range.first - 1);
    next = range.last + 1;
  }
  if (next <= kLast) rest.add(next, kLast);
  return rest;
}

CharSet CharSet::common(const CharSet& other) const {
  CharSet both;
  auto a = ranges_.begin();
  auto b = other.ranges_.begin();
  while (a != ranges_.end() && b != other.ranges_.end()) {
    const char32_t first = std::max(a->first, b->first), last = std::min(a->last, b->last);
    if (first <= last) both.ranges_.push_back({first, last});
    if (a->last < b->last) ++a;
    else ++b;
  }
  return both;
}

bool CharSet::contains(char32_t c) const {
  const auto behind = std::ranges::upper_bound(ranges_, c, {}, &Range::first);
  return behind != ranges_.begin() && std::prev(behind)->last >= c;
}

std::vector<std::vector<ByteRange>> utf8_ranges(const CharSet& set) {
  std::vector<std::vector<ByteRange>> out;
  for (auto [first, last] : set.ranges()) {
    while (first <= last) {
      const std::size_t length = length_of(first);
      const char32_t end = std::min(last, kLastOfLength[length - 1]);
      split(first, end, length, out);
      first = end + 1;
    }
  }
  return out;
}

}  // namespace foreword::engine

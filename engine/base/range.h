#pragma once
// A part of a text, by byte offsets.

#include <cstddef>

namespace foreword {

struct Range {
  std::size_t begin = 0, end = 0;
  bool empty() const { return begin == end; }
  bool operator==(const Range&) const = default;
};

}  // namespace foreword

#pragma once
// Points, rectangles and colours in pixels, y down.

#include <algorithm>
#include <cstdint>

namespace foreword::ui {

struct Vec {
  float x = 0, y = 0;
  bool operator==(const Vec&) const = default;
};

struct Rect {
  float left = 0, top = 0, right = 0, bottom = 0;

  float width() const { return right - left; }
  float height() const { return bottom - top; }
  Vec center() const { return {(left + right) / 2, (top + bottom) / 2}; }
  bool contains(Vec p) const { return p.x >= left && p.x < right && p.y >= top && p.y < bottom; }
  bool empty() const { return right <= left || bottom <= top; }
  Rect inset(float dx, float dy) const { return {left + dx, top + dy, right - dx, bottom - dy}; }
  Rect intersect(const Rect& o) const {
    return {std::max(left, o.left), std::max(top, o.top), std::min(right, o.right), std::min(bottom, o.bottom)};
  }
  bool operator==(const Rect&) const = default;
};

struct Color {
  std::uint8_t r = 0, g = 0, b = 0, a = 255;

  static constexpr Color hex(std::uint32_t rgb) {
    return {static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8), static_cast<std::uint8_t>(rgb), 255};
  }
  constexpr Color with_alpha(std::uint8_t alpha) const { return {r, g, b, alpha}; }
  /// opacity: 0 to 1, of what it has.
  constexpr Color faded(float opacity) const { return {r, g, b, static_cast<std::uint8_t>(static_cast<float>(a) * opacity + 0.5f)}; }
  bool operator==(const Color&) const = default;
};

}  // namespace foreword::ui

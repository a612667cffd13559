#pragma once
// Icons as strokes on a 24 x 24 grid, so that they are sharp at every scale.

#include <cstdint>
#include <initializer_list>
#include <span>

#include "ui/geometry.h"

namespace foreword::ui {

enum class Icon : std::uint8_t {
  plus, search, pencil, trash, cross, send, stop, copy, retry, sun, moon, chevron_down, chevron_right, arrow_down, check, folder, warning,
  chevron_left, play, fork, pin, lock, undo, save, help, file, arrow_up, history, sort, menu, minus, gear, sliders, clip
};

struct Stroke {
  std::span<const Vec> points;
  bool closed = false;
};
/// The strokes of an icon; points lie in [0, 24].
std::span<const Stroke> strokes_of(Icon icon);

}  // namespace foreword::ui

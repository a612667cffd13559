#include "ui/chips.h"

#include <algorithm>

#include "ui/status_line.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kMostName = 260, kIcon = 26, kCross = 26, kPad = 10;  // logical

}  // namespace

std::string_view text_size_words(Frame& frame, std::string_view text) {
  constexpr std::size_t kSmall = 100'000;
  if (text.size() < kSmall) {
    const auto n = std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    return frame.join(grouped(n), n == 1 ? " character" : " characters");
  }
  return frame.join(bytes_words(static_cast<std::int64_t>(text.size())));
}

float chip_width(Frame& frame, std::string_view name, std::string_view size, bool removable) {
  const float name_width = std::min(frame.px(kMostName), std::ceil(frame.canvas.width(frame.font(text::Style::medium, size::kSmall), name)));
  const float size_width = std::ceil(frame.canvas.width(frame.font(text::Style::regular, size::kSmall - 1), size));
  return frame.px(kIcon + kPad + 14) + name_width + size_width + (removable ? frame.px(kCross - 4) : 0);
}

ChipPress draw_chip(Frame& frame, std::string_view id, std::string_view name, std::string_view size, Rect rect, bool removable) {
  Canvas& canvas = frame.canvas;
  const float radius = frame.px(size::kRadius);
  frame.input.add({.id = id, .role = ItemRole::button, .label = frame.join("File ", name, ", ", size, "; press to copy its text"),
                   .rect = rect.intersect(canvas.clip()), .tip = true});
  canvas.fill(rect, frame.input.hovered(id) ? frame.theme.hover : frame.theme.raised, radius);
  canvas.stroke(rect, frame.theme.line, radius, frame.px(1));
  canvas.icon(Icon::file, {rect.left + frame.px(17), rect.center().y}, frame.px(16), frame.theme.accent);
  const text::Font bold = frame.font(text::Style::medium, size::kSmall), small = frame.font(text::Style::regular, size::kSmall - 1);
  const float size_width = std::ceil(canvas.width(small, size)), right = rect.right - frame.px(kPad) - (removable ? frame.px(kCross - 4) : 0);
  const float left = rect.left + frame.px(kIcon + 4);
  canvas.text_cut({left, rect.top}, rect.height(), right - size_width - frame.px(6) - left, bold, frame.theme.ink, name);
  canvas.text({right - size_width, rect.top}, rect.height(), small, frame.theme.ink_soft, size);
  focus_ring(frame, id, rect, radius);
  if (removable) {
    const float side = frame.px(22), top = std::round(rect.center().y - side / 2);
    const Rect cross{rect.right - side - frame.px(4), top, rect.right - frame.px(4), top + side};
    if (icon_button(frame, frame.join(id, "/remove"), frame.join("Leave ", name, " out"), Icon::cross, cross)) return ChipPress::remove;
  }
  return frame.input.activated(id) ? ChipPress::open : ChipPress::none;
}

}  // namespace foreword::ui

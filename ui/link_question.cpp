#include "ui/link_question.h"

#include <algorithm>
#include <utility>

#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 460, kPad = 22, kButtonHeight = 36;  // logical
constexpr std::size_t kMostLines = 6;

bool can_be_opened(std::string_view target) {
  static constexpr std::string_view kSchemes[] = {"https://", "http://", "mailto:"};
  return std::any_of(std::begin(kSchemes), std::end(kSchemes), [&](std::string_view scheme) { return target.starts_with(scheme); });
}

}  // namespace

void LinkQuestion::ask(Frame& frame, std::string target) {
  target_ = text::clean_line(target);
  shown_ = text::with_escapes(target_);
  frame.input.focus("link/open");
}

void LinkQuestion::draw(Frame& frame, Rect window) {
  if (target_.empty()) return;
  Canvas& canvas = frame.canvas;
  frame.input.set_layer(1);
  canvas.fill(window, frame.theme.scrim);
  const bool possible = can_be_opened(target_);
  const float pad = frame.px(kPad), width = std::min(frame.px(kWidth), window.width() - 2 * pad), line = frame.px(21);
  address_.set(frame, shown_, frame.font(text::Style::mono, size::kSmall), line, width - 4 * pad / 2 - frame.px(24), kMostLines);
  const float address = address_.height() + 2 * frame.px(10);
  const float height = pad + frame.px(34) + address + frame.px(18) + frame.px(kButtonHeight) + pad;
  const float left = std::round(window.center().x - width / 2), top = std::round(std::max(pad, window.center().y - height * 0.55f));
  const Rect box{left, top, left + width, top + height};
  frame.input.add({.id = "link/outside", .role = ItemRole::button, .label = "Close", .rect = window, .focusable = false});
  frame.input.add({.id = "link/box", .role = ItemRole::button, .label = shown_, .rect = box, .focusable = false});
  canvas.shadow(box, frame.px(14), frame.px(22));
  canvas.fill(box, frame.theme.raised, frame.px(14));
  canvas.stroke(box, frame.theme.line, frame.px(14), frame.px(1));
  const float x = box.left + pad, right = box.right - pad;
  canvas.text({x, box.top + pad - frame.px(4)}, frame.px(30), frame.font(text::Style::bold, 17), frame.theme.ink,
              possible ? "Open this address in the browser?" : "This address cannot be opened from here");
  const Rect field{x, box.top + pad + frame.px(34), right, box.top + pad + frame.px(34) + address};
  canvas.fill(field, frame.theme.code, frame.px(size::kRadius));
  canvas.push_clip(field);
  address_.draw(frame, {field.left + frame.px(12), field.top + frame.px(10)}, frame.theme.ink);
  canvas.pop_clip();
  const float bottom = box.bottom - pad, button_top = bottom - frame.px(kButtonHeight), gap = frame.px(8);
  const float open = text_button_width(frame, "Open"), copy = text_button_width(frame, "Copy address"), cancel = text_button_width(frame, "Cancel");
  const bool opened = text_button(frame, "link/open", "Open", {right - open, button_top, right, bottom}, ButtonLook::primary, {.enabled = possible});
  const bool copied = text_button(frame, "link/copy", "Copy address", {right - open - gap - copy, button_top, right - open - gap, bottom}, ButtonLook::plain);
  const bool left_out = text_button(frame, "link/cancel", "Cancel", {x, button_top, x + cancel, bottom}, ButtonLook::plain);
  bool escape = false;
  for (const KeyPress& press : frame.input.shortcuts()) escape = escape || press.key == Key::escape;
  frame.input.set_layer(0);
  if (copied) frame.clipboard.write(target_);
  if (opened) frame.send(OpenLink{std::exchange(target_, {})});
  if (copied || left_out || escape || frame.input.activated("link/outside")) target_.clear();
  if (target_.empty()) frame.input.focus("composer/text");
}

}  // namespace foreword::ui

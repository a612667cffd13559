#include "ui/dialog.h"

#include <algorithm>

#include "ui/widgets.h"

namespace foreword::ui {

Dialog::Dialog(Frame& frame, Rect window, const DialogLook& look) : frame_(frame) {
  Canvas& canvas = frame.canvas;
  frame.input.set_layer(1);
  canvas.fill(window, frame.theme.scrim);
  const float pad = frame.px(kPad), edge = frame.px(12);
  const float width = std::min(look.width, window.width() - 2 * edge), height = std::min(look.height, window.height() - 2 * edge);
  const float left = std::round(window.center().x - width / 2), top = std::round(std::max(edge, window.center().y - height * 0.55f));
  const Rect box{left, top, left + width, top + height};
  frame.input.add({.id = frame.join(look.id, "/outside"), .role = ItemRole::button, .label = "Close", .rect = window, .focusable = false});
  frame.input.add({.id = frame.join(look.id, "/box"), .role = ItemRole::button, .label = look.title, .rect = box, .focusable = false});
  canvas.shadow(box, frame.px(14), frame.px(22));
  canvas.fill(box, frame.theme.raised, frame.px(14));
  canvas.stroke(box, frame.theme.line, frame.px(14), frame.px(1));
  const float title = box.top + pad - frame.px(4), side = frame.px(28), inset = frame.px(10);
  canvas.text({box.left + pad, title}, frame.px(30), frame.font(text::Style::bold, 17), frame.theme.ink, look.title);
  closed_ = icon_button(frame, frame.join(look.id, "/close"), "Close (Esc)", Icon::cross, {box.right - pad - side + inset, title, box.right - pad + inset, title + side});
  for (const KeyPress& press : frame.input.shortcuts()) closed_ = closed_ || press.key == Key::escape;
  closed_ = closed_ || frame.input.activated(frame.join(look.id, "/outside"));
  inside_ = {box.left + pad, box.top + pad + frame.px(kHead) - frame.px(4), box.right - pad, box.bottom - pad};
}

}  // namespace foreword::ui

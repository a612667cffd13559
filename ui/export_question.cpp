#include "ui/export_question.h"

#include <algorithm>
#include <array>

#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 440, kPad = 22, kRow = 52;  // logical

struct Choice {
  const char* id;
  const char* label;
  const char* about;
  ExportAs format;
};
constexpr std::array kChoices{
    Choice{"export/markdown", "Markdown", "The branch that is shown, for notes and editors", ExportAs::markdown},
    Choice{"export/html", "Web page", "The branch that is shown, one file for any browser", ExportAs::html},
    Choice{"export/text", "Plain text", "The branch that is shown", ExportAs::text},
    Choice{"export/json", "Foreword JSON", "Every branch and number; drop it here to import it again", ExportAs::json},
};

}  // namespace

void ExportQuestion::ask(Frame& frame) {
  chat_ = frame.state.current_chat;
  if (chat_ != 0) frame.input.focus(kChoices.front().id);
}

void ExportQuestion::draw(Frame& frame, Rect window) {
  if (chat_ == 0) return;
  Canvas& canvas = frame.canvas;
  frame.input.set_layer(1);
  canvas.fill(window, frame.theme.scrim);
  const float pad = frame.px(kPad), row = frame.px(kRow), width = std::min(frame.px(kWidth), window.width() - 2 * pad);
  const float height = pad + frame.px(38) + static_cast<float>(kChoices.size()) * row + pad - frame.px(8);
  const float left = std::round(window.center().x - width / 2), top = std::round(std::max(pad, window.center().y - height * 0.55f));
  const Rect box{left, top, left + width, top + height};
  frame.input.add({.id = "export/outside", .role = ItemRole::button, .label = "Close", .rect = window, .focusable = false});
  frame.input.add({.id = "export/box", .role = ItemRole::button, .label = "Export the chat", .rect = box, .focusable = false});
  canvas.shadow(box, frame.px(14), frame.px(22));
  canvas.fill(box, frame.theme.raised, frame.px(14));
  canvas.stroke(box, frame.theme.line, frame.px(14), frame.px(1));
  canvas.text({box.left + pad, box.top + pad - frame.px(4)}, frame.px(30), frame.font(text::Style::bold, 17), frame.theme.ink, "Save this chat as");
  const float side = frame.px(28), inset = frame.px(10);
  bool close = icon_button(frame, "export/close", "Close (Esc)", Icon::cross,
                           {box.right - pad - side + inset, box.top + pad - frame.px(4), box.right - pad + inset, box.top + pad - frame.px(4) + side});
  float y = box.top + pad + frame.px(38);
  for (const Choice& choice : kChoices) {
    const Rect rect{box.left + pad - inset, y, box.right - pad + inset, y + row};
    frame.input.add({.id = choice.id, .role = ItemRole::row, .label = choice.label, .rect = rect});
    if (frame.input.hovered(choice.id)) canvas.fill(rect, frame.theme.hover, frame.px(size::kRadius));
    canvas.text({rect.left + inset, y + frame.px(6)}, frame.px(20), frame.font(text::Style::medium, size::kInterface), frame.theme.ink, choice.label);
    canvas.text_cut({rect.left + inset, y + frame.px(26)}, frame.px(20), rect.width() - 2 * inset, frame.font(text::Style::regular, size::kSmall),
                    frame.theme.ink_soft, choice.about);
    focus_ring(frame, choice.id, rect.inset(frame.px(2), frame.px(2)), frame.px(size::kRadius));
    if (frame.input.activated(choice.id)) {
      frame.send(ExportChat{chat_, choice.format});
      close = true;
    }
    y += row;
  }
  for (const KeyPress& press : frame.input.shortcuts()) close = close || press.key == Key::escape;
  frame.input.set_layer(0);
  if (!close && !frame.input.activated("export/outside")) return;
  chat_ = 0;
  frame.input.focus("composer/text");
}

}  // namespace foreword::ui

#include "ui/composer.h"

#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kPadX = 16, kPadY = 12, kButton = 36, kRadius = 18, kEditingHead = 30;  // logical
constexpr float kShare = 0.4f;                                       // of the window's height, at most

std::string_view hint_of(const ViewState& state) {
  switch (state.model.state) {
    case ModelState::ready: if (state.private_chat && !state.generating) return "Write a message that is saved nowhere\u2026"; return state.generating ? "Write the next message meanwhile\u2026" : "Write a message\u2026";
    case ModelState::loading: return "The model is loading; you can write already\u2026";
    case ModelState::none:
    case ModelState::failed: break;
  }
  return "Write a message; it can be sent once a model is open\u2026";
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \n\t") == text.npos; }

}  // namespace

TextField::Options Composer::options(const Frame& frame) const {
  return {.label = "Message", .hint = hint_of(frame.state), .font = frame.font(text::Style::regular, size::kText),
          .line_height = frame.px(size::kText * 1.5f), .takes_escape = editing_ != 0};
}

void Composer::edit(Frame& frame, const MessageRow& message) {
  std::string draft = this->draft();
  field_.set_text(message.text);
  editing_ = message.id;
  edits_answer_ = message.author != Author::user;
  draft_ = std::move(draft);
  frame.input.focus(kFieldId);
}

void Composer::stop_editing() { set_text(std::string(draft_)); }

/// Says which message is being written anew, and lets it be.
void Composer::draw_editing_head(Frame& frame, Rect rect) {
  const text::Font font = frame.font(text::Style::medium, size::kSmall);
  frame.canvas.icon(Icon::pencil, {rect.left + frame.px(9), rect.center().y}, frame.px(15), frame.theme.accent);
  frame.canvas.text_cut({rect.left + frame.px(26), rect.top}, rect.height(), rect.width() - frame.px(64), font, frame.theme.accent,
                        edits_answer_ ? "Your version of the answer" : "Ask this differently");
  const float side = frame.px(26), top = std::round(rect.center().y - side / 2);
  if (icon_button(frame, "composer/cancel", "Leave it as it was (Esc)", Icon::cross, {rect.right - side, top, rect.right, top + side})) stop_editing();
}

float Composer::wanted_height(Frame& frame, float width, float window_height) {
  const float inner = width - 2 * frame.px(kPadX) - frame.px(kButton);
  const float content = field_.content_height(frame, inner, options(frame)) + 2 * frame.px(kPadY) + (editing_ != 0 ? frame.px(kEditingHead) : 0);
  return std::min(content, std::round(window_height * kShare));
}

bool Composer::draw(Frame& frame, Rect rect) {
  Canvas& canvas = frame.canvas;
  const bool focused = frame.input.focused(kFieldId);
  canvas.fill(rect, frame.theme.raised, frame.px(kRadius));
  canvas.stroke(rect, focused ? frame.theme.border_focus : frame.theme.line, frame.px(kRadius), frame.px(focused ? 1.5f : 1));
  const float head = editing_ != 0 ? frame.px(kEditingHead) : 0;
  const Rect inner{rect.left + frame.px(kPadX), rect.top + frame.px(kPadY) + head, rect.right - frame.px(kPadX) - frame.px(kButton),
                   rect.bottom - frame.px(kPadY)};
  const TextField::Result result = field_.draw(frame, kFieldId, inner, rect, options(frame));

  if (head > 0) draw_editing_head(frame, {rect.left + frame.px(kPadX), rect.top + frame.px(6), rect.right - frame.px(10), rect.top + frame.px(6) + head});
  if (result.cancelled) stop_editing();

  const bool generating = frame.state.generating;
  const bool ready = frame.state.model.state == ModelState::ready;
  const bool something = !is_blank(field_.text());
  const float side = frame.px(kButton), gap = frame.px(6);
  const Rect button{rect.right - gap - side, rect.bottom - gap - side, rect.right - gap, rect.bottom - gap};
  const std::string id = generating ? "composer/stop" : "composer/send";
  const bool enabled = generating || something;
  frame.input.add({.id = id, .role = ItemRole::button, .label = generating ? "Stop" : editing_ != 0 && edits_answer_ ? "Keep this version" : "Send", .rect = button, .enabled = enabled, .tip = true});
  const Color fill = enabled ? frame.theme.accent : frame.theme.hover;
  canvas.disc(button.center(), side / 2, fill.with_alpha(enabled && frame.input.hovered(id) ? 225 : 255));
  if (generating) {
    const Vec c = button.center();
    const float half = frame.px(5);
    canvas.fill({c.x - half, c.y - half, c.x + half, c.y + half}, frame.theme.on_accent, frame.px(2));
  } else {
    canvas.icon(Icon::send, button.center(), frame.px(21), enabled ? frame.theme.on_accent : frame.theme.ink_soft);
  }
  focus_ring(frame, id, button, side / 2);

  if (generating && frame.input.activated(id)) {
    frame.send(StopGenerating{});
    return false;
  }
  const bool send = result.submitted || (!generating && frame.input.activated(id));
  if (!send || !something) return false;
  if (!ready && (editing_ == 0 || !edits_answer_)) return true;
  if (generating) return false;
  if (editing_ != 0) {
    frame.send(EditMessage{editing_, field_.text()});
    stop_editing();
    return false;
  }
  frame.send(SendMessage{field_.text()});
  field_.set_text("");
  return false;
}

}  // namespace foreword::ui

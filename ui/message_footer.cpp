// What stands below a message: its buttons, and how an answer ended.

#include <array>
#include <utility>

#include "engine/base/reasoning.h"
#include "ui/attachments.h"
#include "ui/message_card.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

bool is_user(const MessageRow& message) { return message.author == Author::user; }

}  // namespace

/// What can be done with the message. The last answer and what the mouse or the keyboard is at show all of it, the others
/// what a reader needs.
void MessageCard::draw_footer(Frame& frame, const MessageRow& message, std::string_view id, Vec origin, bool last) {
  const bool user = is_user(message);
  const float button = frame.px(28), step = button + frame.px(2);
  const float top = user ? origin.y + bubble_bottom_ + frame.px(3) : origin.y + height_ - frame.px(kFooterHeight) + frame.px(4);
  const bool busy = message.state == MessageState::waiting || message.state == MessageState::streaming;
  if (message.state == MessageState::waiting) {
    const std::string_view reason = frame.state.status.activity.empty() ? std::string_view("Waiting for the model\u2026")
                                                                        : std::string_view(frame.state.status.activity);
    frame.canvas.text({origin.x, origin.y + frame.px(kNameHeight)}, frame.px(size::kText * size::kLineHeight),
                      frame.font(text::Style::regular, size::kText), frame.theme.ink_soft, reason);
  }
  const Vec mouse = frame.input.mouse();
  const Rect card{origin.x, origin.y, origin.x + width_, top + button};
  const bool near = frame.input.hovered("messages") || frame.input.is_hovered_below(id);
  const bool all = (last && !user) || (near && card.contains(mouse)) || frame.input.is_focused_below(id);
  const bool idle = !frame.state.generating, ready = idle && frame.state.model.state == ModelState::ready;
  const bool can_continue = last && !user && !busy && message.state != MessageState::complete;

  struct Tool {
    const char* name;
    const char* label;
    Icon icon;
    bool shown, enabled;
    void (*run)(Frame&, const MessageRow&);
  };
  const std::array tools{
      Tool{"/previous", "The version before (Alt+Left)", Icon::chevron_left, message.n_siblings > 1, idle && message.sibling > 1,
           [](Frame& f, const MessageRow& m) { f.send(ShowSibling{m.id, -1}); }},
      Tool{"/next", "The version after (Alt+Right)", Icon::chevron_right, message.n_siblings > 1, idle && message.sibling < message.n_siblings,
           [](Frame& f, const MessageRow& m) { f.send(ShowSibling{m.id, 1}); }},
      Tool{"/copy", "Copy", Icon::copy, !busy && (!user || all), true,
           [](Frame& f, const MessageRow& m) { f.clipboard.write(std::string(is_user(m) ? m.text : said_in(m.text))); }},
      Tool{"/edit", "Edit", Icon::pencil, all && !busy, idle, [](Frame& f, const MessageRow& m) { f.edit_asked = m.id; }},
      Tool{"/continue", "Go on from here", Icon::play, can_continue, ready, [](Frame& f, const MessageRow& m) { f.send(ContinueAnswer{m.id}); }},
      Tool{"/regenerate", "Answer again", Icon::retry, all && !user && !busy, ready, [](Frame& f, const MessageRow& m) { f.send(Regenerate{m.id}); }},
      Tool{"/fork", "A new chat from here", Icon::fork, all && !busy && !frame.state.private_chat, idle, [](Frame& f, const MessageRow& m) { f.send(ForkChat{m.id}); }},
      Tool{"/delete", "Delete from here on", Icon::trash, all && !busy, idle, [](Frame& f, const MessageRow& m) { f.send(DeleteMessage{m.id}); }},
  };
  const std::string_view place = frame.join(message.sibling, " / ", message.n_siblings);
  const text::Font font = frame.font(text::Style::regular, size::kSmall);
  const float place_width = message.n_siblings > 1 ? std::ceil(frame.canvas.width(font, place)) + frame.px(4) : 0;
  float x = origin.x - frame.px(5);
  const float right = origin.x + width_ + frame.px(5);
  if (user) {  // below the bubble, at its right edge
    x = right - place_width;
    for (const Tool& tool : tools) x -= tool.shown ? step : 0;
  }
  for (const Tool& tool : tools) {
    if (!tool.shown) continue;
    const Rect rect{x, top, x + button, top + button};
    if (icon_button(frame, frame.join(id, tool.name), tool.label, tool.icon, rect, {.enabled = tool.enabled})) tool.run(frame, message);
    x += step;
    if (tool.icon != Icon::chevron_left) continue;
    frame.canvas.text({x, top}, button, font, frame.theme.ink_soft, place);
    x += place_width;
  }
  if (user && !all && !busy) {  // out of sight, but the keyboard finds it behind those that are shown
    frame.input.add({.id = frame.join(id, "/edit"), .role = ItemRole::button, .label = "Edit", .rect = Rect{right - step, top, right, top + button}.intersect(frame.canvas.clip()),
                     .enabled = idle});
  }
  if (!user && !busy) draw_ending(frame, message, {x + frame.px(6), top, origin.x + width_, top + button});
}

/// How the answer ended, and its numbers, at the right.
void MessageCard::draw_ending(Frame& frame, const MessageRow& message, Rect rect) {
  static constexpr std::pair<MessageState, std::string_view> kEndings[] = {
      {MessageState::stopped, "Stopped"}, {MessageState::interrupted, "Interrupted"}, {MessageState::failed, "Failed"}};
  std::string_view line = message.stats;
  for (const auto& [state, word] : kEndings) {
    if (state == message.state) line = message.stats.empty() ? word : frame.join(word, " \u00b7 ", message.stats);
  }
  const text::Font font = frame.font(text::Style::regular, size::kSmall);
  const float width = std::min(frame.canvas.width(font, line), rect.width());
  const Color color = message.state == MessageState::failed ? frame.theme.danger : frame.theme.ink_soft;
  if (width > frame.px(40)) frame.canvas.text_cut({rect.right - width, rect.top}, rect.height(), width + 1, font, color, line);
}

}  // namespace foreword::ui

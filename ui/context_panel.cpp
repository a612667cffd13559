#include "ui/context_panel.h"

#include <algorithm>
#include <array>

#include "ui/status_line.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kPad = 14, kButton = 32, kGap = 8, kLine = 21;  // logical

std::string_view messages(Frame& frame, std::size_t n) { return frame.join(grouped(static_cast<std::int64_t>(n)), n == 1 ? " message" : " messages"); }

std::string_view question(Frame& frame, const ContextView& context, std::int64_t size) {
  if (context.alone_too_long) {
    const std::string_view way = context.larger > 0 ? "Shorten it, or choose a larger context." : "Shorten it.";
    return frame.join("This message alone needs ", grouped(context.total), " tokens, more than the context of ", grouped(size), " holds. ", way);
  }
  if (context.blocked) {
    const std::string_view words = frame.join("The next turn needs ", grouped(context.total), " tokens; the context holds ", grouped(size), ", and the answer needs room, too.");
    return context.n_forgotten == 0 ? words : frame.join(words, " ", messages(frame, context.n_forgotten), " would have to go.");
  }
  return frame.join("What shall happen when this chat outgrows the context of ", grouped(size), " tokens?");
}

struct Choice {
  Overflow overflow;
  const char* id;
  std::string_view label;
  bool offered = true, possible = true;
  Rect rect{};  // from the top left corner of the first
};

std::array<Choice, 4> choices_of(Frame& frame, const ContextView& context) {
  const std::string_view larger = frame.join("Context of ", grouped(context.larger), " (+", bytes_words(context.larger_bytes), ")");
  return {{{Overflow::drop_oldest, "context/drop", "Forget the oldest", true, !context.alone_too_long},
           {Overflow::summarise, "context/summarise", "Summarise them", true, !context.alone_too_long},
           {Overflow::larger_context, "context/larger", larger, context.larger > 0},
           {Overflow::stop, "context/stop", "Stop here"}}};
}

}  // namespace

std::string_view cut_line_words(Frame& frame, const ContextView& context) {
  const std::string_view above = messages(frame, context.n_forgotten);
  if (context.choice == Overflow::drop_oldest) return frame.join(above, " above this line are no longer read");
  if (context.choice == Overflow::summarise) return frame.join("The model reads a summary of the ", above, " above this line");
  return frame.join("The ", above, " above this line would no longer fit");
}

std::string_view meter_words(Frame& frame, const ContextView& context, std::int64_t context_size) {
  std::string_view words = frame.join("Would be sent now\t", grouped(context.total), " of ", grouped(context_size), " tokens");
  for (const Share& share : context.shares) words = frame.join(words, "\n", share.label, "\t", grouped(share.tokens));
  return words;
}

void ContextPanel::open(Frame& frame) {
  open_ = true;
  frame.input.focus("context/drop");
}

float ContextPanel::draw(Frame& frame, Rect area) {
  const ContextView& context = frame.state.context;
  if (context.blocked != was_blocked_) open_ = was_blocked_ = context.blocked;
  if (!open_) return 0;
  Canvas& canvas = frame.canvas;
  const float pad = frame.px(kPad), gap = frame.px(kGap), button = frame.px(kButton), side = frame.px(26);
  const text::Font font = frame.font(text::Style::regular, size::kInterface);
  const std::string_view words = question(frame, context, frame.state.status.context_size);
  std::array<Choice, 4> choices = choices_of(frame, context);
  float x = 0, y = 0;
  for (Choice& choice : choices) {
    if (!choice.offered) continue;
    const float width = text_button_width(frame, choice.label);
    if (x > 0 && x + width > area.width() - 2 * pad) x = 0, y += button + gap;
    choice.rect = {x, y, x + width, y + button};
    x += width + gap;
  }
  const float below = gap + y + button + pad, room = (area.height() - gap - pad - below) / frame.px(kLine);
  question_.set(frame, words, font, frame.px(kLine), area.width() - 2 * pad - side - gap, static_cast<std::size_t>(std::max(1.0f, room)));
  const float text_height = question_.height(), height = pad + text_height + below;
  const float top = std::max(area.top, area.bottom - gap - height);
  const Rect box{area.left, top, area.right, top + height};
  frame.input.add({.id = "context/box", .role = ItemRole::scroll_area, .label = words, .rect = box, .focusable = false});
  canvas.shadow(box, frame.px(12), frame.px(8));
  canvas.fill(box, frame.theme.raised, frame.px(12));
  canvas.stroke(box, context.blocked ? frame.theme.accent : frame.theme.line, frame.px(12), frame.px(1));
  question_.draw(frame, {box.left + pad, box.top + pad}, frame.theme.ink);
  const Vec corner{box.left + pad, box.top + pad + text_height + gap};
  for (const Choice& choice : choices) {
    if (!choice.offered) continue;
    const Rect rect{corner.x + choice.rect.left, corner.y + choice.rect.top, corner.x + choice.rect.right, corner.y + choice.rect.bottom};
    const bool chosen = choice.overflow == context.choice;
    if (text_button(frame, choice.id, choice.label, rect, chosen ? ButtonLook::primary : ButtonLook::plain, {.enabled = choice.possible, .selected = chosen})) {
      frame.send(ChooseOverflow{choice.overflow});
      open_ = false;
      frame.input.focus("composer/text");
    }
  }
  if (icon_button(frame, "context/close", "Decide later", Icon::cross, {box.right - side - frame.px(6), box.top + frame.px(8), box.right - frame.px(6), box.top + frame.px(8) + side})) {
    open_ = false;
    frame.input.focus("composer/text");
  }
  return height + gap;
}

}  // namespace foreword::ui

#include "ui/context_panel.h"

#include <algorithm>
#include <vector>

#include "ui/status_line.h"
#include "ui/text/layout.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kPad = 14, kButton = 32, kGap = 8, kLine = 21;  // logical

std::string messages(std::size_t n) { return grouped(static_cast<std::int64_t>(n)) + (n == 1 ? " message" : " messages"); }

std::string question(const ContextView& context, std::int64_t size) {
  if (context.alone_too_long) return "This message alone needs " + grouped(context.total) + " tokens, more than the context of " + grouped(size) + " holds. Shorten it, or choose a larger context.";
  if (context.blocked) {
    std::string words = "The next turn needs " + grouped(context.total) + " tokens; the context holds " + grouped(size) + ", and the answer needs room, too.";
    if (context.n_forgotten > 0) words += " " + messages(context.n_forgotten) + " would have to go.";
    return words;
  }
  return "What shall happen when this chat outgrows the context of " + grouped(size) + " tokens?";
}

struct Choice {
  Overflow overflow;
  const char* id;
  std::string label;
  bool possible = true;
};

std::vector<Choice> choices_of(const ContextView& context) {
  std::vector<Choice> choices{{Overflow::drop_oldest, "context/drop", "Forget the oldest"}, {Overflow::summarise, "context/summarise", "Summarise them"}};
  for (Choice& choice : choices) choice.possible = !context.alone_too_long;
  if (context.larger > 0) {
    choices.push_back({Overflow::larger_context, "context/larger", "Context of " + grouped(context.larger) + " (+" + bytes_words(context.larger_bytes) + ")"});
  }
  choices.push_back({Overflow::stop, "context/stop", "Stop here"});
  return choices;
}

}  // namespace

std::string cut_line_words(const ContextView& context) {
  if (context.choice == Overflow::drop_oldest) return messages(context.n_forgotten) + " above this line are no longer read";
  if (context.choice == Overflow::summarise) return "The model reads a summary of the " + messages(context.n_forgotten) + " above this line";
  return "The " + messages(context.n_forgotten) + " above this line would no longer fit";
}

std::string meter_words(const ContextView& context, std::int64_t context_size) {
  std::string words = "Would be sent now\t" + grouped(context.total) + " of " + grouped(context_size) + " tokens";
  for (const Share& share : context.shares) words += "\n" + share.label + "\t" + grouped(share.tokens);
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
  const float pad = frame.px(kPad), gap = frame.px(kGap), button = frame.px(kButton), line = frame.px(kLine), side = frame.px(26);
  const text::Font font = frame.font(text::Style::regular, size::kInterface);
  const std::string words = question(context, frame.state.status.context_size);
  const text::Span span{.font = font};
  const text::StyledText styled{words, {&span, 1}};
  text::Layout layout;
  layout.set(canvas.shapes(), styled, area.width() - 2 * pad - side - gap);
  struct Placed {
    Choice choice;
    Rect rect;  // from the top left corner of the first
  };
  std::vector<Placed> placed;
  float x = 0, y = 0;
  for (Choice& choice : choices_of(context)) {
    const float width = text_button_width(frame, choice.label);
    if (x > 0 && x + width > area.width() - 2 * pad) x = 0, y += button + gap;
    placed.push_back({std::move(choice), {x, y, x + width, y + button}});
    x += width + gap;
  }
  const float text_height = static_cast<float>(layout.n_lines()) * line;
  const float height = pad + text_height + gap + y + button + pad;
  const Rect box{area.left, area.bottom - gap - height, area.right, area.bottom - gap};
  frame.input.add({.id = "context/box", .role = ItemRole::scroll_area, .label = words, .rect = box, .focusable = false});
  canvas.shadow(box, frame.px(12), frame.px(8));
  canvas.fill(box, frame.theme.raised, frame.px(12));
  canvas.stroke(box, context.blocked ? frame.theme.accent : frame.theme.line, frame.px(12), frame.px(1));
  for (std::size_t i = 0; i < layout.n_lines(); ++i) {
    canvas.line({box.left + pad, box.top + pad + static_cast<float>(i) * line}, line, layout, styled, i, {&frame.theme.ink, 1});
  }
  const Vec corner{box.left + pad, box.top + pad + text_height + gap};
  for (const Placed& place : placed) {
    const Rect rect{corner.x + place.rect.left, corner.y + place.rect.top, corner.x + place.rect.right, corner.y + place.rect.bottom};
    const bool chosen = place.choice.overflow == context.choice;
    if (text_button(frame, place.choice.id, place.choice.label, rect, chosen ? ButtonLook::primary : ButtonLook::plain,
                    {.enabled = place.choice.possible, .selected = chosen})) {
      frame.send(ChooseOverflow{place.choice.overflow});
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

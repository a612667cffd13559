#include "ui/find_bar.h"

#include "ui/commands.h"
#include "ui/status_line.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kWidth = 380, kHeight = 44, kMargin = 12, kButton = 28;  // logical

std::string_view counter(Frame& frame, const MessageView& conversation, bool anything) {
  if (!anything) return {};
  const MessageFinder& finder = conversation.finder();
  if (finder.n_matches() == 0) return conversation.finder_done() ? "Nothing found" : "Looking\u2026";
  return frame.join(grouped(static_cast<std::int64_t>(finder.current_number())), " / ", grouped(static_cast<std::int64_t>(finder.n_matches())));
}

}  // namespace

void FindBar::open(Frame& frame) {
  open_ = true;
  field_.buffer().select_all();
  frame.input.focus(kFieldId);
}

void FindBar::show(std::string_view words) {
  open_ = true;
  field_.set_text(words);
}

void FindBar::close(Frame& frame, MessageView& conversation) {
  open_ = false;
  conversation.look_for("");
  frame.input.focus("composer/text");
}

void FindBar::draw(Frame& frame, Rect area, MessageView& conversation) {
  if (!open_) return;
  Canvas& canvas = frame.canvas;
  const float margin = frame.px(kMargin), width = std::min(frame.px(kWidth), area.width() - 2 * margin);
  const Rect box{area.right - margin - width, area.top + margin, area.right - margin, area.top + margin + frame.px(kHeight)};
  frame.input.add({.id = "find/box", .role = ItemRole::scroll_area, .label = "Find in this chat", .rect = box, .focusable = false});
  canvas.shadow(box, frame.px(12), frame.px(10));
  canvas.fill(box, frame.theme.raised, frame.px(12));
  canvas.stroke(box, frame.input.focused(kFieldId) ? frame.theme.border_focus : frame.theme.line, frame.px(12), frame.px(1));
  canvas.icon(Icon::search, {box.left + frame.px(20), box.center().y}, frame.px(16), frame.theme.ink_soft);

  const float side = frame.px(kButton), gap = frame.px(2), top = std::round(box.center().y - side / 2);
  float x = box.right - frame.px(8) - side;
  const auto place = [&] {
    const Rect rect{x, top, x + side, top + side};
    x -= side + gap;
    return rect;
  };
  const bool any = conversation.finder().n_matches() > 0;
  const bool cross = icon_button(frame, "find/close", "Close (Esc)", Icon::cross, place());
  const bool next = icon_button(frame, "find/next", label_with_keys(CommandId::find_next), Icon::arrow_down, place(), {.enabled = any});
  const bool previous = icon_button(frame, "find/previous", label_with_keys(CommandId::find_previous), Icon::arrow_up, place(), {.enabled = any});
  const text::Font small = frame.font(text::Style::regular, size::kSmall);
  const std::string_view words = counter(frame, conversation, !field_.text().empty());
  const float words_width = std::ceil(canvas.width(small, words)), words_left = x + side - frame.px(6) - words_width;
  canvas.text({words_left, box.top}, box.height(), small, frame.theme.ink_soft, words);

  const float line = frame.px(24), line_top = std::round(box.center().y - line / 2);
  const Rect inner{box.left + frame.px(38), line_top, words_left - frame.px(10), line_top + line};
  const TextField::Options options{.label = "Find in this chat", .hint = "Find in this chat", .font = frame.font(text::Style::regular, size::kInterface),
                                   .line_height = line, .takes_escape = true};
  const auto result = field_.draw(frame, kFieldId, inner, {box.left, box.top, words_left, box.bottom}, options);
  conversation.look_for(field_.text());
  if (next || (result.submitted && !result.backwards)) conversation.show_match(true);
  if (previous || (result.submitted && result.backwards)) conversation.show_match(false);
  bool escape = result.cancelled;
  const bool free = frame.input.is_focused_below("find") || (!frame.asking && !frame.state.generating);  // else Escape stops the answer
  for (const KeyPress& press : frame.input.shortcuts()) escape = escape || (press.key == Key::escape && free);
  if (cross || escape) close(frame, conversation);
}

}  // namespace foreword::ui

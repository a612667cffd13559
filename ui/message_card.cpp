#include "ui/message_card.h"

#include <utility>

#include "ui/widgets.h"

namespace foreword::ui {
namespace {

// Logical pixels.
constexpr float kNameHeight = 26, kFooterHeight = 34, kBlockGap = 12, kCodePad = 14, kCodeHead = 30;
constexpr float kBubblePadX = 16, kBubblePadY = 10, kBubbleRadius = 16;
constexpr float kBubbleShare = 0.86f;  // of the column, at most
constexpr float kCodeSize = 14, kCodeLineHeight = 1.5f;

bool is_user(const MessageRow& message) { return message.author == Author::user; }

text::Font font_of(const Frame& frame, bool code) {
  return code ? frame.font(text::Style::mono, kCodeSize) : frame.font(text::Style::regular, size::kText);
}

std::string_view part(const MessageRow& message, Range range) {
  return std::string_view(message.text).substr(range.begin, range.end - range.begin);
}

}  // namespace

bool MessageCard::laid_out_for(const MessageRow& message, float width, float scale) const {
  return width == width_ && scale == scale_ && message.revision == revision_ && message.text.size() == text_size_ &&
         message.state == state_;
}

float MessageCard::estimate_height(const Frame& frame, const MessageRow& message, float width) {
  const float per_line = std::max(1.0f, width / (frame.scale * size::kText * 0.5f));
  const float lines = 1 + static_cast<float>(message.text.size()) / per_line;
  const float chrome = is_user(message) ? 2 * kBubblePadY : kNameHeight + kFooterHeight;
  return frame.px(lines * size::kText * size::kLineHeight + chrome);
}

void MessageCard::lay_out(Frame& frame, const MessageRow& message, float width) {
  if (laid_out_for(message, width, frame.scale)) return;
  const bool grown = width == width_ && scale_ == frame.scale && revision_ == message.revision && message.text.size() >= text_size_;
  std::vector<Placed> before = std::exchange(blocks_, {});
  width_ = width;
  scale_ = frame.scale;
  revision_ = message.revision;
  text_size_ = message.text.size();
  state_ = message.state;
  const float room = is_user(message) ? std::round(width * kBubbleShare) - 2 * frame.px(kBubblePadX) : width;
  for (const text::FencedPart& block : text::split_fences(message.text)) {
    const std::size_t i = blocks_.size();
    const float pad = block.code ? 2 * frame.px(kCodePad) : 0;
    Placed placed;
    const bool continues = grown && i < before.size() && before[i].block.code == block.code &&
                           before[i].block.range.begin == block.range.begin && before[i].block.range.end <= block.range.end;
    if (continues) {
      placed = std::move(before[i]);
      const std::size_t old_size = placed.block.range.end - placed.block.range.begin;
      const std::size_t added = block.range.end - placed.block.range.end;
      if (added > 0) placed.layout.edit(frame.canvas.shapes(), {part(message, block.range), {&placed.span, 1}}, old_size, 0, added);
    } else {
      placed.span.font = font_of(frame, block.code);
      placed.layout.set(frame.canvas.shapes(), {part(message, block.range), {&placed.span, 1}}, room - pad);
    }
    placed.block = block;
    blocks_.push_back(std::move(placed));
  }
  place_blocks(frame, message);
}

void MessageCard::place_blocks(Frame& frame, const MessageRow& message) {
  const bool user = is_user(message);
  float widest = 0;
  for (const Placed& placed : blocks_) {
    const bool code = placed.block.code;
    widest = std::max(widest, code ? width_ * kBubbleShare - 2 * frame.px(kBubblePadX) : placed.layout.widest());
  }
  bubble_left_ = std::floor(width_ - widest - 2 * frame.px(kBubblePadX));
  const float left = user ? bubble_left_ + frame.px(kBubblePadX) : 0;
  float y = user ? frame.px(kBubblePadY) : frame.px(kNameHeight);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    Placed& placed = blocks_[i];
    const bool code = placed.block.code;
    if (i > 0) y += frame.px(kBlockGap);
    placed.line_height = code ? frame.px(kCodeSize * kCodeLineHeight) : frame.px(size::kText * size::kLineHeight);
    placed.left = left + (code ? frame.px(kCodePad) : 0);
    placed.top = y + (code ? frame.px(kCodeHead) : 0);
    y = placed.top + static_cast<float>(placed.layout.n_lines()) * placed.line_height + (code ? frame.px(kCodePad) : 0);
  }
  if (blocks_.empty()) y += frame.px(size::kText * size::kLineHeight);
  bubble_bottom_ = y + frame.px(kBubblePadY);
  height_ = user ? bubble_bottom_ : y + frame.px(kFooterHeight);
}

std::size_t MessageCard::offset_at(Frame& frame, const MessageRow& message, Vec point) {
  if (blocks_.empty()) return 0;
  Placed* nearest = &blocks_.front();
  for (Placed& placed : blocks_) {
    if (point.y >= placed.top - frame.px(kBlockGap)) nearest = &placed;
  }
  const float line = (point.y - nearest->top) / nearest->line_height;
  const std::size_t last = nearest->layout.n_lines() - 1;
  if (line < 0) return nearest->block.range.begin;
  if (line >= static_cast<float>(last + 1)) return nearest->block.range.end;
  const std::string_view text = part(message, nearest->block.range);
  return nearest->block.range.begin +
         nearest->layout.offset_at(frame.canvas.shapes(), {text, {&nearest->span, 1}}, std::min(last, static_cast<std::size_t>(line)), point.x - nearest->left);
}

void MessageCard::draw(Frame& frame, const MessageRow& message, const std::string& id, Vec origin, Range selection, bool last) {
  Canvas& canvas = frame.canvas;
  if (is_user(message)) {
    const Rect bubble{origin.x + bubble_left_, origin.y, origin.x + width_, origin.y + bubble_bottom_};
    canvas.fill(bubble, frame.theme.bubble, frame.px(kBubbleRadius));
  } else {
    canvas.text({origin.x, origin.y}, frame.px(20), frame.font(text::Style::bold, size::kSmall), frame.theme.accent,
                message.name.empty() ? std::string_view("Answer") : std::string_view(message.name));
  }
  for (Placed& placed : blocks_) draw_block(frame, message, id, placed, origin, selection);
  if (!is_user(message)) draw_footer(frame, message, id, origin, last);
}

void MessageCard::draw_block(Frame& frame, const MessageRow& message, const std::string& id, Placed& placed, Vec origin,
                             Range selection) {
  Canvas& canvas = frame.canvas;
  const std::string_view text = part(message, placed.block.range);
  const std::size_t base = placed.block.range.begin;
  const Vec top{origin.x + placed.left, origin.y + placed.top};
  const text::StyledText styled{text, {&placed.span, 1}};
  if (placed.block.code) {
    const float pad = frame.px(kCodePad), head = frame.px(kCodeHead);
    const float right = is_user(message) ? origin.x + width_ - frame.px(kBubblePadX) : origin.x + width_;
    const Rect box{top.x - pad, top.y - head, right, top.y + static_cast<float>(placed.layout.n_lines()) * placed.line_height + pad};
    canvas.fill(box, frame.theme.code, frame.px(size::kRadius));
    canvas.stroke(box, frame.theme.line, frame.px(size::kRadius), frame.px(1));
    const std::string_view language = part(message, placed.block.language);
    canvas.text({top.x, box.top + frame.px(3)}, frame.px(24), frame.font(text::Style::medium, size::kSmall - 1), frame.theme.ink_soft,
                language.empty() ? std::string_view("code") : language);
    const Rect button{box.right - frame.px(30), box.top + frame.px(3), box.right - frame.px(4), box.top + frame.px(29)};
    if (icon_button(frame, id + "/code:" + std::to_string(base) + "/copy", "Copy code", Icon::copy, button)) {
      frame.clipboard.write(std::string(text));
    }
  }
  const Rect visible = canvas.clip();
  const float above = (visible.top - top.y) / placed.line_height;
  for (std::size_t i = above > 0 ? static_cast<std::size_t>(above) : 0; i < placed.layout.n_lines(); ++i) {
    const Vec at{top.x, top.y + static_cast<float>(i) * placed.line_height};
    if (at.y >= visible.bottom) break;
    const Range marked{std::max(selection.begin, base) - base, std::max(selection.end, base) - base};
    placed.layout.visit_selected(canvas.shapes(), styled, i, marked, [&](float left, float right) {
      canvas.fill({at.x + left, at.y, at.x + right, at.y + placed.line_height}, frame.theme.selection);
    });
    canvas.line(at, placed.line_height, placed.layout, styled, i, {&frame.theme.ink, 1});
  }
  const bool open_end = message.state == MessageState::streaming && &placed == &blocks_.back();
  if (open_end) {
    const std::size_t i = placed.layout.n_lines() - 1;
    const float x = std::round(top.x + placed.layout.x_of(canvas.shapes(), styled, i, text.size())) + frame.px(3);
    const float y = top.y + static_cast<float>(i) * placed.line_height, inset = std::round(placed.line_height * 0.2f);
    canvas.fill({x, y + inset, x + frame.px(8), y + placed.line_height - inset}, frame.theme.accent.with_alpha(150), frame.px(2));
  }
}

void MessageCard::draw_footer(Frame& frame, const MessageRow& message, const std::string& id, Vec origin, bool last) {
  const float top = origin.y + height_ - frame.px(kFooterHeight) + frame.px(4), button = frame.px(28);
  const text::Font font = frame.font(text::Style::regular, size::kSmall);
  const bool busy = message.state == MessageState::waiting || message.state == MessageState::streaming;
  if (message.state == MessageState::waiting) {
    const std::string_view reason = frame.state.status.activity.empty() ? std::string_view("Waiting for the model\u2026")
                                                                        : std::string_view(frame.state.status.activity);
    frame.canvas.text({origin.x, origin.y + frame.px(kNameHeight)}, frame.px(size::kText * size::kLineHeight),
                      frame.font(text::Style::regular, size::kText), frame.theme.ink_soft, reason);
  }
  if (busy) return;
  float x = origin.x - frame.px(5);
  if (icon_button(frame, id + "/copy", "Copy", Icon::copy, {x, top, x + button, top + button})) frame.clipboard.write(message.text);
  x += button + frame.px(2);
  if (last) {
    const bool ready = frame.state.model.state == ModelState::ready && !frame.state.generating;
    if (icon_button(frame, id + "/regenerate", "Answer again", Icon::retry, {x, top, x + button, top + button}, {.enabled = ready})) {
      frame.send(Regenerate{message.id});
    }
    x += button + frame.px(2);
  }
  static constexpr std::pair<MessageState, std::string_view> kEndings[] = {
      {MessageState::stopped, "Stopped"}, {MessageState::interrupted, "Interrupted"}, {MessageState::failed, "Failed"}};
  std::string line;
  for (const auto& [state, word] : kEndings) {
    if (state == message.state) line = word;
  }
  if (!line.empty() && !message.stats.empty()) line += " \u00b7 ";
  line += message.stats;
  const Color color = message.state == MessageState::failed ? frame.theme.danger : frame.theme.ink_soft;
  frame.canvas.text({x + frame.px(6), top}, button, font, color, line);
}

}  // namespace foreword::ui

#include "ui/message_card.h"

#include <utility>

#include "ui/attachments.h"
#include "ui/chips.h"
#include "ui/document_view.h"
#include "ui/text/copy.h"
#include "ui/text/find.h"
#include "ui/text/markdown.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

// Logical pixels.
constexpr float kThoughtHead = 30, kThoughtIndent = 14, kThoughtGap = 12;
constexpr float kUserFooter = 14;  // its buttons also take some of the gap below
constexpr float kBubblePadX = 16, kBubblePadY = 10, kBubbleRadius = 16;
constexpr float kBubbleShare = 0.86f;  // of the column, at most
constexpr std::size_t kLongWords = 8192;  // longer words of the user take the whole width

bool is_user(const MessageRow& message) { return message.author == Author::user; }

std::string_view thought_label(Frame& frame, const MessageRow& message, bool thinking) {
  if (thinking) return "Thinking\u2026";
  if (message.reasoning_seconds <= 0) return "Thoughts";
  const int seconds = std::max(1, static_cast<int>(std::lround(message.reasoning_seconds)));
  if (seconds < 60) return frame.join("Thought for ", seconds, " s");
  return frame.join("Thought for ", seconds / 60, " min ", seconds % 60, " s");
}

std::string_view part(std::string_view text, Range range) { return text.substr(range.begin, range.end - range.begin); }

/// Where a view of a text lies within it.
Range range_of(std::string_view text, std::string_view view) {
  const auto begin = static_cast<std::size_t>(view.data() - text.data());
  return {begin, begin + view.size()};
}

/// What the user wrote, without the files that came with it.
std::string_view words_of(const MessageRow& message) { return std::string_view(message.text).substr(parts_of(message.text).words.begin); }

std::vector<text::Block> blocks_of(std::string_view source) {
  text::MarkdownStream stream;
  stream.update(source, false);
  return stream.blocks();
}

std::size_t size_of(const std::vector<text::Block>& blocks) {
  std::size_t size = blocks.empty() ? 0 : blocks.size() - 1;
  for (const text::Block& block : blocks) size += block.text.size();
  return size;
}

}  // namespace

std::string copy_message(const MessageRow& message, Range places, CopyAs as) {
  const std::string_view text = message.text;
  const auto write = as == CopyAs::plain ? text::copy_plain : text::copy_markdown;
  if (is_user(message)) {
    if (places.begin == 0 && places.end == kMessageEnd) return message.text;
    return write(text::parse_plain(words_of(message)), places);
  }
  const AnswerParts parts = split_reasoning(text);
  const auto source = [&](Range range) { return text.substr(range.begin, range.end - range.begin); };
  if (!parts.reasoning.empty()) {
    const auto thoughts = blocks_of(source(parts.reasoning));
    const std::size_t size = size_of(thoughts) + 1;
    if (places.end < size) return write(thoughts, places);
    places.begin -= std::min(places.begin, size);
    if (places.end != kMessageEnd) places.end -= size;
  }
  const auto blocks = blocks_of(source(parts.answer));
  const bool whole = places.begin == 0 && places.end >= size_of(blocks);
  return whole && as == CopyAs::markdown ? std::string(source(parts.answer)) : write(blocks, places);
}

void find_in_message(const MessageRow& message, std::string_view needle, std::vector<Range>& places) {
  const std::string_view text = message.text;
  std::vector<text::Block> blocks;
  std::size_t begin = 0;
  if (is_user(message)) {
    blocks = text::parse_plain(words_of(message));
  } else {
    const AnswerParts parts = split_reasoning(text);
    const auto source = [&](Range range) { return text.substr(range.begin, range.end - range.begin); };
    if (!parts.reasoning.empty() || parts.thinking) begin = size_of(blocks_of(source(parts.reasoning))) + 1;
    blocks = blocks_of(source(parts.answer));
  }
  for (const text::Block& block : blocks) {
    const std::size_t first = places.size();
    text::find_all(block.text, needle, places);
    for (std::size_t i = first; i < places.size(); ++i) places[i] = {places[i].begin + begin, places[i].end + begin};
    begin += block.text.size() + 1;
  }
}

bool MessageCard::laid_out_for(const MessageRow& message, float width, float scale) const {
  return width == width_ && scale == scale_ && message.revision == revision_ && message.text.size() == text_size_ &&
         message.state == state_;
}

float MessageCard::estimate_height(const Frame& frame, const MessageRow& message, float width) {
  const float per_line = std::max(1.0f, width / (frame.scale * size::kText * 0.5f));
  const float lines = 1 + static_cast<float>(message.text.size()) / per_line;
  const float chrome = is_user(message) ? 2 * kBubblePadY + kUserFooter : kNameHeight + kFooterHeight;
  return frame.px(lines * size::kText * size::kLineHeight + chrome);
}

void MessageCard::update(Frame& frame, Part& part, std::string_view text, Range source, bool grown, const text::Sheet& sheet, float width) {
  const std::string_view fresh = text.substr(source.begin, source.end - source.begin);
  const bool continues = grown && source.begin == part.source.begin && source.end >= part.source.end;
  part.source = source;
  std::size_t first_changed = 0, n_same = 0;
  if (part.user) {
    part.plain = text::parse_plain(fresh);
  } else {
    part.stream.update(fresh, continues);
    first_changed = part.stream.first_changed();
    n_same = part.stream.n_same_bytes();
  }
  part.boxes.lay_out(frame.canvas.shapes(), part.blocks(), first_changed, n_same, sheet, width);
}

void MessageCard::lay_out(Frame& frame, const MessageRow& message, float width) {
  if (laid_out_for(message, width, frame.scale)) return;
  const bool grown = revision_ == message.revision && message.text.size() >= text_size_ && text_size_ > 0;
  width_ = width;
  scale_ = frame.scale;
  revision_ = message.revision;
  text_size_ = message.text.size();
  state_ = message.state;
  const bool user = answer_.user = is_user(message);
  const MessageParts said = user ? parts_of(message.text) : MessageParts{};
  const AnswerParts parts = user ? AnswerParts{{}, said.words, false} : split_reasoning(message.text);
  files_.clear();
  for (const MessageParts::File& file : said.files) files_.push_back({range_of(message.text, file.name), range_of(message.text, file.text)});
  has_reasoning_ = !parts.reasoning.empty() || parts.thinking;
  thinking_ = parts.thinking && message.state == MessageState::streaming;
  const float room = user ? std::round(width * kBubbleShare) - 2 * frame.px(kBubblePadX) : width;
  if (has_reasoning_) {
    update(frame, reasoning_, message.text, parts.reasoning, grown, sheet_of(frame, true), room - frame.px(kThoughtIndent));
  }
  update(frame, answer_, message.text, parts.answer, grown, sheet_of(frame, false), room);
  if (user && said.words.end - said.words.begin <= kLongWords) {  // the bubble is as wide as what is in it
    const float widest = std::max(std::ceil(answer_.boxes.widest()) + 1, std::min(room, files_width(frame, message)));
    if (widest < room) answer_.boxes.lay_out(frame.canvas.shapes(), answer_.blocks(), 0, 0, sheet_of(frame, false), widest);
  }
  place_parts(frame, message);
}

void MessageCard::place_parts(Frame& frame, const MessageRow& message) {
  if (is_user(message)) {
    const float room = std::round(width_ * kBubbleShare) - 2 * frame.px(kBubblePadX), files = std::min(room, files_width(frame, message));
    const float widest = answer_.source.end - answer_.source.begin <= kLongWords ? std::max(answer_.boxes.widest(), files) : room;
    bubble_left_ = std::floor(width_ - widest - 2 * frame.px(kBubblePadX));
    const float chips = static_cast<float>(files_.size()) * frame.px(kChipHeight + kChipGap), line = frame.px(size::kText * size::kLineHeight);
    answer_.top = {bubble_left_ + frame.px(kBubblePadX), frame.px(kBubblePadY) + chips};
    const float words = answer_.blocks().empty() && !files_.empty() ? -frame.px(kChipGap) : std::max(answer_.boxes.height(), line);
    bubble_bottom_ = answer_.top.y + words + frame.px(kBubblePadY);
    height_ = bubble_bottom_ + frame.px(kUserFooter);
    return;
  }
  float y = frame.px(kNameHeight);
  if (has_reasoning_) {
    y += frame.px(kThoughtHead);
    reasoning_.top = {frame.px(kThoughtIndent), y + frame.px(2)};
    if (unfolded_) y = reasoning_.top.y + reasoning_.boxes.height();
    y += frame.px(kThoughtGap) * (unfolded_ ? 1.0f : 0.35f);
  }
  answer_.top = {0, std::round(y)};
  const float empty = has_reasoning_ ? 0 : frame.px(size::kText * size::kLineHeight);
  height_ = answer_.top.y + std::max(answer_.boxes.height(), empty) + frame.px(kFooterHeight);
}

std::size_t MessageCard::place_at(Frame& frame, Vec point) {
  text::ShapeCache& shapes = frame.canvas.shapes();
  if (has_reasoning_ && unfolded_ && point.y < answer_.top.y - frame.px(kThoughtGap) / 2) {
    return reasoning_.boxes.place_at(shapes, reasoning_.blocks(), point.x - reasoning_.top.x, point.y - reasoning_.top.y);
  }
  return answer_begin() + answer_.boxes.place_at(shapes, answer_.blocks(), point.x - answer_.top.x, point.y - answer_.top.y);
}

std::pair<const MessageCard::Part*, std::size_t> MessageCard::part_of(std::size_t place) const {
  if (has_reasoning_ && place < answer_begin()) return {&reasoning_, place};
  return {&answer_, place - answer_begin()};
}

Range MessageCard::block_range(std::size_t place, Range (*find)(std::string_view, std::size_t)) const {
  const auto [part, within] = part_of(place);
  if (part->blocks().empty()) return {place, place};
  const std::size_t i = part->boxes.block_of(within), begin = part->boxes.boxes()[i].begin;
  const Range found = find(part->blocks()[i].text, within - begin);
  const std::size_t base = place - within + begin;
  return {base + found.begin, base + found.end};
}

Range MessageCard::word_at(std::size_t place) const { return block_range(place, text::word_at); }
Range MessageCard::paragraph_at(std::size_t place) const { return block_range(place, text::paragraph_at); }

std::optional<std::size_t> MessageCard::beside(std::size_t place, bool forwards, bool by_word) const {
  place = std::min(place, last_place());
  if (forwards ? place == last_place() : place == 0) return std::nullopt;
  const auto [part, within] = part_of(place);
  if (part->blocks().empty()) return forwards ? place + 1 : place - 1;
  const std::size_t i = part->boxes.block_of(within), offset = within - part->boxes.boxes()[i].begin;
  const std::string& text = part->blocks()[i].text;
  if (forwards && offset >= text.size()) return place + 1;  // to the next block
  if (!forwards && offset == 0) return place - 1;
  const std::size_t next = forwards ? (by_word ? text::next_word(text, offset) : text::next_cluster(text, offset))
                                    : (by_word ? text::previous_word(text, offset) : text::previous_cluster(text, offset));
  return place - offset + next;
}

text::Boxes::Spot MessageCard::spot_of(Frame& frame, std::size_t place) {
  place = std::min(place, last_place());
  const bool thought = has_reasoning_ && place < answer_begin();
  Part& part = thought ? reasoning_ : answer_;
  text::Boxes::Spot spot = part.boxes.spot_of(frame.canvas.shapes(), part.blocks(), thought ? place : place - answer_begin());
  spot.x += part.top.x;
  spot.y += part.top.y;
  return spot;
}

bool MessageCard::scroll_sideways(Vec point, float dx) {
  Part& part = has_reasoning_ && point.y < answer_.top.y ? reasoning_ : answer_;
  return ui::scroll_sideways(part.boxes, width_ - part.top.x, point.y - part.top.y, dx);
}

bool MessageCard::draw(Frame& frame, const MessageRow& message, std::string_view id, Vec origin, const Marks& marks, bool last) {
  const Range selection = marks.selection;
  Canvas& canvas = frame.canvas;
  const bool user = is_user(message);
  const std::string_view author = user ? std::string_view("You") : message.name.empty() ? std::string_view("Answer") : std::string_view(message.name);
  frame.input.add({.id = id, .role = ItemRole::note, .label = author, .rect = Rect{origin.x, origin.y, origin.x + width_, origin.y + height_}.intersect(canvas.clip()), .focusable = false, .message = message.id});
  if (user) {
    const Rect bubble{origin.x + bubble_left_, origin.y, origin.x + width_, origin.y + bubble_bottom_};
    canvas.fill(bubble, frame.theme.bubble, frame.px(kBubbleRadius));
    if (!files_.empty()) draw_files(frame, message, id, origin);
  } else {
    canvas.text_cut({origin.x, origin.y}, frame.px(20), width_, frame.font(text::Style::bold, size::kSmall), frame.theme.accent, author);
  }
  const bool folding = has_reasoning_ && draw_reasoning(frame, message, id, origin, selection);
  const std::size_t begin = answer_begin();
  const float room = user ? width_ - answer_.top.x - frame.px(kBubblePadX) : width_;
  const bool growing = message.state == MessageState::streaming && !thinking_;
  draw_document(frame, answer_.blocks(), answer_.boxes,
                {.id = id, .origin = {origin.x + answer_.top.x, origin.y + answer_.top.y}, .room = room,
                 .selection = {std::max(selection.begin, begin) - begin, std::max(selection.end, begin) - begin}, .growing = growing,
                 .found = marks.found, .found_here = marks.found_here, .first_place = begin});
  draw_footer(frame, message, id, origin, last);
  if (folding) unfolded_ = !unfolded_, place_parts(frame, message);
  return folding;
}

text::Boxes::Moved MessageCard::prepare(Frame& frame, const MessageRow& message, float top, float bottom, float anchor) {
  text::ShapeCache& shapes = frame.canvas.shapes();
  text::Boxes::Moved moved;
  if (has_reasoning_ && unfolded_) {
    moved = reasoning_.boxes.prepare(shapes, reasoning_.blocks(), top - reasoning_.top.y, bottom - reasoning_.top.y,
                                     anchor - reasoning_.top.y);
    if (moved.any) place_parts(frame, message);
    top += moved.above;
    bottom += moved.above;
    anchor += moved.above;
  }
  const text::Boxes::Moved answer = answer_.boxes.prepare(shapes, answer_.blocks(), top - answer_.top.y, bottom - answer_.top.y,
                                                            anchor - answer_.top.y);
  if (answer.any) place_parts(frame, message);
  return {moved.any || answer.any, moved.above + answer.above};
}

/// The head of what the model thought, and below it the thoughts if they are unfolded. True: the head was pressed.
bool MessageCard::draw_reasoning(Frame& frame, const MessageRow& message, std::string_view id, Vec origin, Range selection) {
  Canvas& canvas = frame.canvas;
  const std::string_view head = frame.join(id, "/thoughts"), label = thought_label(frame, message, thinking_);
  const text::Font font = frame.font(text::Style::medium, size::kSmall);
  const float top = origin.y + frame.px(kNameHeight) - frame.px(2), height = frame.px(26), width = canvas.width(font, label);
  const Rect rect{origin.x - frame.px(6), top, origin.x + width + frame.px(26), top + height};
  frame.input.add({.id = head, .role = ItemRole::button, .label = frame.join(label, unfolded_ ? ", unfolded" : ", folded"),
                   .rect = rect.intersect(canvas.clip()), .selected = unfolded_});
  const bool hot = frame.input.hovered(head);
  if (hot) canvas.fill(rect, frame.theme.hover, frame.px(6));
  canvas.text({origin.x, top}, height, font, hot ? frame.theme.ink : frame.theme.ink_soft, label);
  const Vec arrow{origin.x + width + frame.px(13), rect.center().y + frame.px(1)};
  canvas.icon(unfolded_ ? Icon::chevron_down : Icon::chevron_right, arrow, frame.px(14), frame.theme.ink_soft);
  focus_ring(frame, head, rect, frame.px(6));
  if (unfolded_) {
    const Vec at{origin.x + reasoning_.top.x, origin.y + reasoning_.top.y};
    canvas.fill({origin.x, at.y, origin.x + frame.px(2), at.y + reasoning_.boxes.height()}, frame.theme.line, frame.px(1));
    const std::size_t end = answer_begin() - 1;
    draw_document(frame, reasoning_.blocks(), reasoning_.boxes,
                  {.id = head, .origin = at, .room = width_ - reasoning_.top.x,
                   .selection = {std::min(selection.begin, end), std::min(selection.end, end)}, .growing = thinking_});
  }
  return frame.input.activated(head);
}

float MessageCard::files_width(Frame& frame, const MessageRow& message) const {
  float widest = 0;
  for (const FileRange& file : files_) {
    const std::string_view text = part(message.text, file.text);
    widest = std::max(widest, chip_width(frame, part(message.text, file.name), text_size_words(frame, text), false));
  }
  return widest;
}

void MessageCard::draw_files(Frame& frame, const MessageRow& message, std::string_view id, Vec origin) {
  const float left = origin.x + bubble_left_ + frame.px(kBubblePadX), room = width_ - bubble_left_ - 2 * frame.px(kBubblePadX);
  Rect rect{left, origin.y + frame.px(kBubblePadY), 0, 0};
  std::size_t n = 0;
  for (const FileRange& file : files_) {
    const std::string_view name = part(message.text, file.name), text = part(message.text, file.text), size = text_size_words(frame, text);
    rect.right = left + std::min(room, chip_width(frame, name, size, false));
    rect.bottom = rect.top + frame.px(kChipHeight);
    if (draw_chip(frame, frame.join(id, "/file:", n++), name, size, rect, false) == ChipPress::open) frame.clipboard.write(std::string(text));
    rect.top = rect.bottom + frame.px(kChipGap);
  }
}

}  // namespace foreword::ui

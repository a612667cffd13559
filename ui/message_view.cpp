#include "ui/message_view.h"

#include <algorithm>

#include "ui/context_panel.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kGap = 22, kMargin = 28, kPadTop = 20, kPadBottom = 12, kCutLine = 44;  // logical
constexpr int kRounds = 6;  // of laying out what guessed heights had hidden

}  // namespace

void MessageView::sync(Frame& frame, float width) {
  const auto& messages = frame.state.messages;
  if (chat_ != frame.state.current_chat) {
    // A chat that was just stored keeps its messages; another one starts at its end.
    const bool same = !entries_.empty() && !messages.empty() && entries_.front().id == messages.front().id;
    chat_ = frame.state.current_chat;
    if (!same) entries_.clear(), following_ = true, selecting_ = false, n_clicks_ = 0;
  }
  const bool resized = width != width_ || scale_ != frame.scale;
  width_ = width;
  scale_ = frame.scale;
  std::size_t first_changed = messages.size();
  if (entries_.size() != messages.size()) {
    first_changed = std::min(entries_.size(), messages.size());
    entries_.resize(messages.size());
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    Entry& entry = entries_[i];
    const bool other = entry.id != messages[i].id || entry.height == 0;
    if (other) entry = Entry{}, entry.id = messages[i].id;
    const float lead = cut_lead(frame, i);
    if (entry.lead != lead) {
      if (i == anchor_) anchor_offset_ = std::max(0.0f, anchor_offset_ + lead - entry.lead);
      entry.height += lead - entry.lead;
      entry.lead = lead;
      first_changed = std::min(first_changed, i);
    }
    if (!other && !resized && (!entry.exact || entry.card.laid_out_for(messages[i], width, frame.scale))) continue;
    const bool growing = entry.exact && !resized;
    if (growing) {
      lay_out(frame, i);
    } else {
      entry.exact = false;
      entry.height = MessageCard::estimate_height(frame, messages[i], width) + frame.px(kGap) + entry.lead;
    }
    first_changed = std::min(first_changed, i);
  }
  if (std::max(from_.message, to_.message) >= messages.size()) selecting_ = false, n_clicks_ = 0, from_ = to_ = {};
  if (tops_.size() != messages.size() + 1 || first_changed < messages.size()) update_tops(std::min(first_changed, tops_.empty() ? 0 : tops_.size() - 1));
  if (anchor_ >= entries_.size()) anchor_ = entries_.empty() ? 0 : entries_.size() - 1, anchor_offset_ = 0;
}

void MessageView::lay_out(Frame& frame, std::size_t i) {
  Entry& entry = entries_[i];
  entry.card.lay_out(frame, frame.state.messages[i], width_);
  entry.height = entry.card.height() + frame.px(kGap) + entry.lead;
  entry.exact = true;
}

void MessageView::update_tops(std::size_t from) {
  tops_.resize(entries_.size() + 1);
  tops_[0] = 0;
  for (std::size_t i = from; i < entries_.size(); ++i) tops_[i + 1] = tops_[i] + entries_[i].height;
}

float MessageView::scroll() const { return entries_.empty() ? 0 : tops_[anchor_] + anchor_offset_; }

void MessageView::set_scroll(float scroll, float view_height) {
  scroll = std::clamp(scroll, 0.0f, std::max(0.0f, tops_.back() - view_height));
  if (entries_.empty()) return;
  const auto after = std::upper_bound(tops_.begin(), tops_.end() - 1, scroll);
  anchor_ = static_cast<std::size_t>(after - tops_.begin()) - 1;
  anchor_offset_ = scroll - tops_[anchor_];
}

/// Lays out what will be visible after moving by `moved` pixels, from the anchor outwards, and then moves: corrected
/// heights never shift what is on screen.
void MessageView::settle(Frame& frame, float view_height, float moved) {
  if (entries_.empty()) return;
  const std::size_t n = entries_.size();
  std::size_t first_changed = n;
  const auto exact_height = [&](std::size_t i) {
    if (!entries_[i].exact) lay_out(frame, i), first_changed = std::min(first_changed, i);
    return entries_[i].height;
  };
  if (following_) {
    float covered = 0;
    for (std::size_t i = n; i-- > 0 && covered < view_height;) covered += exact_height(i);
    update_tops(std::min(first_changed, n));
    set_scroll(tops_.back() - view_height, view_height);
    for (int round = 0; round < kRounds && prepare_visible(frame, view_height, 0); ++round) set_scroll(tops_.back() - view_height, view_height);
    return;
  }
  float above = moved < 0 ? -moved : 0;
  for (std::size_t i = anchor_; i-- > 0 && above > 0;) above -= exact_height(i);
  float below = view_height + anchor_offset_ + std::max(0.0f, moved);
  for (std::size_t i = anchor_; i < n && below > 0; ++i) below -= exact_height(i);
  // At the end of the text the view shows more above the anchor than planned.
  for (std::size_t i = anchor_; i-- > 0 && below > 0;) below -= exact_height(i);
  update_tops(std::min(first_changed, n));
  const float near = std::clamp(moved, -2 * view_height, 2 * view_height);  // farther away nothing stays on screen
  for (int round = 0; round < kRounds && prepare_visible(frame, view_height, near); ++round) {
  }
  set_scroll(scroll() + moved, view_height);
  for (int round = 0; round < kRounds && prepare_visible(frame, view_height, 0); ++round) {
  }
  if (moved > 0 && scroll() >= tops_.back() - view_height - 1 && !selecting_) following_ = true;
}

/// Lays out what will be visible of long messages after moving by `moved` pixels. What is on screen stays where it is:
/// heights that turn out above it are scrolled by. False: nothing had to be moved.
bool MessageView::prepare_visible(Frame& frame, float view_height, float moved) {
  bool any = false;
  const float pad = frame.px(kPadTop), from = scroll() + std::min(0.0f, moved) - pad;
  const auto after = std::upper_bound(tops_.begin(), tops_.end() - 1, std::max(0.0f, from));
  std::size_t i = after == tops_.begin() ? 0 : static_cast<std::size_t>(after - tops_.begin()) - 1;
  for (; i < entries_.size() && tops_[i] < scroll() + view_height + std::max(0.0f, moved) + pad; ++i) {
    if (!entries_[i].exact) continue;
    const float anchor = scroll() - card_top(i), top = anchor + std::min(0.0f, moved) - pad, bottom = anchor + view_height + std::max(0.0f, moved) + pad;
    const text::Boxes::Moved change = entries_[i].card.prepare(frame, frame.state.messages[i], top, bottom, anchor);
    if (!change.any) continue;
    any = true;
    entries_[i].height = entries_[i].card.height() + frame.px(kGap) + entries_[i].lead;
    if (i == anchor_) anchor_offset_ = std::max(0.0f, anchor_offset_ + change.above);
    update_tops(i);
  }
  return any;
}

MessageView::Place MessageView::place_at(Frame& frame, Vec point) {
  if (entries_.empty()) return {};
  const float y = point.y - column_.top;
  const auto after = std::upper_bound(tops_.begin(), tops_.end() - 1, y);
  const std::size_t i = after == tops_.begin() ? 0 : static_cast<std::size_t>(after - tops_.begin()) - 1;
  if (!entries_[i].exact) return {i, 0};
  return {i, entries_[i].card.place_at(frame, {point.x - column_.left, y - card_top(i)})};
}

void MessageView::look_for(std::string_view query) {
  if (query == finder_.query()) return;
  finder_.look_for(query);
  match_shown_ = query.empty();
}

void MessageView::look_from(std::int64_t message, std::string_view query) {
  finder_.look_for("");
  look_for(query);
  from_message_ = message;
}

void MessageView::show_match(bool forwards) {
  finder_.step(forwards);
  match_shown_ = finder_.current() == nullptr;
}

/// Reads on, and brings the current match into the view once.
void MessageView::find(Frame& frame, Rect view) {
  const auto wanted = std::ranges::find(entries_, from_message_, &Entry::id);
  const bool leads = from_message_ != 0 && wanted != entries_.end();
  const std::size_t from = leads ? static_cast<std::size_t>(wanted - entries_.begin()) : anchor_;
  if (leads) following_ = false, show_place(frame, {from, 0}, view), see_all(frame.state.messages);
  finder_done_ = finder_.advance(frame.state.messages, from);
  if (finder_done_ || finder_.current() != nullptr) from_message_ = 0;
  if (!finder_done_) frame.wake(frame.now);
  const MessageFinder::Match* match = finder_.current();
  if (match_shown_ || match == nullptr || match->message >= entries_.size()) return;
  match_shown_ = true;
  show_place(frame, {match->message, match->places.begin}, view);
}

/// If it is not in sight, a third of the view stays above it.
void MessageView::show_place(Frame& frame, Place place, Rect view) {
  if (!entries_[place.message].exact) {
    lay_out(frame, place.message);
    update_tops(place.message);
  }
  const text::Boxes::Spot spot = entries_[place.message].card.spot_of(frame, place.offset);
  const float y = card_top(place.message) + spot.y - scroll();
  if (y >= 0 && y + spot.line_height <= view.height()) return;
  following_ = false;
  set_scroll(card_top(place.message) + spot.y - std::round(view.height() / 3), view.height());
}

Marks MessageView::marks_of(std::size_t message) const {
  const MessageFinder::Match* match = finder_.current();
  return {selection_in(message), finder_.matches_in(message), match != nullptr && match->message == message ? match->places : Range{}};
}

void MessageView::draw(Frame& frame, Rect area) {
  Canvas& canvas = frame.canvas;
  const float margin = frame.px(kMargin);
  const float width = std::min(frame.px(size::kMeasure), area.width() - 2 * margin);
  if (width < frame.px(40)) return;
  sync(frame, width);
  frame.input.add({.id = kId, .role = ItemRole::document, .label = "Conversation", .rect = area});
  const Rect view{area.left, area.top + frame.px(kPadTop), area.right, area.bottom - frame.px(kPadBottom)};
  float moved = 0;
  handle_input(frame, view, moved);
  if (moved < 0) following_ = false;
  find(frame, view);
  settle(frame, view.height(), moved);
  const float content = tops_.back();
  const float dragged = scroll_bar(frame, "messages/scroll", view, content, scroll());
  if (frame.input.pressed("messages/scroll")) {
    following_ = dragged >= content - view.height() - 1;
    set_scroll(dragged, view.height());
    settle(frame, view.height(), 0);
  }
  column_ = {std::round((area.left + area.right - width) / 2), view.top - std::round(scroll()), 0, 0};
  canvas.push_clip(area);
  std::size_t first_changed = entries_.size();
  const float top = std::round(scroll()) - frame.px(kPadTop);
  const auto after = std::upper_bound(tops_.begin(), tops_.end() - 1, std::max(0.0f, top));
  for (std::size_t i = after == tops_.begin() ? 0 : static_cast<std::size_t>(after - tops_.begin()) - 1; i < entries_.size(); ++i) {
    const Vec origin{column_.left, std::round(column_.top + card_top(i))};
    if (origin.y - entries_[i].lead >= area.bottom) break;
    if (entries_[i].lead > 0) draw_cut_line(frame, {origin.x, origin.y - entries_[i].lead, origin.x + width, origin.y});
    if (!entries_[i].exact) lay_out(frame, i), first_changed = std::min(first_changed, i);  // a sliver within the padding
    const std::string_view id = frame.join(kId, "/", entries_[i].id);
    if (entries_[i].card.draw(frame, frame.state.messages[i], id, origin, marks_of(i), i + 1 == entries_.size())) {
      entries_[i].height = entries_[i].card.height() + frame.px(kGap) + entries_[i].lead;
      first_changed = std::min(first_changed, i);
    }
  }
  canvas.pop_clip();
  if (first_changed < entries_.size()) {  // drawn in their new places at once
    update_tops(first_changed);
    frame.wake(frame.now);
  }
  draw_end_button(frame, area);
}

float MessageView::cut_lead(const Frame& frame, std::size_t i) const {
  const std::int64_t kept = frame.state.context.first_kept;
  return kept != 0 && frame.state.messages[i].id == kept ? frame.px(kCutLine) : 0;
}

/// Between what is left out and what the model reads, with a way to the choices.
void MessageView::draw_cut_line(Frame& frame, Rect rect) {
  Canvas& canvas = frame.canvas;
  const std::string_view words = cut_line_words(frame, frame.state.context);
  const text::Font font = frame.font(text::Style::medium, size::kSmall);
  const Color color = frame.state.context.blocked ? frame.theme.danger : frame.theme.accent;
  const float height = frame.px(26), y = std::round(rect.top + frame.px(11)), gap = frame.px(10), button = text_button_width(frame, "Change\u2026");
  const float width = std::min(std::ceil(canvas.width(font, words)), rect.width() - button - 2 * gap);
  const float left = std::round(rect.center().x - (width + gap + button) / 2);
  canvas.fill({rect.left, y - frame.px(1), rect.right, y}, color);
  const Rect box{left - gap, y - height / 2, left + width + gap + button, y + height / 2};
  canvas.fill(box, frame.theme.page);
  canvas.text_cut({left, box.top}, height, width + 1, font, color, words);
  if (text_button(frame, "messages/cut", "Change\u2026", {left + width + gap, box.top, box.right, box.bottom}, ButtonLook::plain)) frame.context_asked = true;
}

bool MessageView::at_end(const Frame& frame, float view_height) const {
  return following_ || scroll() >= tops_.back() - view_height - frame.px(40);
}

/// What is there now is not new to the reader.
void MessageView::see_all(const std::vector<MessageRow>& messages) {
  seen_messages_ = messages.size();
  seen_bytes_ = messages.empty() ? 0 : messages.back().text.size();
}

/// Leads back to the end; says so if something has come since the reader left it.
void MessageView::draw_end_button(Frame& frame, Rect area) {
  const auto& messages = frame.state.messages;
  if (at_end(frame, area.height() - frame.px(kPadTop) - frame.px(kPadBottom))) return see_all(messages);
  static constexpr std::string_view kNew = "New text below";
  const bool fresh = messages.size() > seen_messages_ || (messages.size() == seen_messages_ && !messages.empty() && messages.back().text.size() > seen_bytes_);
  const text::Font font = frame.font(text::Style::medium, size::kSmall);
  const float words = fresh ? std::ceil(frame.canvas.width(font, kNew)) + frame.px(12) : 0;
  const float radius = frame.px(17), half = radius + words / 2, x = std::round(area.center().x), y = area.bottom - frame.px(26);
  const Rect rect{x - half, y - radius, x + half, y + radius};
  const bool hot = frame.input.hovered("messages/end");
  frame.input.add({.id = "messages/end", .role = ItemRole::button, .label = fresh ? "New text below; go there (End)" : "Go to the newest text (End)", .rect = rect, .tip = true});
  frame.canvas.shadow(rect, radius, frame.px(6));
  frame.canvas.fill(rect, hot ? frame.theme.hover : frame.theme.raised, radius);
  frame.canvas.stroke(rect, fresh ? frame.theme.accent : frame.theme.line, radius, frame.px(1));
  if (fresh) frame.canvas.text({rect.left + frame.px(15), rect.top}, rect.height(), font, frame.theme.accent, kNew);
  frame.canvas.icon(Icon::arrow_down, {rect.right - radius, y}, frame.px(18), fresh ? frame.theme.accent : frame.theme.ink);
  focus_ring(frame, "messages/end", rect, radius);
  if (frame.input.activated("messages/end")) go_to_end();
}

}  // namespace foreword::ui

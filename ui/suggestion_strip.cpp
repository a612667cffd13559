// The suggester's row under the text: the alternatives with their numbers and the keys that take them, or what can be done
// about suggestions that are not wanted.

#include <algorithm>
#include <array>

#include "ui/commands.h"
#include "ui/suggester.h"
#include "ui/widgets.h"

namespace foreword::ui {
namespace {

constexpr float kChip = 26, kGap = 6, kPad = 8, kLeastChip = 64;  // logical

struct Hint {
  std::string_view keys, words;
};
constexpr std::array<Hint, 2> kAll{{{"Tab", "accept"}, {"Ctrl+\u2192", "one word"}}};
constexpr std::array<Hint, 1> kByWord{{{"Tab", "next word"}}};
constexpr Hint kMore{"Alt+\u2193", "more"};

/// A key as a cap and what it does, ending at `right`; where it begins.
float draw_hint(Frame& frame, const Hint& hint, Rect row, float right, float opacity) {
  Canvas& canvas = frame.canvas;
  const text::Font font = frame.font(text::Style::regular, size::kSmall - 1);
  const float words = std::ceil(canvas.width(font, hint.words)), keys = std::ceil(canvas.width(font, hint.keys)), pad = frame.px(5);
  const float left = right - words - frame.px(5) - keys - 2 * pad, height = frame.px(19), top = std::round(row.center().y - height / 2);
  canvas.fill({left, top, left + keys + 2 * pad, top + height}, frame.theme.chip.faded(opacity), frame.px(4));
  canvas.text({left + pad, top}, height, font, frame.theme.ink_soft.faded(opacity), hint.keys);
  canvas.text({right - words, row.top}, row.height(), font, frame.theme.ink_soft.faded(opacity), hint.words);
  return left;
}

}  // namespace

void Suggester::draw_strip(Frame& frame, Rect rect, bool empty) {
  if (!ghost().empty()) {
    frame.input.add({.id = "composer/ghost", .role = ItemRole::note, .label = ghost(), .rect = ghost_place_.empty() ? rect : ghost_place_,
                     .selected = advisor_->view().announce, .focusable = false});
    return draw_drafts(frame, rect);
  }
  if (offers_ || advisor_->view().hint == autocomplete::Hint::offer_silence) return draw_offer(frame, rect);
  const bool asleep = now_ < snoozed_until_;
  if (!asleep && (!empty || frame.state.suggestions.busy)) return;
  if (asleep) frame.wake(snoozed_until_ / 1000);
  frame.canvas.text_cut({rect.left + frame.px(4), rect.top}, rect.height(), rect.width(), frame.font(text::Style::regular, size::kSmall - 1), frame.theme.ink_soft,
                        asleep ? "No suggestions for a while; Alt+\u2193 asks for one." : "Suggests words as you write; Tab accepts them.");
}

/// Suggestions were rejected again and again, or Escape asked for it.
void Suggester::draw_offer(Frame& frame, Rect rect) {
  static constexpr std::string_view kSnooze = "Not for 10 minutes", kTurnOff = "Turn off";
  const float height = frame.px(28), top = std::round(rect.center().y - height / 2), gap = frame.px(kGap);
  const float snooze = text_button_width(frame, kSnooze), off = text_button_width(frame, kTurnOff), side = frame.px(24);
  const text::Font font = frame.font(text::Style::regular, size::kSmall);
  static constexpr std::string_view kLabel = "Suggestions:";
  float x = rect.left + frame.px(4);
  frame.canvas.text({x, rect.top}, rect.height(), font, frame.theme.ink_soft, kLabel);
  x += std::ceil(frame.canvas.width(font, kLabel)) + frame.px(10);
  const bool snoozed = text_button(frame, "composer/snooze", kSnooze, {x, top, x + snooze, top + height}, ButtonLook::plain);
  x += snooze + gap;
  const bool switched_off = text_button(frame, "composer/off", kTurnOff, {x, top, x + off, top + height}, ButtonLook::plain);
  x += off + gap;
  if (offers_) {
    const float cross = std::round(rect.center().y - side / 2);
    if (icon_button(frame, "composer/keep", "Go on suggesting (Esc)", Icon::cross, {x, cross, x + side, cross + side})) offers_ = false;
  }
  if (!snoozed && !switched_off) return;
  offers_ = false;
  frame.input.focus("composer/text");
  if (snoozed) {
    snoozed_until_ = now_ + autocomplete::tuned("snooze");
    return advisor_->snooze(autocomplete::tuned("snooze"), now_);
  }
  frame.send(ChangeSetting{kSuggestionsSetting, kOff});
}

/// Keys at the right, as far as there is room; where they begin.
float Suggester::draw_keys(Frame& frame, Rect rect) {
  const bool by_word = frame.state.suggestions.settings.tab_accepts_word;
  const bool alone = advisor_->view().drafts.size() < 2;
  float right = rect.right;
  const auto add = [&](const Hint& hint) {
    if (right - rect.left > rect.width() * (alone ? 0.5f : 0.9f)) right = draw_hint(frame, hint, rect, right, opacity_) - frame.px(10);
  };
  if (advisor_->view().more_on_demand) add(kMore);
  if (by_word) {
    for (const Hint& hint : kByWord) add(hint);
  } else {
    for (std::size_t i = alone ? kAll.size() : 1; i > 0; --i) add(kAll[i - 1]);
  }
  return right;
}

void Suggester::draw_drafts(Frame& frame, Rect rect) {
  const autocomplete::View& view = advisor_->view();
  const float right = draw_keys(frame, rect), gap = frame.px(kGap);
  // One draft stands in the text alone, unless there was no room for it.
  const std::size_t n = view.drafts.size() > 1 || ghost_place_.empty() ? view.drafts.size() : 0;
  const text::Font font = frame.font(text::Style::regular, size::kSmall), bold = frame.font(text::Style::medium, size::kSmall);
  float x = rect.left;
  for (std::size_t i = 0; i < n; ++i) {
    std::string_view words = view.drafts[i];
    words.remove_prefix(std::min(words.find_first_not_of(' '), words.size()));
    const float number = std::ceil(frame.canvas.width(bold, "0")) + frame.px(6), all = std::ceil(frame.canvas.width(font, words)) + number + 2 * frame.px(kPad);
    const auto left_over = static_cast<float>(n - i);
    const float share = (right - x - (left_over - 1) * gap) / left_over;
    const float width = std::min(all + 1, share);
    if (width < frame.px(kLeastChip) && width < all) break;
    const float height = frame.px(kChip), top = std::round(rect.center().y - height / 2);
    draw_draft(frame, i, words, {x, top, x + width, top + height});
    x += width + gap;
  }
}

void Suggester::draw_draft(Frame& frame, std::size_t index, std::string_view words, Rect rect) {
  Canvas& canvas = frame.canvas;
  const std::string_view number = frame.join(index + 1), id = frame.join("composer/strip:", number);
  const bool chosen = index == advisor_->view().chosen;
  frame.input.add({.id = id, .role = ItemRole::button, .label = frame.join("Suggestion ", number, " (Alt+", number, "): ", words), .rect = rect,
                   .selected = chosen, .focusable = false});
  const float radius = frame.px(6), pad = frame.px(kPad);
  if (chosen) canvas.fill(rect, frame.theme.chosen.faded(opacity_), radius);
  if (!chosen && frame.input.hovered(id)) canvas.fill(rect, frame.theme.hover.faded(opacity_), radius);
  canvas.stroke(rect, (chosen ? frame.theme.border_focus : frame.theme.line).faded(opacity_), radius, frame.px(1));
  const text::Font font = frame.font(text::Style::regular, size::kSmall), bold = frame.font(text::Style::medium, size::kSmall);
  const float shift = std::ceil(canvas.width(bold, "0")) + frame.px(6);
  canvas.text({rect.left + pad, rect.top}, rect.height(), bold, frame.theme.accent.faded(opacity_), number);
  canvas.text_cut({rect.left + pad + shift, rect.top}, rect.height(), rect.width() - 2 * pad - shift + 1, font, frame.theme.ink.faded(opacity_), words);
}

}  // namespace foreword::ui

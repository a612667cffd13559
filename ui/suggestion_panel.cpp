#include "ui/suggestion_panel.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "ui/commands.h"
#include "ui/dialog.h"
#include "ui/paragraph.h"
#include "ui/status_line.h"
#include "ui/suggester.h"
#include "ui/widgets.h"

namespace foreword::ui {

using autocomplete::Count;
using autocomplete::Counters;
using autocomplete::Latency;
using autocomplete::Ms;
using autocomplete::Reason;

namespace {

constexpr float kWidth = 560, kLine = 20, kRow = 25, kHeading = 36, kGap = 14, kButton = 34;  // logical
std::string_view about() {
  static const std::string kWords =
      "They are made by the model on this computer; nothing of what you write leaves it. Only the counts below are kept, never any text. Off means that "
      "nothing runs: here, or with " + words_of(command(CommandId::suggestions).keys[0]) + ".";
  return kWords;
}

constexpr std::string_view kListId = "suggestions/list";

std::string number(std::uint64_t value) { return grouped(static_cast<std::int64_t>(value)); }

std::string_view share(Frame& frame, std::uint64_t part, std::uint64_t rest) {
  const std::uint64_t all = part + rest;
  return all == 0 ? "\u2013" : frame.join((100 * part + all / 2) / all, " %");
}

std::uint64_t accepted(const Counters& c) {
  return c[Count::accepted_all] + c[Count::accepted_word] + c[Count::accepted_line] + c[Count::accepted_strip];
}

std::string_view half_and_most(Frame& frame, const Counters& c, Latency kind) {
  const auto words = [&](Ms limit) { return limit <= 0 ? "\u2013" : limit > 1e6 ? "more" : frame.join(static_cast<int>(limit), " ms"); };
  return frame.join(words(latency_at(c, kind, 0.5)), " / ", words(latency_at(c, kind, 0.95)));
}

struct Number {
  const char* section;
  const char* label;
  std::string_view (*value)(Frame&, const Counters&);
};
constexpr Number kNumbers[] = {
    {"Of use", "Shown", [](Frame& f, const Counters& c) { return f.join(number(c[Count::shown])); }},
    {"Of use", "Taken", [](Frame& f, const Counters& c) { return f.join(number(accepted(c))); }},
    {"Of use", "\u2014 whole, a word, a sentence, by number",
     [](Frame& f, const Counters& c) {
       return f.join(number(c[Count::accepted_all]), ", ", number(c[Count::accepted_word]), ", ", number(c[Count::accepted_line]), ", ",
                     number(c[Count::accepted_strip]));
     }},
    {"Of use", "Letters typed that stood there", [](Frame& f, const Counters& c) { return f.join(number(c[Count::typed_through])); }},
    {"Of use", "Passed over after reading", [](Frame& f, const Counters& c) { return f.join(number(c[Count::seen_rejection])); }},
    {"Of use", "Passed over unread", [](Frame& f, const Counters& c) { return f.join(number(c[Count::blind_rejection])); }},
    {"Of use", "Taken back", [](Frame& f, const Counters& c) { return f.join(number(c[Count::accept_undone])); }},
    {"Of use", "Asked for, put to rest", [](Frame& f, const Counters& c) { return f.join(number(c[Count::asked]), ", ", number(c[Count::snoozes])); }},
    {"Of use", "Tab came too early", [](Frame& f, const Counters& c) { return f.join(number(c[Count::tab_too_early])); }},
    {"Speed (half of them below / 95 % below)", "From a key to the first word", [](Frame& f, const Counters& c) { return half_and_most(f, c, Latency::key_to_first_word); }},
    {"Speed (half of them below / 95 % below)", "From a key to the screen", [](Frame& f, const Counters& c) { return half_and_most(f, c, Latency::key_to_paint); }},
    {"Speed (half of them below / 95 % below)", "Until a request has ended that was cancelled", [](Frame& f, const Counters& c) { return half_and_most(f, c, Latency::cancel); }},
    {"Work", "Requests, given up", [](Frame& f, const Counters& c) { return f.join(number(c[Count::suggests]), ", ", number(c[Count::cancels])); }},
    {"Work", "Keys that a suggestion had foreseen", [](Frame& f, const Counters& c) { return share(f, c[Count::survivor_hits], c[Count::survivor_misses]); }},
    {"Work", "Places remembered", [](Frame& f, const Counters& c) { return share(f, c[Count::cache_hits], c[Count::cache_misses]); }},
    {"Work", "Tokens computed, of no use", [](Frame& f, const Counters& c) { return f.join(number(c[Count::tokens_decoded]), ", ", number(c[Count::tokens_dropped])); }},
    {"Work", "Became slower, faster", [](Frame& f, const Counters& c) { return f.join(number(c[Count::tier_down]), ", ", number(c[Count::tier_up])); }},
};

struct ReasonWords {
  Reason reason;
  const char* words;
};
constexpr ReasonWords kReasons[] = {
    {Reason::snoozed, "put to rest"}, {Reason::busy, "an answer needed the model"}, {Reason::battery, "on battery"},
    {Reason::tier, "this computer is too slow"}, {Reason::stale, "the text had changed"}, {Reason::late, "came too late"},
    {Reason::too_short, "too short"}, {Reason::repeats_tail, "repeated what was written"}, {Reason::self_loop, "repeated itself"},
    {Reason::duplicates_after_caret, "was there already"}, {Reason::bad_join, "made no word"}, {Reason::punctuation_run, "only punctuation"},
    {Reason::assistant_leak, "answered instead of going on"}, {Reason::markup_leak, "left markup open"},
    {Reason::language_switch, "another script"}, {Reason::secret_like, "looked like a secret"},
    {Reason::offensive_start, "could offend"}, {Reason::low_confidence, "the model was not sure"}};
static_assert(std::size(kReasons) + 1 == autocomplete::kReasonNames.size());

}  // namespace

Ms latency_at(const Counters& counters, Latency kind, double share) {
  const auto& buckets = counters[kind];
  std::uint64_t all = 0, below = 0;
  for (const std::uint64_t n : buckets) all += n;
  if (all == 0) return 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    below += buckets[i];
    if (static_cast<double>(below) >= share * static_cast<double>(all)) return autocomplete::kLatencyLimits[i];
  }
  return autocomplete::kLatencyLimits.back();
}

/// How they behave, and why; in one or two sentences.
std::string_view SuggestionPanel::behaviour(Frame& frame, const autocomplete::Advisor& advisor) {
  const SuggestionsView& view = frame.state.suggestions;
  if (!view.settings.enabled) return "They are off.";
  if (!view.model) return view.writer.empty() ? "They wait for a model." : std::string_view(view.writer);
  const TierFacts facts{advisor.tier(), advisor.measured_tier(), view.settings.speed};
  if (!(facts == tier_facts_)) tier_facts_ = facts, tier_words_ = advisor.explain_tier();
  return frame.join(tier_words_, view.writer.empty() ? "" : " ", view.writer, view.failure.empty() ? "" : " ", view.failure);
}

void SuggestionPanel::say_lines(Frame& frame, const Counters& counters) {
  lines_.clear();
  std::string_view section;
  for (const Number& row : kNumbers) {
    if (row.section != section) lines_.push_back({row.section, {}});
    section = row.section;
    lines_.push_back({row.label, row.value(frame, counters)});
  }
  lines_.push_back({"Why nothing was shown, or less", {}});
  const std::size_t before = lines_.size();
  for (const ReasonWords& row : kReasons) {
    if (counters[row.reason] > 0) lines_.push_back({row.words, frame.join(number(counters[row.reason]))});
  }
  if (lines_.size() == before) lines_.push_back({"nothing was held back so far", "0"});
}

void SuggestionPanel::open(Frame& frame) {
  open_ = true;
  scroll_ = 0;
  frame.input.focus(kListId);
}

void SuggestionPanel::draw(Frame& frame, Rect window, Suggester& suggester) {
  if (!open_) return;
  Canvas& canvas = frame.canvas;
  Dialog dialog(frame, window, {"suggestions", "Suggestions while you write", frame.px(kWidth), std::min(frame.px(640), window.height() * 0.86f)});
  const Rect inside = dialog.inside();
  const text::Font font = frame.font(text::Style::regular, size::kInterface);
  about_.set(frame, about(), font, frame.px(kLine), inside.width());
  about_.draw(frame, {inside.left, inside.top}, frame.theme.ink_soft);
  state_.set(frame, behaviour(frame, suggester.advisor()), font, frame.px(kLine), inside.width());
  float y = inside.top + about_.height() + frame.px(8);
  state_.draw(frame, {inside.left, y}, frame.theme.ink);
  y += state_.height() + frame.px(kGap);

  const float bottom = inside.bottom - frame.px(kButton) - frame.px(kGap);
  say_lines(frame, suggester.advisor().counters());
  const Rect view{inside.left, y, inside.right, bottom};
  float content = 0;
  for (const Line& line : lines_) content += frame.px(line.value.empty() ? kHeading : kRow);
  frame.input.add({.id = kListId, .role = ItemRole::document, .label = "Numbers", .rect = view});
  for (const InputEvent& event : frame.input.events_of(kListId)) {
    if (const auto* wheel = std::get_if<Wheel>(&event)) scroll_ -= wheel->dy * frame.px(60);
    const auto* press = std::get_if<KeyPress>(&event);
    static constexpr std::array<std::pair<Key, float>, 4> kSteps{{{Key::up, -0.2f}, {Key::down, 0.2f}, {Key::page_up, -0.9f}, {Key::page_down, 0.9f}}};
    for (const auto& [key, pages] : kSteps) scroll_ += press != nullptr && press->key == key ? pages * view.height() : 0;
  }
  scroll_ = std::round(std::clamp(scroll_, 0.0f, std::max(0.0f, content - view.height())));
  canvas.push_clip(view);
  float top = view.top - scroll_;
  const text::Font small = frame.font(text::Style::regular, size::kSmall), bold = frame.font(text::Style::bold, size::kSmall);
  const float right = view.right - frame.px(16);
  for (const Line& line : lines_) {
    const bool heading = line.value.empty();
    const float height = frame.px(heading ? kHeading : kRow);
    if (heading) {
      canvas.text({view.left, top + frame.px(8)}, height - frame.px(8), bold, frame.theme.accent, line.label);
    } else {
      const float width = canvas.width(small, line.value);
      canvas.text_cut({view.left, top}, height, right - view.left - width - frame.px(12), small, frame.theme.ink, line.label);
      canvas.text({right - width, top}, height, small, frame.theme.ink, line.value);
      canvas.fill({view.left, top + height - 1, right, top + height}, frame.theme.line);
    }
    top += height;
  }
  canvas.pop_clip();
  const float dragged = scroll_bar(frame, "suggestions/scroll", {view.left, view.top, view.right, view.bottom}, content, scroll_);
  if (frame.input.pressed("suggestions/scroll")) scroll_ = std::round(dragged);

  const bool on = frame.state.suggestions.settings.enabled;
  const std::string_view toggle = on ? "Turn off" : "Turn on";
  const float w = text_button_width(frame, toggle), button_top = inside.bottom - frame.px(kButton);
  if (text_button(frame, "suggestions/switch", toggle, {inside.right - w, button_top, inside.right, inside.bottom}, on ? ButtonLook::plain : ButtonLook::primary)) {
    frame.send(ChangeSetting{kSuggestionsSetting, on ? kOff : kOn});
  }
  const float reset = text_button_width(frame, "Start the numbers anew");
  if (text_button(frame, "suggestions/reset", "Start the numbers anew", {inside.left, button_top, inside.left + reset, inside.bottom}, ButtonLook::plain)) {
    suggester.forget_counts(frame);
  }
  if (!dialog.closed()) return;
  open_ = false;
  frame.input.focus("composer/text");
}

}  // namespace foreword::ui

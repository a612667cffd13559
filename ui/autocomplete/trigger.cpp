#include "ui/autocomplete/trigger.h"

#include <algorithm>

#include "ui/autocomplete/prose.h"

namespace foreword::ui::autocomplete {
namespace {

constexpr OriginRow kOrigins[] = {
    // origin                              starts keeps  judged key
    {Origin::typing, "typing",             true,  true,  true,  true},
    {Origin::commit, "commit",             true,  true,  true,  true},
    {Origin::accept, "accept",             true,  true,  false, false},
    {Origin::paste, "paste",               true,  true,  true,  false},
    {Origin::deletion, "deletion",         false, true,  true,  true},
    {Origin::undo, "undo",                 false, false, true,  false},
    {Origin::redo, "redo",                 false, false, true,  false},
    {Origin::drop, "drop",                 false, false, false, false},
    {Origin::recall, "recall",             false, false, false, false},
    {Origin::program, "program",           false, false, false, false},
};

/// Nothing, blanks or closing punctuation up to the end of the line.
bool line_is_over(std::string_view after) {
  static constexpr std::u32string_view kClosing =
      U".,;:!?)]}>\"'`*_~\u00bb\u203a\u2019\u201d\u2026\u3001\u3002\u300b\u300d\u300f\u3011\uff01\uff09\uff0c\uff1a\uff1b\uff1f";
  for (std::size_t at = 0; at < after.size() && after[at] != '\n';) {
    const text::CodePoint c = text::decode(after, at);
    if (class_of(c.value) != CharClass::space && kClosing.find(c.value) == kClosing.npos) return false;
    at += c.n_bytes;
  }
  return true;
}

bool too_little(const TriggerInput& in) {
  constexpr int kVisible = tuned_count("visible_min");
  if (visible_characters(in.before, kVisible) >= kVisible) return false;
  return !(count_words(in.before, 1) == 1 && ends_a_word(in.before));
}

bool large_paste(const TriggerInput& in) {
  constexpr std::size_t kMost = tuned_count("paste_max");
  return in.origin == Origin::paste && count_characters(in.inserted, kMost + 1) > kMost;
}

constexpr HoldRow kHolds[] = {
    {Hold::switched_off, "switched_off", Reason::none, false, [](const TriggerInput& in) { return !in.settings.enabled; }},
    {Hold::no_model, "no_model", Reason::none, false,
     [](const TriggerInput& in) { return !in.situation.model || in.tier == Tier::off; }},
    {Hold::unfocused, "unfocused", Reason::none, false, [](const TriggerInput& in) { return !in.situation.focused; }},
    {Hold::composing, "composing", Reason::none, false, [](const TriggerInput& in) { return in.situation.composing; }},
    {Hold::selecting, "selecting", Reason::none, false, [](const TriggerInput& in) { return in.situation.selecting; }},
    {Hold::wrong_origin, "wrong_origin", Reason::none, true, [](const TriggerInput& in) { return !row_of(in.origin).starts; }},
    {Hold::large_paste, "large_paste", Reason::none, true, large_paste},
    {Hold::too_little, "too_little", Reason::none, false, too_little},
    {Hold::mid_line, "mid_line", Reason::none, false,
     [](const TriggerInput& in) { return !in.situation.fills_middle && !line_is_over(in.after); }},
    {Hold::fence, "fence", Reason::none, false,
     [](const TriggerInput& in) { return !in.situation.fills_middle && in_fence(in.before); }},
    {Hold::dismissed, "dismissed", Reason::none, true, [](const TriggerInput& in) { return in.dismissed; }},
    {Hold::silenced, "silenced", Reason::none, true, [](const TriggerInput& in) { return in.silenced; }},
    {Hold::snoozed, "snoozed", Reason::snoozed, true, [](const TriggerInput& in) { return in.snoozed; }},
    {Hold::busy, "busy", Reason::busy, false, [](const TriggerInput& in) { return in.situation.busy; }},
    {Hold::battery, "battery", Reason::battery, true,
     [](const TriggerInput& in) { return in.tier == Tier::manual && in.battery_limits; }},
    {Hold::tier, "tier", Reason::tier, true, [](const TriggerInput& in) { return in.tier == Tier::manual; }},
};

}  // namespace

const OriginRow& row_of(Origin origin) { return kOrigins[static_cast<std::size_t>(origin)]; }
std::span<const OriginRow> origin_rows() { return kOrigins; }
std::span<const HoldRow> hold_rows() { return kHolds; }

const HoldRow* first_hold(const TriggerInput& input, bool manual) {
  const HoldRow* const row = std::find_if(std::begin(kHolds), std::end(kHolds), [&](const HoldRow& each) {
    return !(manual && each.manual_ignores) && each.holds(input);
  });
  return row == std::end(kHolds) ? nullptr : row;
}

}  // namespace foreword::ui::autocomplete

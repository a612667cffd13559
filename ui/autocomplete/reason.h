#pragma once
// Why a suggestion was not shown, or not whole. The names are those of the health page and of the log: stable, without text.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace foreword::ui::autocomplete {

/// In the order in which they are asked: state, text, score.
enum class Reason : std::uint8_t {
  none, snoozed, busy, battery, tier, stale, late, too_short, repeats_tail, self_loop, duplicates_after_caret, bad_join,
  punctuation_run, assistant_leak, markup_leak, language_switch, secret_like, offensive_start, low_confidence,
};
inline constexpr std::array<std::string_view, 19> kReasonNames = {
    "none", "snoozed", "busy", "battery", "tier", "stale", "late", "too_short", "repeats_tail", "self_loop",
    "duplicates_after_caret", "bad_join", "punctuation_run", "assistant_leak", "markup_leak", "language_switch", "secret_like",
    "offensive_start", "low_confidence"};

constexpr std::string_view name_of(Reason reason) { return kReasonNames[static_cast<std::size_t>(reason)]; }

}  // namespace foreword::ui::autocomplete

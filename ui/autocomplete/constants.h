#pragma once
// Every tuned number of the window desk's side of suggestions, in one table. They are chosen, not proven: docs/autocomplete.md
// gives the reasons. Code and tests read them by name; a name that is not here does not compile.

#include <string_view>

namespace foreword::ui::autocomplete {

struct Constant {
  std::string_view name;
  double value;
  std::string_view unit;
  std::string_view help;
};

inline constexpr Constant kConstants[] = {
    // drafts and their cache
    {"drafts", 3, "drafts", "continuations wanted of one job; 1 to drafts_max"},
    {"drafts_max", 6, "drafts", "most that may be asked for"},
    {"cache_entries", 256, "entries", "places in texts whose drafts are remembered, least recently used go first"},
    {"look_back", 128, "characters", "how far before the caret a remembered place may lie"},
    {"words_ahead", 2, "words", "a draft with fewer words left is extended, or asked for anew"},
    // what starts a job
    {"visible_min", 3, "characters", "visible characters before the caret without which nothing starts; or one finished word"},
    {"paste_max", 40, "characters", "a paste of more starts nothing"},
    {"before_max", 4000, "characters", "of the text before the caret are used"},
    {"before_stride", 1000, "characters", "steps in which the start of that text moves, so that what the engine read stays good"},
    {"after_max", 1000, "characters", "of the text after the caret are used"},
    // how far one job goes
    {"tokens_first", 12, "tokens", "of each draft at first"},
    {"tokens_extended", 24, "tokens", "of each draft while it is read"},
    {"tokens_max", 50, "tokens", "of each draft in all"},
    {"work_full", 400, "ms", "of one job in the tier full"},
    {"work_slow", 800, "ms", "of one job in the other tiers"},
    {"work_manual", 2000, "ms", "of one job that was asked for with a key"},
    // when to show
    {"gap_factor", 0.75, "", "share of the median gap between keys that counts as a pause"},
    {"gap_keys", 20, "keys", "last gaps of which the median is taken"},
    {"gap_known", 8, "gaps", "with fewer the base is base_unknown"},
    {"gap_longest", 2000, "ms", "longer gaps are thinking, not typing"},
    {"base_unknown", 150, "ms", "base while the typist is not known"},
    {"base_min", 60, "ms", "least base"},
    {"base_max", 400, "ms", "greatest base"},
    {"boundary_factor", 0.5, "", "right after a space or punctuation"},
    {"gate_min", 50, "ms", "least pause before the first paint"},
    {"gate_max", 3000, "ms", "greatest pause before the first paint"},
    {"late", 1000, "ms", "a result that comes later after the last key is kept, not painted"},
    {"fade", 80, "ms", "the first paint may fade in"},
    // what a rejection is, and what follows
    {"blind", 300, "ms", "a ghost that was visible for less was rejected without being read"},
    {"tab_age", 150, "ms", "Tab accepts only a ghost of this age"},
    {"backoff_rejected", 1.5, "", "factor for each rejection"},
    {"backoff_accepted", 0.8, "", "factor for each acceptance"},
    {"backoff_decay", 600000, "ms", "after which the factor is 1 again"},
    {"silent_after", 8, "rejections", "in a row, then silence until the next message"},
    {"snooze", 600000, "ms", "what the hint and the menu offer"},
    // confidence: the least mean log-prob of a draft follows the share of pauses that show something
    {"tau_start", -1.2, "nats/token", "at first"},
    {"tau_min", -2.5, "nats/token", "most lenient"},
    {"tau_max", -0.4, "nats/token", "strictest"},
    {"tau_step", 0.05, "nats/token", "for each pause outside the wanted share"},
    {"tau_slack", 1.5, "nats/token", "how far below that a draft may be while it grows"},
    {"coverage_min", 0.30, "", "wanted share of pauses that show something, from"},
    {"coverage_max", 0.40, "", "wanted share of pauses that show something, to"},
    {"coverage_pauses", 50, "pauses", "memory of the measured share"},
    // filters
    {"short_letters", 2, "characters", "a draft with fewer letters and digits is dropped"},
    {"tail_words", 5, "words", "this many words before the caret, said again, drop a draft"},
    {"loop_times", 3, "times", "words that follow themselves so often are cut"},
    {"overlap_min", 3, "characters", "a draft that runs into the text after the caret so far is cut"},
    {"join_log_prob", -1.0, "nats/token", "an unknown word across the caret needs this mean"},
    {"punctuation_run", 4, "marks", "in a row are cut"},
    {"script_window", 200, "characters", "before the caret tell the script of the text"},
    {"card_digits_min", 13, "digits", "shortest card number"},
    {"card_digits_max", 19, "digits", "longest card number"},
    {"entropy_length", 20, "characters", "shortest random-looking secret"},
    {"entropy_bits", 3.5, "bits/character", "entropy from which such a run looks random"},
    {"entropy_switches", 0.3, "", "share of neighbours in it that change between capital, small letter and digit"},
    {"offensive_words", 3, "words", "at the start of a draft are held against the list"},
    // tiers: limits on the 95th percentile of the time to the first word
    {"tier_full", 200, "ms", "limit of full"},
    {"tier_reduced", 500, "ms", "limit of reduced"},
    {"tier_pause_only", 1500, "ms", "limit of pause_only"},
    {"tier_jobs_down", 30, "jobs", "over which a broken limit is seen"},
    {"tier_jobs_up", 60, "jobs", "over which a better tier must be earned"},
    {"tier_up_share", 0.8, "", "of the better tier's limit must be kept for that"},
    {"pause_only_base", 300, "ms", "least base in the tier pause_only"},
};

/// The value of a constant, found by the compiler.
consteval double tuned(std::string_view name) {
  for (const Constant& constant : kConstants) {
    if (constant.name == name) return constant.value;
  }
  throw "no such constant";
}
consteval int tuned_count(std::string_view name) { return static_cast<int>(tuned(name)); }

}  // namespace foreword::ui::autocomplete

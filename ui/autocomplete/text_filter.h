#pragma once
// Reasons to keep silent that the text of a draft alone gives (section 9): a table of pure functions, asked in order. Wrong text
// costs more than no text, so each says no when in doubt. What needs log-probs of tokens is the engine's.

#include <span>
#include <string_view>

#include "ui/autocomplete/reason.h"
#include "ui/autocomplete/words.h"

namespace foreword::ui::autocomplete {

/// A draft in its place. All valid UTF-8; `text` consists of whole words.
struct Candidate {
  std::string_view before, after;  // the whole text around the caret
  std::string_view text;
  double mean_log_prob = 0;        // nats a token
  const Words* chat_words = nullptr;  // null: none are known
  const Words* own_words = nullptr;
};

/// How many bytes of the text may stay: all, some, or none. A row may name any place; the cut is made at the end of a word.
struct Verdict {
  std::size_t keep;
};

struct FilterRow {
  Reason reason;
  Verdict (*judge)(const Candidate&);
};
std::span<const FilterRow> text_filters();
/// What one row leaves: up to the end of a word, or nothing if that would be too little.
std::size_t bytes_kept(const FilterRow& row, const Candidate& candidate);

struct Filtered {
  std::size_t keep = 0;           // bytes of the text that may be shown; 0: dropped
  Reason reason = Reason::none;   // the first that fired
};
/// All rows, each on what those before it left. A cut that leaves too little drops, for the reason of the cut.
Filtered filter_text(const Candidate& candidate);

// The rows, for tests; in filter_text.cpp, filter_leaks.cpp and filter_harm.cpp.
Verdict too_short(const Candidate& candidate);
Verdict repeats_tail(const Candidate& candidate);
Verdict self_loop(const Candidate& candidate);
Verdict duplicates_after_caret(const Candidate& candidate);
Verdict bad_join(const Candidate& candidate);
Verdict punctuation_run(const Candidate& candidate);
Verdict language_switch(const Candidate& candidate);
Verdict assistant_leak(const Candidate& candidate);
Verdict markup_leak(const Candidate& candidate);
Verdict secret_like(const Candidate& candidate);
Verdict offensive_start(const Candidate& candidate);

}  // namespace foreword::ui::autocomplete

#pragma once
// Typing through the real policies and the real engine, in real time: a trace goes in, figures come out.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/key_trace.h"
#include "app/suggest_letters.h"
#include "engine/base/mailbox.h"
#include "engine/session.h"
#include "ui/autocomplete/advisor.h"

namespace foreword::app {

struct TypingOptions {
  double keys_per_second = 0;  // every key comes so fast; 0: as the trace says, what is only to be typed at 8 a second
  double speed = 1;            // the trace's times are divided by it
  bool accepts = false;        // what is to be typed, and right words of a ghost are accepted as soon as they are seen
  bool unsure = false;         // drafts below the least score are written to their end too
  ui::autocomplete::Settings settings;
  SuggestContext context;
  std::uint64_t base = 0;      // of the jobs' ids (suggest_letters.h); grows from run to run of one session
  /// Is written again and again while the trace is typed; during every other one the typist waits.
  std::optional<engine::Generate> answer;
};

/// Milliseconds, sorted.
struct Sample {
  std::vector<double> values;
  double share(double p) const;  // the value that this share of all does not exceed; 0 if there is none
  double most() const { return values.empty() ? 0 : values.back(); }
};

struct TypingFigures {
  std::int64_t keys = 0;
  std::int64_t jobs = 0;           // that were asked for because of a key
  std::int64_t overtaken = 0;      // of them by a newer key, before draft 1 had a word
  std::int64_t unfinished = 0;     // of them by a newer key, before all drafts were as long as wanted at first
  /// From the key: draft 1 has a whole word; all drafts have ended or are as long as wanted at first. A job that was overtaken
  /// counts with the time that it had had, which is less than it would have needed.
  Sample first_word, all_drafts;
  Sample cancelled;                // from the letter that ends a job to its last event
  Sample window;                   // processor time of the window's thread for a key
  std::int64_t words_shown = 0;    // next words of ghosts whose end was typed or ruled out
  std::int64_t ghost_hits = 0;     // of them: the ghost's was right
  std::int64_t strip_hits = 0;     // any draft's was right
  std::int64_t saved = 0;          // characters that keys brought in, less these keys
  std::int64_t prompt_tokens = 0, reused_tokens = 0;  // the longest prompt; of all prompts together
  std::int64_t read_tokens = 0;    // of all prompts together, not reused
  Sample answer_rates, quiet_rates;  // tokens a second of the answers that were typed beside, and of the others
  std::vector<std::pair<std::string, std::uint64_t>> counters;  // of the health page, those that are not 0
  std::string text;                // what is in the composer at last
};

/// Blocks until the trace has been typed and the last job has ended. The model is open; nobody else takes from `outbox`.
/// The error of a job that failed ends it.
Result<TypingFigures> type_trace(engine::Session& session, Mailbox<engine::Event>& outbox, const KeyTrace& trace,
                                 const TypingOptions& options);

}  // namespace foreword::app

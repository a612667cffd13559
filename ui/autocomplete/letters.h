#pragma once
// What the window desk and the engine desk say to each other about suggestions, as plain structs: app/ translates them to
// engine commands and back. Texts are valid UTF-8.

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "ui/autocomplete/reason.h"

namespace foreword::ui::autocomplete {

/// Milliseconds of any steady clock; always an argument, never read here.
using Ms = double;
using DraftId = std::uint64_t;

/// One continuation. `text` follows the `before` of the letter that was answered, whatever was typed since; it consists of
/// whole words and only grows from event to event. The engine's ids are below 65,536, unique within a job (a suggest and its
/// extends), and stay the same while it is extended.
struct Draft {
  DraftId id = 0;
  std::string text;
  double mean_log_prob = 0;  // nats a token
  bool ended = false;        // for good: the end of a sentence, a line or the text; a draft that only hit a limit has not
};

struct JobLimits {
  int count = 1;           // drafts
  int tokens = 12;         // of each, behind `before`
  int most_tokens = 50;    // of each, over its whole life
  Ms work = 400;
  double min_mean_log_prob = -std::numeric_limits<double>::infinity();
};

/// To the engine. Which fields count:
///   suggest  all but drafts and typed. A new job; whatever ran is cancelled. Newest wins, no queue.
///   advance  request, generation, drafts, typed. `typed` was typed since the last letter. The running job keeps only these
///            drafts, which agree with it; none named: whichever agree. What the job says stays about its own `before`.
///   extend   all but typed. As suggest, but these drafts live on with their ids, and their texts now follow the new
///            `before`; others fill up to limits.count, with other first words. If their pages are gone: as suggest.
///   cancel   request. No event of it is wanted but a last one that is `finished`; what was decoded may be in it.
struct Letter {
  enum class Kind : std::uint8_t { suggest, advance, extend, cancel };
  Kind kind = Kind::suggest;
  std::uint64_t request = 0;     // of a suggest or extend: new and larger than all before; else: which one is meant
  std::uint64_t generation = 0;  // of the text
  std::uint64_t context = 0;     // Situation::context
  std::string before, after;     // around the caret, shortened at their far ends
  std::vector<DraftId> drafts;
  std::string typed;
  JobLimits limits;
  bool manual = false;           // asked for with a key: ignores the low_confidence filter
};

/// From the engine: the drafts of a request so far, best first; after each finished word.
struct DraftsEvent {
  std::uint64_t request = 0;
  std::vector<Draft> drafts;
  bool finished = false;         // the last event of this request
  Reason reason = Reason::none;  // why there is none, or fewer (low_confidence, busy)
  std::uint64_t tokens_decoded = 0, tokens_dropped = 0;  // since the last event; for the counters
};

}  // namespace foreword::ui::autocomplete

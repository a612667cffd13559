#pragma once
// Recorded typing, as text: one event a line, in the order of their times.
//   # a comment
//   MS EVENT ARGUMENT            MS: milliseconds since the beginning; ARGUMENT: JSON
//   on "ENDING" after MS [step MS] [[TEXT, MEAN], ...]    what a scripted engine says when the text before the caret ends so:
//                                [TEXT, mean log-prob, whether it has ended]
// The events are the rows of a table (key_trace.cpp); docs/autocomplete.md describes them. Nothing in a file is trusted.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "ui/autocomplete/key_policy.h"

namespace foreword::app {

struct TraceEvent {
  enum class Kind : std::uint8_t {
    text, commit, paste, drop,        // into the text at the caret, at once
    type,                             // character by character, as the typist types
    key, backspace,
    cursor, select,
    focus, compose, popup, answering, busy, battery,
    expect, count,                    // what a test looks at
  };
  int line = 0;  // of the file, from 1
  double ms = 0;
  Kind kind = Kind::text;
  std::string text;                  // what goes into the text; expect, count: the JSON
  ui::autocomplete::KeyPress key;
  std::size_t begin = 0, end = 0;    // bytes; cursor: begin alone
  bool on = false;                   // focus to battery
};

struct TraceRule {
  std::string ending;
  double after = 0, step = 10;  // ms
  std::vector<ui::autocomplete::Draft> drafts;
};

struct KeyTrace {
  std::vector<TraceEvent> events;
  std::vector<TraceRule> rules;
};

/// `invalid_argument` with the number of the first bad line, in a sentence that begins with `name`; a trace without an event
/// is an error too.
Result<KeyTrace> parse_key_trace(std::string_view text, const std::string& name);

}  // namespace foreword::app

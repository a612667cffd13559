#pragma once
// Held-out text to measure a model on: JSON lines, one record a line.
//   {"source": "se", "kind": "prose", "text": "..."}                             prose and mail
//   {"source": "sgd", "kind": "chat", "turns": [{"role": "user", "content": "..."}, ...]}   chat and edit
// An edit is a request with a text in its first turn and the changed text in its second.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/template/chat_template.h"

namespace foreword::app {

struct EvalKind {
  std::string_view name;
  bool has_turns;     // else one text
  bool answer_only;   // only the last turn is measured
};
inline constexpr std::array kEvalKinds{EvalKind{"prose", false, false}, EvalKind{"mail", false, false},
                                       EvalKind{"chat", true, false}, EvalKind{"edit", true, true}};

struct EvalRecord {
  std::string source;
  std::size_t kind = 0;  // index into kEvalKinds
  std::string text;                        // of a kind without turns
  std::vector<engine::ChatMessage> turns;  // of a kind with them; an edit has a user's and an assistant's
};

/// `invalid_argument` with the number of the first bad line, in a sentence that begins with `name`. Empty lines are
/// passed over; a file without a record is an error too.
Result<std::vector<EvalRecord>> parse_eval_records(std::string_view json_lines, const std::string& name);

}  // namespace foreword::app

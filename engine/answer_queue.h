#pragma once
// Answers that are asked for, as they came: which of them hold their text, and which wait. Engine desk only.

#include <list>

#include "engine/answer_writer.h"

namespace foreword::engine {

/// Opens those that may go on: four at once, three if they are for others, and what was sent away for want of room only where no other is open. Drafters know one
/// text: they go to the first one that is being written. beside_suggestion: one is running, and has a text too.
void open_answers(std::list<AnswerWriter>& answers, PrefixKeeper* keeper, Drafting* drafting, bool beside_suggestion);

/// Whose text is given back where there is no room for all: the last one in the background, else the last one for others, else the last one.
/// Null: none is open.
AnswerWriter* to_send_away(std::list<AnswerWriter>& answers);

}  // namespace foreword::engine

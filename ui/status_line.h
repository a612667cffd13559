#pragma once
// One line of facts from the engine, and the meter of the context; what is unknown is not shown.

#include <string>

#include "ui/frame.h"

namespace foreword::ui {

/// True: the meter was pressed.
bool draw_status_line(Frame& frame, Rect area);

/// "8,192"
std::string grouped(std::int64_t number);
/// "21.4 tokens/s", "1,204 tokens/s"
std::string speed(double tokens_per_second);
/// "512 MB", "1.1 GB", in powers of ten.
std::string bytes_words(std::int64_t bytes);

/// The title of the chat in which an answer is being written, as far as it is in the list; else "another chat".
std::string_view answering_chat_words(Phrases& phrases, const ViewState& state);
/// What the line says of the model: what it is doing, where, and its memory.
PhraseList status_places(Phrases& phrases, const ViewState& state);
/// What it says of the last answer, the most important last. Reading and answering are never one number.
PhraseList status_facts(Phrases& phrases, const StatusView& status);

}  // namespace foreword::ui

#pragma once
// One line of facts from the engine; what is unknown is not shown.

#include <string>
#include <vector>

#include "ui/frame.h"

namespace foreword::ui {

void draw_status_line(Frame& frame, Rect area);

/// "8,192"
std::string grouped(std::int64_t number);
/// "21.4 tokens/s", "1,204 tokens/s"
std::string speed(double tokens_per_second);

/// What the line says of the answer and the context, the most important last.
std::vector<std::string> status_facts(const StatusView& status);

}  // namespace foreword::ui

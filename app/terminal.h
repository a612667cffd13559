#pragma once
// What others wrote (models, files), on a terminal that it must not steer.

#include <cstdio>
#include <string>
#include <string_view>

namespace foreword::app {

/// Without control characters, C1's too, but for tab and new line: a question mark stands in their place. UTF-8 in and out.
std::string for_terminal(std::string_view text);

/// Written at once: as it is, or for_terminal if that is where it goes.
void print_text(std::FILE* to, std::string_view text);

}  // namespace foreword::app

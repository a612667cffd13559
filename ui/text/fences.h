#pragma once
// Parts a text into prose and code between fences, both as ranges of it. Pure.

#include <string_view>
#include <vector>

#include "ui/text/utf8.h"

namespace foreword::ui::text {

struct FencedPart {
  bool code = false;
  Range range;     // what is shown; fences and the line end before them are not
  Range language;  // of code: the word after the fence
  bool operator==(const FencedPart&) const = default;
};

/// At least one part for any text but the empty one. A fence that is still open goes to the end.
std::vector<FencedPart> split_fences(std::string_view text);

}  // namespace foreword::ui::text

#pragma once
// Finds what a model thought before it answered (D63). Pure.

#include <string_view>

#include "ui/text/utf8.h"

namespace foreword::ui::text {

struct Answer {
  Range reasoning;    // without its tags; empty: there is none
  Range answer;
  bool thinking = false;  // the reasoning has begun and not ended
};

/// Reasoning stands at the beginning, between tags such as <think> and </think>; templates may have written the first one.
Answer split_reasoning(std::string_view text);

}  // namespace foreword::ui::text

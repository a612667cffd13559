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

/// Reasoning stands at the beginning, between tags such as <think> and </think>; templates may have written the first one. An answer of
/// gpt-oss has it in messages before the final one (engine/base/harmony.h): from the first to the last of them, and what stands between.
Answer split_reasoning(std::string_view text);
/// What is said, without reasoning and tags: a part of `text`.
std::string_view said_in(std::string_view text);

}  // namespace foreword::ui::text

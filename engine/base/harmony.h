#pragma once
// Answers as gpt-oss writes them: messages one behind another, each on a channel, as in
//   <|channel|>analysis<|message|>It is a greeting.<|end|><|start|>assistant<|channel|>final<|message|>Hello!
// The engine and the window both have to tell thoughts from what is said. Pure.

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace foreword {

struct HarmonyAnswer {
  std::vector<std::string_view> thoughts;  // of all messages but the final one and calls, in their order; parts of the answer's text
  struct Call {
    std::string_view name, arguments;  // of a tool, JSON as it came; parts of the text
  };
  std::vector<Call> calls = {};            // messages to functions.NAME
  std::string_view said;                   // of the last final message; empty, at the answer's end, if there is none yet
  bool thinking = true;                    // no final message has begun
};

/// nullopt if the answer does not begin as these do. It may end anywhere, also within a mark's message head.
std::optional<HarmonyAnswer> split_harmony(std::string_view answer);

}  // namespace foreword

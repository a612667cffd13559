#pragma once
// Tokens with their chances, until the text that they stand in goes out, and their JSON as OpenAI's interface has it ("logprobs"). Pure.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <string_view>
#include <vector>

#include "app/server/fields.h"
#include "engine/token_chances.h"

namespace foreword::app {

class ChanceQueue {
 public:
  static constexpr std::size_t kEnd = std::numeric_limits<std::size_t>::max();

  /// Behind all before; their text begins so many bytes later than they say.
  void add(const std::vector<engine::TokenChances>& tokens, std::size_t later);
  /// Those that begin before byte `end` of the text, in order; of them, what ends at or before `begin` is dropped.
  std::vector<engine::TokenChances> take(std::size_t begin, std::size_t end);

 private:
  std::deque<engine::TokenChances> tokens_;
};

/// Of a chat: {"content": [{"token", "logprob", "bytes", "top_logprobs"}]}.
Json chat_chances(const std::vector<engine::TokenChances>& tokens);
/// Of a completion: {"tokens", "token_logprobs", "top_logprobs", "text_offset"}, offsets in characters of its text.
/// n_best: how many were asked for.
Json text_chances(const std::vector<engine::TokenChances>& tokens, std::string_view text, int n_best);

}  // namespace foreword::app

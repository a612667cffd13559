#pragma once
// How long messages are in tokens. They are counted again and again while the next one is typed, so their lengths are kept.
// Engine desk only.

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/template/chat_template.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

class TokenCounter {
 public:
  /// tokenizer must outlive the counter.
  explicit TokenCounter(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// Of each content alone.
  std::vector<std::int64_t> of(std::span<const ChatMessage> messages);

 private:
  std::int64_t length_of(const std::string& content);

  const Tokenizer& tokenizer_;
  std::unordered_map<std::string, std::int64_t> lengths_;
};

}  // namespace foreword::engine

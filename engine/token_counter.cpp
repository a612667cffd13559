#include "engine/token_counter.h"

namespace foreword::engine {
namespace {

constexpr std::size_t kMostKept = 20'000;

}  // namespace

std::vector<std::int64_t> TokenCounter::of(std::span<const ChatMessage> messages) {
  std::vector<std::int64_t> lengths;
  for (const ChatMessage& message : messages) {
    const bool newest = &message == &messages.back();  // still being typed: not worth keeping
    lengths.push_back(newest ? std::ssize(tokenizer_.encode(message.content, {})) : length_of(message.content));
  }
  return lengths;
}

std::int64_t TokenCounter::length_of(const std::string& content) {
  const auto known = lengths_.find(content);
  if (known != lengths_.end()) return known->second;
  if (lengths_.size() >= kMostKept) lengths_.clear();
  return lengths_[content] = std::ssize(tokenizer_.encode(content, {}));
}

}  // namespace foreword::engine

#include "engine/template/prompt.h"

#include <algorithm>
#include <string>

#include "engine/base/harmony.h"

namespace foreword::engine {
namespace {

void split_thoughts(ChatMessage& message) {
  if (message.role != Role::assistant) return;
  const auto parts = split_harmony(message.content);
  if (!parts) return;
  for (const std::string_view thought : parts->thoughts) message.reasoning.append(message.reasoning.empty() ? "" : "\n").append(thought);
  message.content = std::string(parts->said);
}

}  // namespace

Result<std::vector<TextSpan>> render_chat(const ChatTemplate& format, const Tokenizer& tokenizer, std::vector<ChatMessage> messages,
                                          ChatTemplateOptions options) {
  if (tokenizer.bos() != kNoToken) options.bos_token = tokenizer.text(tokenizer.bos());
  if (tokenizer.eos() != kNoToken) options.eos_token = tokenizer.text(tokenizer.eos());
  for (ChatMessage& message : messages) split_thoughts(message);
  return format.render(messages, options);
}

std::vector<TextSpan> answer_spans(std::string_view answer) {
  auto parts = split_harmony(answer);
  if (!parts && answer.empty()) return {};
  if (!parts) return {{std::string(answer), false}};
  std::vector<std::string_view> texts = std::move(parts->thoughts);
  texts.push_back(parts->said);
  std::ranges::sort(texts, {}, [](std::string_view text) { return text.data(); });
  std::vector<TextSpan> spans;
  const char* at = answer.data();
  const auto add = [&](const char* end, bool trusted) {
    if (at != end) spans.push_back({std::string(at, end), trusted});
    at = end;
  };
  for (const std::string_view text : texts) {
    add(text.data(), true);
    add(text.data() + text.size(), false);
  }
  add(answer.data() + answer.size(), true);
  return spans;
}

}  // namespace foreword::engine

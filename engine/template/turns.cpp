#include "engine/template/turns.h"

#include <utility>

namespace foreword::engine {

bool add_in_turn(std::vector<ChatMessage>& messages, ChatMessage message) {
  if (message.content.empty() && message.tool_calls.empty()) return false;
  const bool stands_alone = message.role == Role::tool || !message.tool_calls.empty() || (!messages.empty() && !messages.back().tool_calls.empty());
  if (!messages.empty() && messages.back().role == message.role && !stands_alone) {
    messages.back().content.append("\n\n").append(message.content);
    return false;
  }
  messages.push_back(std::move(message));
  return true;
}

std::vector<ChatMessage> in_turns(const std::vector<ChatMessage>& messages) {
  std::vector<ChatMessage> turns;
  for (const ChatMessage& message : messages) add_in_turn(turns, message);
  return turns;
}

}  // namespace foreword::engine

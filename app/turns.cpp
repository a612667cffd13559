#include "app/turns.h"

#include <utility>

namespace foreword::app {

bool add_in_turn(std::vector<engine::ChatMessage>& messages, engine::ChatMessage message) {
  if (message.content.empty()) return false;
  if (!messages.empty() && messages.back().role == message.role) {
    messages.back().content.append("\n\n").append(message.content);
    return false;
  }
  messages.push_back(std::move(message));
  return true;
}

std::vector<engine::ChatMessage> in_turns(const std::vector<engine::ChatMessage>& messages) {
  std::vector<engine::ChatMessage> turns;
  for (const engine::ChatMessage& message : messages) add_in_turn(turns, message);
  return turns;
}

}  // namespace foreword::app

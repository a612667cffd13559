#pragma once
// A conversation as chat templates want it: roles in turn. Pure.

#include <vector>

#include "engine/template/chat_template.h"

namespace foreword::engine {

/// Adds a message: none without text, and one of the same role as the last to that, so that a question whose answer never
/// came stands with the next one and nothing is dropped. Calls of tools and their results stand for themselves. True: it is a message of its own.
bool add_in_turn(std::vector<ChatMessage>& messages, ChatMessage message);
/// All of these, added one after another.
std::vector<ChatMessage> in_turns(const std::vector<ChatMessage>& messages);

}  // namespace foreword::engine

#pragma once
// Tools that a model may ask to be used, in chats whose template has no place for them. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "engine/template/chat_template.h"

namespace foreword::engine {

/// Whether there is anything of tools in it.
bool has_tools(const std::vector<ChatMessage>& messages, const ChatTemplateOptions& options);

/// The same chat with nothing but texts: the instructions describe the tools and how one is asked for, calls stand in the answers as
/// <tool_call>{"name": ..., "arguments": ...}</tool_call>, and results are the user's, in <tool_response>.
std::vector<ChatMessage> with_tools_as_text(const std::vector<ChatMessage>& messages, std::string_view tools);

/// With the arguments of every call as a text of JSON, which some templates want.
std::vector<ChatMessage> with_arguments_as_text(std::vector<ChatMessage> messages);

}  // namespace foreword::engine

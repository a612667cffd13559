#include "engine/template/tools.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/template/turns.h"

namespace foreword::engine {
namespace {

using Json = nlohmann::ordered_json;

std::string written(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }
Json parsed(std::string_view text) { return Json::parse(text, nullptr, false); }

constexpr std::string_view kBeginning = "You may use tools. Each line here describes one:\n\n";
constexpr std::string_view kEnding =
    "\nTo use a tool, write its name and arguments as JSON between tags, like this, and then end your turn:\n"
    "<tool_call>\n{\"name\": \"name of the tool\", \"arguments\": {\"name of an argument\": \"its value\"}}\n</tool_call>\n"
    "The result comes in the next message. Use a tool only where it helps; otherwise answer as usual.";

std::string described(std::string_view tools) {
  std::string text(kBeginning);
  for (const Json& tool : parsed(tools)) text += written(tool.contains("function") ? tool["function"] : tool) + "\n";
  return text.append(kEnding);
}

std::string calls_as_text(const ChatMessage& message) {
  std::string text = message.content;
  for (const Json& call : parsed(message.tool_calls)) {
    const Json& function = call.contains("function") ? call["function"] : call;
    text += (text.empty() ? "" : "\n") + ("<tool_call>\n" + written({{"name", function.value("name", "")}, {"arguments", function.value("arguments", Json::object())}})) + "\n</tool_call>";
  }
  return text;
}

}  // namespace

bool has_tools(const std::vector<ChatMessage>& messages, const ChatTemplateOptions& options) {
  return !options.tools.empty() || std::ranges::any_of(messages, [](const ChatMessage& message) { return message.role == Role::tool || !message.tool_calls.empty(); });
}

std::vector<ChatMessage> with_tools_as_text(const std::vector<ChatMessage>& messages, std::string_view tools) {
  std::vector<ChatMessage> plain;
  if (!tools.empty()) plain.push_back({Role::system, described(tools), {}});
  for (ChatMessage message : messages) {
    if (message.role == Role::tool) message = {Role::user, "<tool_response>\n" + message.content + "\n</tool_response>", {}};
    if (!message.tool_calls.empty()) message = {Role::assistant, calls_as_text(message), std::move(message.reasoning)};
    add_in_turn(plain, std::move(message));
  }
  return plain;
}

std::vector<ChatMessage> with_arguments_as_text(std::vector<ChatMessage> messages) {
  for (ChatMessage& message : messages) {
    if (message.tool_calls.empty()) continue;
    Json calls = parsed(message.tool_calls);
    for (Json& call : calls) {
      Json& function = call.contains("function") ? call["function"] : call;
      if (function.contains("arguments") && !function["arguments"].is_string()) function["arguments"] = written(function["arguments"]);
    }
    message.tool_calls = written(calls);
  }
  return messages;
}

}  // namespace foreword::engine

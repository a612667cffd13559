#include "app/server/messages.h"

#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace foreword::app {
namespace {

/// A text, or a list of parts that are texts.
Result<std::string> read_content(const Json* content, const std::string& place) {
  if (content == nullptr) return std::string();
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) return wrong("\"content\" of " + place + " must be a text or a list of parts.");
  std::string text;
  for (const Json& part : *content) {
    const Json* type = part.is_object() ? field(part, "type") : nullptr;
    if (type == nullptr || !type->is_string()) return wrong("Each part of \"content\" of " + place + " must be an object with a \"type\".");
    if (*type != "text") return Error{ErrorCode::unsupported, "The model reads texts alone: " + place + " has a part of another type."};
    const Json* words = field(part, "text");
    if (words == nullptr || !words->is_string()) return wrong("A part of \"content\" of " + place + " has no \"text\".");
    text += words->get_ref<const std::string&>();
  }
  return text;
}

std::optional<engine::Role> role_named(const Json* name) {
  constexpr std::pair<std::string_view, engine::Role> kRoles[] = {{"system", engine::Role::system}, {"developer", engine::Role::system},
      {"user", engine::Role::user}, {"assistant", engine::Role::assistant}, {"tool", engine::Role::tool}};
  if (name == nullptr || !name->is_string()) return std::nullopt;
  for (const auto& [text, role] : kRoles) {
    if (name->get_ref<const std::string&>() == text) return role;
  }
  return std::nullopt;
}

/// As templates want them: the arguments, which come as a text of JSON, as what they are.
Result<std::string> read_calls(const Json& calls, const std::string& place) {
  if (!calls.is_array()) return wrong("\"tool_calls\" of " + place + " must be a list.");
  Json list = Json::array();
  for (const Json& call : calls) {
    const Json* function = call.is_object() ? field(call, "function") : nullptr;
    const Json* name = function != nullptr && function->is_object() ? field(*function, "name") : nullptr;
    if (name == nullptr || !name->is_string()) return wrong("Each of \"tool_calls\" of " + place + " must have a \"function\" with a \"name\".");
    const Json* arguments = field(*function, "arguments");
    Json read = arguments == nullptr ? Json::object() : *arguments;
    if (read.is_string()) {
      Json parsed = Json::parse(read.get_ref<const std::string&>(), nullptr, false);
      if (parsed.is_object()) read = std::move(parsed);
    }
    const Json* id = field(call, "id");
    list.push_back({{"id", id != nullptr && id->is_string() ? *id : Json("")}, {"type", "function"}, {"function", {{"name", *name}, {"arguments", std::move(read)}}}});
  }
  return list.empty() ? std::string() : written(list);
}

Result<engine::ChatMessage> read_message(const Json& message, const std::string& place) {
  if (!message.is_object()) return wrong("Each of \"messages\" must be an object with a \"role\" and a \"content\".");
  const auto role = role_named(field(message, "role"));
  if (!role) return wrong("\"role\" of " + place + R"( must be "system", "user", "assistant" or "tool".)");
  FW_ASSIGN(std::string content, read_content(field(message, "content"), place));
  std::string reasoning;
  if (const Json* thoughts = field(message, "reasoning_content"); thoughts != nullptr && thoughts->is_string()) reasoning = thoughts->get<std::string>();
  engine::ChatMessage read{*role, std::move(content), std::move(reasoning)};
  const auto text_of = [&](const char* key) {
    const Json* text = field(message, key);
    return text != nullptr && text->is_string() ? text->get<std::string>() : std::string();
  };
  if (*role == engine::Role::tool) {
    read.tool_call_id = text_of("tool_call_id");
    read.tool_name = text_of("name");
  }
  if (const Json* calls = field(message, "tool_calls"); calls != nullptr && *role == engine::Role::assistant) {
    FW_ASSIGN(read.tool_calls, read_calls(*calls, place));
  }
  return read;
}

}  // namespace

Result<std::vector<engine::ChatMessage>> read_messages(const Json& list) {
  std::vector<engine::ChatMessage> messages;
  std::map<std::string, std::string> called;  // the tools' names by the ids of calls
  for (const Json& one : list) {
    FW_ASSIGN(engine::ChatMessage message, read_message(one, "message " + std::to_string(messages.size() + 1)));
    if (message.role == engine::Role::tool && message.tool_name.empty()) message.tool_name = called[message.tool_call_id];
    if (!message.tool_calls.empty()) {
      for (const Json& call : Json::parse(message.tool_calls)) called[call["id"]] = call["function"]["name"];
    }
    messages.push_back(std::move(message));
  }
  return messages;
}

}  // namespace foreword::app

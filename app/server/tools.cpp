#include "app/server/tools.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/chance.h"
#include "engine/base/harmony.h"
#include "engine/schema/json_schema.h"

namespace foreword::app {
namespace {

constexpr std::size_t kMostTools = 128, kLongestName = 64;


bool is_name(const std::string& name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !name.empty() && name.size() <= kLongestName && name.find_first_not_of(kLetters) == std::string::npos;
}

Result<Json> read_list(const Json& tools) {
  if (!tools.is_array()) return wrong("\"tools\" must be a list.");
  if (tools.size() > kMostTools) return wrong("\"tools\" may have at most " + std::to_string(kMostTools) + " of them.");
  std::set<std::string> names;
  Json list = Json::array();
  for (const Json& tool : tools) {
    const Json* type = tool.is_object() ? field(tool, "type") : nullptr;
    if (type != nullptr && *type != "function") return Error{ErrorCode::unsupported, "Only tools of type \"function\" are supported."};
    const Json* function = tool.is_object() ? field(tool, "function") : nullptr;
    const Json* name = function != nullptr && function->is_object() ? field(*function, "name") : nullptr;
    if (name == nullptr || !name->is_string() || !is_name(name->get_ref<const std::string&>())) {
      return wrong("Each of \"tools\" must have a \"function\" with a \"name\" of at most " + std::to_string(kLongestName) + " letters, digits, \"_\", \"-\" and \".\".");
    }
    if (!names.insert(name->get<std::string>()).second) return wrong("Two of \"tools\" have the name \"" + name->get<std::string>() + "\".");
    const Json* parameters = field(*function, "parameters");
    if (parameters != nullptr && !parameters->is_object()) return wrong("\"parameters\" of the tool \"" + name->get<std::string>() + "\" must be a JSON schema.");
    Json own = {{"name", *name}, {"description", ""}, {"parameters", {{"type", "object"}, {"properties", Json::object()}}}};
    if (const Json* description = field(*function, "description"); description != nullptr && description->is_string()) own["description"] = *description;
    if (parameters != nullptr && !parameters->empty()) own["parameters"] = *parameters;
    list.push_back({{"type", "function"}, {"function", std::move(own)}});
  }
  return list;
}

/// A schema that stands at `place` of another one: what it refers to moves with it.
void move_references(Json& schema, const std::string& place) {
  if (schema.is_array()) {
    for (Json& item : schema) move_references(item, place);
  } else if (schema.is_object()) {
    for (auto& [key, value] : schema.items()) {
      if (key == "$ref" && value.is_string() && value.get_ref<const std::string&>().starts_with('#')) value = place + value.get<std::string>().substr(1);
      else if (key != "const" && key != "enum" && key != "default" && key != "examples") move_references(value, place);
    }
  }
}

/// An object that names one of these and gives its arguments.
Result<std::shared_ptr<const engine::Grammar>> call_form(const Json& tools) {
  Json schema = {{"anyOf", Json::array()}};
  for (const Json& tool : tools) {
    Json parameters = tool["function"]["parameters"];
    move_references(parameters, "#/anyOf/" + std::to_string(schema["anyOf"].size()) + "/properties/arguments");
    schema["anyOf"].push_back({{"type", "object"},
                               {"properties", {{"name", {{"const", tool["function"]["name"]}}}, {"arguments", std::move(parameters)}}},
                               {"required", {"name", "arguments"}},
                               {"additionalProperties", false}});
  }
  FW_ASSIGN(const engine::JsonForm form, engine::json_form(written(schema)));
  return form.grammar;
}

std::string fresh_id() {
  constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string id;
  for (std::uint64_t rest = any_number(); id.size() < 9; rest /= kDigits.size()) id += kDigits[rest % kDigits.size()];
  return id;
}

// ---- What models write ----------------------------------------------------------------------------------------------

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

/// What stands before `mark`, which is taken away with it; nothing: it is not there.
std::optional<std::string_view> until(std::string_view& rest, std::string_view mark) {
  const std::size_t at = rest.find(mark);
  if (at == rest.npos) return std::nullopt;
  const std::string_view before = rest.substr(0, at);
  rest.remove_prefix(at + mark.size());
  return before;
}

/// One JSON value at the beginning, which is taken away.
std::optional<Json> next_json(std::string_view& rest) {
  rest = rest.substr(std::min(rest.find_first_not_of(kBlanks), rest.size()));
  if (rest.empty() || (rest.front() != '{' && rest.front() != '[')) return std::nullopt;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (quoted && c == '\\') ++i;
    else if (c == '"') quoted = !quoted;
    else if (!quoted && (c == '{' || c == '[')) ++depth;
    else if (!quoted && (c == '}' || c == ']') && --depth == 0) {
      Json value = Json::parse(rest.substr(0, i + 1), nullptr, false);
      if (value.is_discarded()) return std::nullopt;
      rest.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

using Calls = std::vector<ToolCall>;

/// {"name": ..., "arguments" or "parameters": ...}, or a list of those.
bool add_calls(const Json& json, Calls& calls) {
  if (json.is_array()) return !json.empty() && std::ranges::all_of(json, [&](const Json& one) { return one.is_object() && add_calls(one, calls); });
  const Json* name = field(json, "name");
  if (name == nullptr || !name->is_string() || name->get_ref<const std::string&>().empty()) return false;
  const Json* arguments = field(json, "arguments");
  if (arguments == nullptr) arguments = field(json, "parameters");
  calls.push_back({fresh_id(), *name, arguments == nullptr ? "{}" : arguments->is_string() ? arguments->get<std::string>() : written(*arguments)});
  return true;
}

/// Of a value that stands as a text: what its schema calls anything but a text is read as JSON.
Json typed(std::string_view value, const Json& tools, const std::string& tool, const std::string& parameter) {
  const std::string text(value);
  for (const Json& one : tools) {
    if (one["function"]["name"] != tool) continue;
    const Json& parameters = one["function"]["parameters"];
    const Json properties = parameters.value("properties", Json::object());
    if (!properties.is_object() || !properties.contains(parameter)) break;
    const Json& schema = properties[parameter];
    if (schema.is_object() && schema.value("type", Json()) == "string") return text;
    const Json parsed = Json::parse(text, nullptr, false);
    return parsed.is_discarded() ? Json(text) : parsed;
  }
  return text;
}

/// NAME>{...}</function>, or NAME><parameter=KEY>VALUE</parameter>...</function>; behind "<function=".
bool read_function(std::string_view& rest, const Json& tools, Calls& calls) {
  const auto name = until(rest, ">");
  if (!name || !is_name(std::string(*name))) return false;
  const std::string tool(*name);
  Json arguments = Json::object();
  std::string_view behind = rest;
  if (auto object = next_json(behind)) {
    arguments = std::move(*object);
    rest = behind;
    until(rest, "</function>");
  } else {
    std::string_view body = until(rest, "</function>").value_or(std::exchange(rest, {}));
    while (until(body, "<parameter=")) {
      const auto key = until(body, ">");
      auto value = key ? until(body, "</parameter>") : std::nullopt;
      if (!value) return false;
      if (value->starts_with('\n')) value->remove_prefix(1);
      if (value->ends_with('\n')) value->remove_suffix(1);
      arguments[std::string(*key)] = typed(*value, tools, tool, std::string(*key));
    }
  }
  calls.push_back({fresh_id(), tool, written(arguments)});
  return true;
}

bool read_tagged(std::string_view& rest, const Json& tools, Calls& calls) {
  if (auto json = next_json(rest)) {
    until(rest, "</tool_call>");
    return add_calls(*json, calls);
  }
  if (!until(rest, "<function=") || !read_function(rest, tools, calls)) return false;
  until(rest, "</tool_call>");
  return true;
}

/// A list; or NAME{...}, NAME[ARGS]{...}, of which several may follow each other.
bool read_mistral(std::string_view& rest, const Json&, Calls& calls) {
  if (const auto json = next_json(rest)) return add_calls(*json, calls);
  std::string_view name = trimmed(rest.substr(0, rest.find_first_of("{[")));
  rest.remove_prefix(std::min(rest.find_first_of("{["), rest.size()));
  if (rest.starts_with("[CALL_ID]")) until(rest, "[ARGS]");
  else if (rest.starts_with("[ARGS]")) rest.remove_prefix(6);
  const auto arguments = next_json(rest);
  if (!arguments || !is_name(std::string(name))) return false;
  calls.push_back({fresh_id(), std::string(name), written(*arguments)});
  return true;
}

bool read_list_of_calls(std::string_view& rest, const Json&, Calls& calls) {
  const auto json = next_json(rest);
  if (!json || !add_calls(*json, calls)) return false;
  for (const std::string_view mark : {"<|/tool_call|>", "</|tool_call|>", "</tool_calls>"}) {
    if (trimmed(rest).starts_with(mark)) until(rest, mark);
  }
  return true;
}

/// function<sep>NAME, the arguments between fences; or NAME<sep>ARGUMENTS.
bool read_deepseek(std::string_view& rest, const Json&, Calls& calls) {
  bool any = false;
  while (until(rest, "<｜tool▁call▁begin｜>")) {
    const auto kind = until(rest, "<｜tool▁sep｜>");
    if (!kind) return false;
    const std::string_view name = *kind == "function" ? rest.substr(0, rest.find('\n')) : *kind;
    rest.remove_prefix(std::min(rest.find('{'), rest.size()));
    const auto arguments = next_json(rest);
    if (!arguments) return false;
    calls.push_back({fresh_id(), std::string(trimmed(name)), written(*arguments)});
    until(rest, "<｜tool▁call▁end｜>");
    any = true;
  }
  until(rest, "<｜tool▁calls▁end｜>");
  return any;
}

/// Several objects with semicolons between them.
bool read_python_tag(std::string_view& rest, const Json&, Calls& calls) {
  bool any = false;
  while (const auto json = next_json(rest)) {
    if (!add_calls(*json, calls)) return false;
    any = true;
    const std::string_view behind = trimmed(rest);
    if (behind.starts_with(';')) rest = behind.substr(1);
  }
  return any;
}

struct Syntax {
  std::string_view mark;
  /// What stands behind the mark, of which it takes the calls away. False: it is none.
  bool (*read)(std::string_view& rest, const Json& tools, Calls& calls);
};
constexpr Syntax kSyntaxes[] = {
    {"<tool_call>", read_tagged},                   // Hermes, Qwen, SmolLM3, and what we ask for where a template has no place for tools
    {"<function=", read_function},                  // Qwen3-Coder, Llama 3 of some
    {"[TOOL_CALLS]", read_mistral},                 // Mistral
    {"<|tool_call|>", read_list_of_calls},          // Granite 3, Phi 4 mini
    {"<tool_calls>", read_list_of_calls},
    {"<|python_tag|>", read_python_tag},            // Llama 3
    {"<｜tool▁calls▁begin｜>", read_deepseek},      // DeepSeek
};

bool knows(const Json& tools, const std::string& name) {
  return std::ranges::any_of(tools, [&](const Json& tool) { return tool["function"]["name"] == name; });
}

/// Nothing but calls of tools that there are, as JSON: Llama 3, and answers that had to be one.
std::optional<Calls> bare_calls(std::string_view said, const Json& tools) {
  Calls calls;
  if (!read_python_tag(said, tools, calls) || !trimmed(said).empty()) return std::nullopt;
  if (!std::ranges::all_of(calls, [&](const ToolCall& call) { return knows(tools, call.name); })) return std::nullopt;
  return calls;
}

bool begins_as_json(std::string_view said) {
  const std::string_view ink = trimmed(said);
  return ink.starts_with('{') || ink == "[" || (ink.starts_with('[') && trimmed(ink.substr(1)).starts_with('{'));
}

std::vector<std::string> marks() {
  std::vector<std::string> all;
  for (const Syntax& syntax : kSyntaxes) all.emplace_back(syntax.mark);
  return all;
}

}  // namespace

Result<ToolOffer> read_tools(const Json& body) {
  ToolOffer offer;
  const Json* tools = field(body, "tools");
  const Json* choice = field(body, "tool_choice");
  const Json* several = field(body, "parallel_tool_calls");
  if (several != nullptr && !several->is_boolean()) return wrong("\"parallel_tool_calls\" must be true or false.");
  offer.several = several == nullptr || several->get<bool>();
  const bool named = choice != nullptr && choice->is_object();
  if (choice != nullptr && !named && *choice != "auto" && *choice != "none" && *choice != "required") {
    return wrong(R"("tool_choice" must be "auto", "none", "required" or {"type": "function", "function": {"name": ...}}.)");
  }
  const bool must = named || (choice != nullptr && *choice == "required");
  Json list = Json::array();
  if (tools != nullptr) {
    FW_ASSIGN(list, read_list(*tools));
  }
  if (list.empty()) return must ? Result<ToolOffer>(wrong("\"tool_choice\" asks for a tool, but there are no \"tools\".")) : offer;
  if (choice != nullptr && *choice == "none") return offer;
  offer.tools = written(list);
  if (!must) return offer;
  if (named) {
    const Json* function = field(*choice, "function");
    const Json* name = function != nullptr && function->is_object() ? field(*function, "name") : nullptr;
    if (name == nullptr || !name->is_string()) return wrong("\"tool_choice\" must name a \"function\".");
    std::erase_if(list.get_ref<Json::array_t&>(), [&](const Json& tool) { return tool["function"]["name"] != *name; });
    if (list.empty()) return wrong("\"tool_choice\" names \"" + name->get<std::string>() + "\", which is not among the \"tools\".");
  }
  FW_ASSIGN(offer.form, call_form(list));
  return offer;
}

AnswerWithCalls split_calls(std::string_view said, std::string_view tools) {
  const Json list = Json::parse(tools, nullptr, false);
  if (auto calls = bare_calls(said, list)) return {"", std::move(*calls)};
  AnswerWithCalls answer;
  for (std::string_view rest = said; !rest.empty();) {
    const Syntax* first = nullptr;
    std::size_t at = rest.npos;
    for (const Syntax& syntax : kSyntaxes) {
      if (const std::size_t found = rest.find(syntax.mark); found < at) at = found, first = &syntax;
    }
    answer.said.append(rest.substr(0, at));
    if (first == nullptr) break;
    std::string_view behind = rest.substr(at + first->mark.size());
    Calls calls;
    if (first->read(behind, list, calls)) {
      std::ranges::move(calls, std::back_inserter(answer.calls));
      rest = behind;
    } else {
      answer.said.append(first->mark);
      rest.remove_prefix(at + first->mark.size());
    }
  }
  if (!answer.calls.empty()) answer.said.resize(answer.said.find_last_not_of(kBlanks) + 1);
  return answer;
}

CallGate::CallGate() : marks_(marks()) {}

std::string CallGate::push(std::string_view said) {
  const bool begins = trimmed(said_).empty();
  said_ += said;
  if (begins && begins_as_json(said_)) bare_ = true;
  if (bare_ || marks_.hit()) return {};
  std::string shown = marks_.push(said);
  passed_ += shown.size();
  return shown;
}

AnswerWithCalls CallGate::end(std::string_view tools, std::string_view answer) const {
  AnswerWithCalls rest = split_calls(said_, tools);
  rest.said.erase(0, passed_);
  if (const auto parts = split_harmony(answer)) {
    for (const HarmonyAnswer::Call& call : parts->calls) rest.calls.push_back({fresh_id(), std::string(call.name), std::string(trimmed(call.arguments))});
  }
  return rest;
}

}  // namespace foreword::app

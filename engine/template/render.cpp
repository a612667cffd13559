#include "engine/template/render.h"

#include <nlohmann/json.hpp>
#include <string>

#include "engine/template/evaluator.h"
#include "engine/template/functions.h"
#include "engine/template/globals.h"
#include "engine/template/json_value.h"

namespace foreword::engine::jinja {
namespace {

/// The variables of a template, apart from its functions.
void define_variables(Evaluator& evaluator, Runtime& runtime, std::span<const ChatMessage> messages,
                      const ChatTemplateOptions& options, Contents contents) {
  const auto content_of = [&](const ChatMessage& message) {
    const Value text = runtime.text(Text(message.content, false));
    if (contents == Contents::text) return text;
    const Value part = runtime.dict();
    runtime.set(*part.dict, "type", runtime.text("text"));
    runtime.set(*part.dict, "text", text);
    return runtime.list({part});
  };
  const auto of_json = [&](const std::string& text) { return value_of(runtime, nlohmann::ordered_json::parse(text, nullptr, false)); };
  Values list;
  for (const ChatMessage& message : messages) {
    const Value entry = runtime.dict();
    runtime.set(*entry.dict, "role", runtime.text(name_of(message.role)));
    runtime.set(*entry.dict, "content", content_of(message));
    if (message.role == Role::assistant && !message.reasoning.empty()) {
      const Value reasoning = runtime.text(Text(message.reasoning, false));
      for (const char* name : {"reasoning_content", "thinking"}) runtime.set(*entry.dict, name, reasoning);  // gpt-oss reads the second
    }
    if (!message.tool_calls.empty()) runtime.set(*entry.dict, "tool_calls", of_json(message.tool_calls));
    for (const auto& [name, text] : {std::pair("name", &message.tool_name), std::pair("tool_call_id", &message.tool_call_id)}) {
      if (!text->empty()) runtime.set(*entry.dict, name, runtime.text(Text(*text, false)));
    }
    list.push_back(entry);
  }
  if (!options.tools.empty()) evaluator.define("tools", of_json(options.tools));
  evaluator.define("messages", runtime.list(std::move(list)));
  evaluator.define("add_generation_prompt", Value::of(options.add_generation_prompt));
  evaluator.define("bos_token", runtime.text(options.bos_token));
  evaluator.define("eos_token", runtime.text(options.eos_token));
  if (options.thinking) {
    for (const char* name : {"enable_thinking", "thinking"}) evaluator.define(name, Value::of(*options.thinking));
    // What stands for none differs between models, and some refuse the words of others.
    if (*options.thinking) evaluator.define("reasoning_effort", runtime.text("high"));
  }
  evaluator.define("date_string", runtime.text(format_date(options.now, "%d %b %Y")));
  evaluator.define("datetime", runtime.text(format_date(options.now, "%b %d %Y")));
  for (const Function& function : global_functions()) {
    evaluator.define(std::string(function.name), runtime.bind({&function, Value()}));
  }
}

}  // namespace

Text render(const Template& source, std::span<const ChatMessage> messages, const ChatTemplateOptions& options,
            const Limits& limits, Contents contents) {
  Runtime runtime(limits, options.now);
  Evaluator evaluator(source, runtime);
  define_variables(evaluator, runtime, messages, options, contents);
  return evaluator.run();
}

}  // namespace foreword::engine::jinja

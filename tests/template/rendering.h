#pragma once
// Histories as the reference data writes them, and rendered text in one piece.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/template/built_in_format.h"
#include "engine/template/chat_template.h"
#include "tests/support/fixtures.h"

namespace foreword::engine::test {

struct History {
  std::vector<ChatMessage> messages;
  ChatTemplateOptions options;
};

/// 2025-03-07 09:05:02, the moment that the goldens were rendered at. The day of the week is left to be found.
inline std::tm golden_time() {
  std::tm now{};
  now.tm_year = 125;
  now.tm_mon = 2;
  now.tm_mday = 7;
  now.tm_hour = 9;
  now.tm_min = 5;
  now.tm_sec = 2;
  return now;
}

inline ChatTemplateOptions golden_options() {
  ChatTemplateOptions options;
  options.bos_token = "<s>";
  options.eos_token = "</s>";
  options.now = golden_time();
  return options;
}

/// Of three tokens.
inline Tokenizer tokenizer() {
  Metadata metadata;
  metadata.set("tokenizer.ggml.model", {std::string("llama")});
  metadata.set("tokenizer.ggml.tokens", {std::vector<std::string>{"<unk>", "<s>", "</s>"}});
  metadata.set("tokenizer.ggml.scores", {std::vector<double>(3, 0.0)});
  metadata.set("tokenizer.ggml.token_type", {std::vector<std::int64_t>(3, 3)});
  auto made = Tokenizer::from_gguf(metadata);
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

inline Role role_of(const std::string& name) {
  for (const Role role : {Role::system, Role::user, Role::assistant, Role::tool}) {
    if (name_of(role) == name) return role;
  }
  ADD_FAILURE() << "no role " << name;
  return Role::user;
}

inline History history_of(const nlohmann::json& json) {
  History history;
  for (const auto& message : json.at("messages")) {
    history.messages.push_back({role_of(message.at("role")), message.at("content"), message.at("reasoning"), message.value("tool_calls", ""),
                                message.value("name", ""), message.value("tool_call_id", "")});
  }
  history.options = golden_options();
  const auto& options = json.at("options");
  history.options.add_generation_prompt = options.value("add_generation_prompt", true);
  history.options.tools = options.value("tools", "");
  if (options.contains("enable_thinking")) history.options.thinking = options.at("enable_thinking").get<bool>();
  return history;
}

inline std::string joined(const std::vector<TextSpan>& spans) {
  std::string text;
  for (const TextSpan& span : spans) text += span.text;
  return text;
}

/// What the template gives, in the form of the goldens: {"text"}, {"raised"}, or {"error"} when it does not parse,
/// meets a limit, or falls back to a built-in format.
inline nlohmann::json outcome(const std::string& source, const History& history) {
  const auto chat_template = ChatTemplate::from_source(source);
  if (!chat_template) return {{"error", chat_template.error().message}};
  const auto rendered = chat_template->render(history.messages, history.options);
  if (!rendered) {
    const bool is_raised = rendered.error().code == ErrorCode::invalid_argument;
    return {{is_raised ? "raised" : "error", rendered.error().message}};
  }
  const std::string text = joined(*rendered);
  const auto built_in = find_built_in_format(
      [&](std::string_view wanted) { return source.find(wanted) != std::string::npos; }, "");
  const auto fallback = render_built_in(built_in, history.messages, history.options.add_generation_prompt);
  if (text == joined(fallback)) return {{"error", "fell back"}, {"text", text}};
  return {{"text", text}};
}

inline nlohmann::json read_json(const std::string& name) {
  return nlohmann::json::parse(foreword::test::read_text(foreword::test::data_dir() / "templates" / name));
}

}  // namespace foreword::engine::test

#pragma once
// Chat templates: an interpreter for the Jinja subset that model files carry, and built-in formats for files without
// one. Templates come from strangers' files: step, depth and output limits hold (Error, never a hang or a crash).

#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

enum class Role : std::uint8_t { system, user, assistant, tool };
std::string_view name_of(Role role);

struct ChatMessage {
  Role role = Role::user;
  std::string content;
  std::string reasoning;  // assistant only; empty = none
  // A JSON list of {"id", "type": "function", "function": {"name", "arguments": object}} that an assistant asked for; empty: none.
  std::string tool_calls = {};
  std::string tool_name = {}, tool_call_id = {};  // whose result a tool's message is
};

struct ChatTemplateOptions {
  bool add_generation_prompt = true;
  /// `enable_thinking` and `thinking`; true: also `reasoning_effort`, high. Nothing: they are undefined, and the model does as its template
  /// has it.
  std::optional<bool> thinking = {};
  std::string tools = {};            // a JSON list of {"type": "function", "function": {...}}; empty: none
  std::string bos_token, eos_token;  // texts, empty if none
  std::tm now{};                     // for strftime_now, date_string, datetime; the caller's clock
};

class ChatTemplate {
 public:
  /// From a file: its template, which may be a built-in format's name, else the built-in format that its tokens suggest, else plain; a text
  /// that has no place for messages logs one warning, and is as none. A template that does not
  /// parse or uses what we do not know logs one warning and falls back to the built-in format that its text suggests.
  static ChatTemplate from_gguf(const Metadata& metadata, const Tokenizer& tokenizer);
  /// Jinja source only. `invalid_argument` with line number if it does not parse.
  static Result<ChatTemplate> from_source(std::string_view source);
  /// By name ("chatml", "llama3", "plain", ...). `not_found` lists the names.
  static Result<ChatTemplate> built_in(std::string_view name);

  /// The prompt as stretches: bytes of the template are trusted, bytes that came from messages are not.
  /// `invalid_argument` with the template's own text for raise_exception; `corrupt` when a limit is hit. A Jinja
  /// template that fails at run time for another reason than raise_exception is rendered by the built-in format
  /// instead. One that does not know add_generation_prompt gets what begins an answer from that format, where the format needs it.
  Result<std::vector<TextSpan>> render(std::span<const ChatMessage> messages, const ChatTemplateOptions& options) const;

  /// "jinja" or the built-in format's name, for the model's details.
  std::string_view name() const;
  /// The template has a thinking mode: the model may reason before it speaks.
  bool thinks() const;
  /// What an answer without thoughts begins with where neither the prompt's end nor a switch in the template says that there are none;
  /// empty: nothing.
  std::string_view thoughtless() const;
  /// Texts that end an answer besides the end-of-generation tokens ("User:" of the plain format).
  std::span<const std::string> stop_strings() const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace foreword::engine

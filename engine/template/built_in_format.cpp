#include "engine/template/built_in_format.h"

#include <algorithm>
#include <optional>
#include <string>

#include "engine/template/text.h"

namespace foreword::engine {
namespace {

// In the order of detection: a row's texts may contain those of rows below.
constexpr BuiltInFormat kFormats[] = {
    {.name = "phi4",
     .found_by = {"<|im_start|>", "<|im_sep|>"},
     .system = {"<|im_start|>ROLE<|im_sep|>", "<|im_end|>"},
     .user = {"<|im_start|>ROLE<|im_sep|>", "<|im_end|>"},
     .assistant = {"<|im_start|>ROLE<|im_sep|>", "<|im_end|>"},
     .generation = "<|im_start|>assistant<|im_sep|>",
     .begins_answers = true},
    {.name = "chatml",
     .found_by = {"<|im_start|>", ""},
     .system = {"<|im_start|>ROLE\n", "<|im_end|>\n"},
     .user = {"<|im_start|>ROLE\n", "<|im_end|>\n"},
     .assistant = {"<|im_start|>ROLE\n", "<|im_end|>\n"},
     .generation = "<|im_start|>assistant\n",
     .begins_answers = true},
    {.name = "mistral-v7-tekken",
     .found_by = {"[INST]", "[SYSTEM_PROMPT]"},
     .tokenizer_model = "gpt2",
     .system = {"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"},
     .user = {"[INST]", "[/INST]"},
     .assistant = {"", "</s>"}},
    {.name = "mistral-v7",
     .found_by = {"[INST]", "[SYSTEM_PROMPT]"},
     .system = {"[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT]"},
     .user = {"[INST] ", "[/INST]"},
     .assistant = {" ", "</s>"}},
    {.name = "mistral-v3-tekken",
     .found_by = {"[INST]", "[AVAILABLE_TOOLS]"},
     .tokenizer_model = "gpt2",
     .system = {"", "\n\n"},
     .user = {"[INST]", "[/INST]"},
     .assistant = {"", "</s>"},
     .system_in_user = true},
    {.name = "mistral-v3",
     .found_by = {"[INST]", "[AVAILABLE_TOOLS]"},
     .system = {"", "\n\n"},
     .user = {"[INST] ", "[/INST]"},
     .assistant = {" ", "</s>", true},
     .system_in_user = true},
    {.name = "mistral-v1",
     .system = {"", "\n\n"},
     .user = {" [INST] ", " [/INST]"},
     .assistant = {" ", "</s>"},
     .system_in_user = true},
    {.name = "llama2",
     .found_by = {"[INST]", ""},
     .system = {"<<SYS>>\n", "\n<</SYS>>\n\n"},
     .user = {"[INST] ", " [/INST]"},
     .assistant = {"", "</s>"},
     .system_in_user = true},
    {.name = "phi3",
     .found_by = {"<|assistant|>", "<|end|>"},
     .system = {"<|ROLE|>\n", "<|end|>\n"},
     .user = {"<|ROLE|>\n", "<|end|>\n"},
     .assistant = {"<|ROLE|>\n", "<|end|>\n"},
     .generation = "<|assistant|>\n"},
    {.name = "zephyr",
     .found_by = {"<|user|>", "<|endoftext|>"},
     .system = {"<|ROLE|>\n", "<|endoftext|>\n"},
     .user = {"<|ROLE|>\n", "<|endoftext|>\n"},
     .assistant = {"<|ROLE|>\n", "<|endoftext|>\n"},
     .generation = "<|assistant|>\n"},
    {.name = "zephyr-beta",
     .system = {"<|ROLE|>\n", "</s>\n"},
     .user = {"<|ROLE|>\n", "</s>\n"},
     .assistant = {"<|ROLE|>\n", "</s>\n"},
     .generation = "<|assistant|>\n"},
    {.name = "gemma",
     .found_by = {"<start_of_turn>", ""},
     .system = {"", "\n\n", true},
     .user = {"<start_of_turn>user\n", "<end_of_turn>\n", true},
     .assistant = {"<start_of_turn>model\n", "<end_of_turn>\n", true},
     .system_in_user = true,
     .generation = "<start_of_turn>model\n"},
    {.name = "llama3",
     .found_by = {"<|start_header_id|>", "<|end_header_id|>"},
     .system = {"<|start_header_id|>ROLE<|end_header_id|>\n\n", "<|eot_id|>", true},
     .user = {"<|start_header_id|>ROLE<|end_header_id|>\n\n", "<|eot_id|>", true},
     .assistant = {"<|start_header_id|>ROLE<|end_header_id|>\n\n", "<|eot_id|>", true},
     .generation = "<|start_header_id|>assistant<|end_header_id|>\n\n",
     .begins_answers = true},
    {.name = "deepseek3",
     .found_by = {"<｜Assistant｜>", "<｜User｜>"},
     .system = {"", "\n\n"},
     .user = {"<｜User｜>", ""},
     .assistant = {"<｜Assistant｜>", "<｜end▁of▁sentence｜>"},
     .generation = "<｜Assistant｜>"},
    {.name = "granite",
     .found_by = {"<|start_of_role|>", ""},
     .system = {"<|start_of_role|>ROLE<|end_of_role|>", "<|end_of_text|>\n"},
     .user = {"<|start_of_role|>ROLE<|end_of_role|>", "<|end_of_text|>\n"},
     .assistant = {"<|start_of_role|>ROLE<|end_of_role|>", "<|end_of_text|>\n"},
     .generation = "<|start_of_role|>assistant<|end_of_role|>"},
    {.name = "gpt-oss",
     .found_by = {"<|start|>", "<|channel|>"},
     .system = {"<|start|>ROLE<|message|>", "<|end|>"},
     .user = {"<|start|>ROLE<|message|>", "<|end|>"},
     .assistant = {"<|start|>assistant<|channel|>final<|message|>", "<|end|>"},
     .generation = "<|start|>assistant"},
    {.name = "plain",
     .system = {"", "\n\n"},
     .user = {"User: ", "\n\n"},
     .assistant = {"Assistant: ", "\n\n", true},
     .generation = "Assistant:",
     .stop = "User:"},
};

std::string_view trimmed(std::string_view text) {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool has_begun = false;
  for (std::size_t at = 0; at < text.size();) {
    const jinja::Character c = jinja::character_at(text, at);
    if (!jinja::is_space(c.code_point)) {
      if (!has_begun) begin = at;
      has_begun = true;
      end = at + c.size;
    }
    at += c.size;
  }
  return text.substr(begin, end - begin);
}

class Writer {
 public:
  void add(std::string_view text, bool trusted) {
    if (text.empty()) return;
    if (spans_.empty() || spans_.back().trusted != trusted) spans_.push_back({"", trusted});
    spans_.back().text += text;
  }

  void open(const BuiltInTurn& turn, Role role) {
    static constexpr std::string_view kRole = "ROLE";
    const std::size_t at = turn.before.find(kRole);
    add(turn.before.substr(0, at), true);
    if (at == std::string_view::npos) return;
    add(name_of(role), true);
    add(turn.before.substr(at + kRole.size()), true);
  }

  void content(const BuiltInTurn& turn, std::string_view text) { add(turn.trims ? trimmed(text) : text, false); }
  void close(const BuiltInTurn& turn) { add(turn.after, true); }
  std::vector<TextSpan> take() { return std::move(spans_); }

 private:
  std::vector<TextSpan> spans_;
};

}  // namespace

std::span<const BuiltInFormat> built_in_formats() { return kFormats; }

const BuiltInFormat& find_built_in_format(const std::function<bool(std::string_view)>& has,
                                          std::string_view tokenizer_model) {
  const auto fits = [&](const BuiltInFormat& format) {
    const auto& [first, second] = format.found_by;
    return !first.empty() && (format.tokenizer_model.empty() || format.tokenizer_model == tokenizer_model) &&
           has(first) && (second.empty() || has(second));
  };
  const auto* found = std::find_if(std::begin(kFormats), std::end(kFormats), fits);
  return found == std::end(kFormats) ? *std::prev(std::end(kFormats)) : *found;
}

std::vector<TextSpan> render_built_in(const BuiltInFormat& format, std::span<const ChatMessage> messages,
                                      bool add_generation_prompt) {
  Writer out;
  std::vector<std::string_view> waiting;  // system texts that the next user turn takes in
  const auto user_turn = [&](Role role, std::optional<std::string_view> text) {
    out.open(format.user, role);
    for (const std::string_view system : waiting) {
      out.open(format.system, Role::system);
      out.content(format.system, system);
      out.close(format.system);
    }
    waiting.clear();
    if (text) out.content(format.user, *text);
    out.close(format.user);
  };
  for (const ChatMessage& message : messages) {
    if (message.role == Role::system && format.system_in_user) {
      waiting.push_back(message.content);
    } else if (message.role == Role::user || message.role == Role::tool) {
      user_turn(message.role, message.content);
    } else {
      if (!waiting.empty()) user_turn(Role::user, std::nullopt);
      const BuiltInTurn& turn = message.role == Role::system ? format.system : format.assistant;
      out.open(turn, message.role);
      out.content(turn, message.content);
      out.close(turn);
    }
  }
  if (!waiting.empty()) user_turn(Role::user, std::nullopt);
  if (add_generation_prompt) out.add(format.generation, true);
  return out.take();
}

}  // namespace foreword::engine

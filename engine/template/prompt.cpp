#include "engine/template/prompt.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <utility>

#include "engine/base/harmony.h"
#include "engine/template/tools.h"

namespace foreword::engine {
namespace {

// Stands where a text is to come, so that the template shows where that is, or that it has no place for it. A word that no template changes.
constexpr std::string_view kMarker = "ForewordCaret";

constexpr std::string_view kThink = "<think>", kThought = "</think>", kBetween = "\n\n", kBracketThink = "[THINK]";

void split_thoughts(ChatMessage& message) {
  if (message.role != Role::assistant) return;
  const auto parts = split_harmony(message.content);
  if (!parts) return;
  for (const std::string_view thought : parts->thoughts) message.reasoning.append(message.reasoning.empty() ? "" : "\n").append(thought);
  message.content = std::string(parts->said);
}

/// With the instructions at the head of the first question, as formats without a turn for them have it.
std::vector<ChatMessage> with_system_in_user(std::span<const ChatMessage> messages) {
  std::vector<ChatMessage> merged(messages.begin() + 1, messages.end());
  if (merged.empty() || merged.front().role != Role::user) merged.insert(merged.begin(), {Role::user, messages.front().content, {}});
  else merged.front().content.insert(0, messages.front().content + "\n\n");
  return merged;
}

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

/// With instructions that say something, which the first of the messages holds: the same text comes out whatever they say. That they are found
/// in it would not tell: a question may hold the same words.
bool loses_system(const ChatTemplate& format, std::vector<ChatMessage> messages, const ChatTemplateOptions& options, const std::vector<TextSpan>& spans) {
  messages.front().content.append(kMarker);
  const auto others = format.render(messages, options);
  return others && *others == spans;
}

/// Whether a message says this: within one stretch of what is not the template's own.
bool says(const std::vector<TextSpan>& spans, std::string_view text) {
  return std::ranges::any_of(spans, [&](const TextSpan& span) { return !span.trusted && span.text.find(text) != std::string::npos; });
}

/// What the template wrote last, without the white space behind it, and that.
struct Tail {
  std::string_view text, blank;
};
Tail tail_of(const std::vector<TextSpan>& prompt) {
  const std::string_view end = prompt.empty() || !prompt.back().trusted ? std::string_view() : std::string_view(prompt.back().text);
  const std::size_t size = end.find_last_not_of(" \n") + 1;  // npos + 1: 0
  return {end.substr(0, size), end.substr(size)};
}

/// What has to follow a prompt so that its answer begins without thoughts.
std::string without_thoughts(const ChatTemplate& format, const std::vector<TextSpan>& prompt) {
  const auto [tail, blank] = tail_of(prompt);
  if (tail.ends_with(kThought)) return {};
  if (!tail.ends_with(kThink)) return std::string(format.thoughtless());
  return std::string(kBetween.substr(kBetween.starts_with(blank) ? blank.size() : 0)).append(kThought).append(kBetween);
}

/// An answer that began without them holds none, nor do the marks of gpt-oss's form.
bool holds_thoughts(std::string_view answer) {
  return answer.find(kThink) != answer.npos || answer.find(kThought) != answer.npos || split_harmony(answer);
}

/// The beginning of an answer that is to go on. The marks of gpt-oss's form are trusted: only so they are the tokens that the model wrote.
std::vector<TextSpan> answer_spans(std::string_view answer) {
  auto parts = split_harmony(answer);
  if (!parts && answer.empty()) return {};
  if (!parts) return {{std::string(answer), false}};
  std::vector<std::string_view> texts = std::move(parts->thoughts);
  texts.push_back(parts->said);
  std::ranges::sort(texts, {}, [](std::string_view text) { return text.data(); });
  std::vector<TextSpan> spans;
  const char* at = answer.data();
  const auto add = [&](const char* end, bool trusted) {
    if (at != end) spans.push_back({std::string(at, end), trusted});
    at = end;
  };
  for (const std::string_view text : texts) {
    add(text.data(), true);
    add(text.data() + text.size(), false);
  }
  add(answer.data() + answer.size(), true);
  return spans;
}

/// Whether the template writes down tools, calls and results; it may leave any of them out without a word.
bool takes_tools(const ChatTemplate& format, std::vector<ChatMessage> messages, const ChatTemplateOptions& options) {
  const auto spans = format.render(messages, options);
  if (!spans) return false;
  const auto differs = [&](const std::vector<ChatMessage>& others, const ChatTemplateOptions& other_options) {
    const auto other = format.render(others, other_options);
    return !other || *other != *spans;
  };
  ChatTemplateOptions without = options;
  without.tools.clear();
  if (!options.tools.empty() && !differs(messages, without)) return false;
  // The last call and the last result stand for all.
  const auto result = std::find_if(messages.rbegin(), messages.rend(), [](const ChatMessage& message) { return message.role == Role::tool; });
  const auto call = std::find_if(messages.rbegin(), messages.rend(), [](const ChatMessage& message) { return !message.tool_calls.empty(); });
  if (result != messages.rend()) {
    const std::string own = result->content;
    result->content.append(kMarker);
    if (!differs(messages, options)) return false;
    result->content = own;
  }
  if (call != messages.rend()) {
    call->tool_calls.clear();
    if (!differs(messages, options)) return false;
  }
  return true;
}

}  // namespace

Result<std::vector<TextSpan>> render_chat(const ChatTemplate& format, const Tokenizer& tokenizer, std::vector<ChatMessage> messages,
                                          ChatTemplateOptions options) {
  options.bos_token = tokenizer.bos_text();
  options.eos_token = tokenizer.eos_text();
  for (ChatMessage& message : messages) split_thoughts(message);
  if (has_tools(messages, options) && !takes_tools(format, messages, options)) {
    messages = with_tools_as_text(messages, options.tools);
    options.tools.clear();
  }
  auto spans = format.render(messages, options);
  const bool has_system = !messages.empty() && messages.front().role == Role::system;
  if (!has_system || (!spans && spans.error().code != ErrorCode::invalid_argument)) return spans;
  const std::string_view system = trimmed(messages.front().content);
  if (spans && (system.empty() || !loses_system(format, messages, options, *spans))) return spans;
  auto again = format.render(with_system_in_user(messages), options);
  return again && (!spans || says(*again, system)) ? std::move(again) : std::move(spans);
}

std::string opening_of_thoughts(const std::vector<TextSpan>& prompt) {
  const auto [tail, blank] = tail_of(prompt);
  for (const std::string_view tag : {kThink, kBracketThink}) {
    if (tail.ends_with(tag)) return std::string(tag).append(blank);
  }
  return {};
}

Result<std::vector<TextSpan>> render_prompt(const ChatTemplate& format, const Tokenizer& tokenizer, std::vector<ChatMessage> messages,
                                            const ChatTemplateOptions& options, std::string_view answer_so_far) {
  FW_ASSIGN(std::vector<TextSpan> spans, render_chat(format, tokenizer, std::move(messages), options));
  // An answer of gpt-oss that began without thoughts is the text of a final message; its head stands in the prompt alone.
  const bool in_message = !answer_so_far.empty() && split_harmony(format.thoughtless());
  const bool thinks = options.thinking.value_or(true) && !in_message;
  if (!thinks && !holds_thoughts(answer_so_far)) spans.push_back({without_thoughts(format, spans), true});
  if (const std::string opening = opening_of_thoughts(spans); answer_so_far.starts_with(opening)) answer_so_far.remove_prefix(opening.size());
  std::vector<TextSpan> answer = answer_spans(answer_so_far);
  if (!answer.empty() && tokenizer.loses_first_space(spans)) answer.front().text.insert(0, " ");
  std::ranges::move(answer, std::back_inserter(spans));
  return spans;
}

Result<std::vector<TextSpan>> render_open_turn(const ChatTemplate& format, const Tokenizer& tokenizer, std::vector<ChatMessage> messages,
                                               ChatTemplateOptions options) {
  options.add_generation_prompt = false;
  if (messages.empty() || messages.back().role != Role::user) messages.push_back({Role::user, std::string(kMarker), {}});
  else messages.back().content.append("\n\n").append(kMarker);
  FW_ASSIGN(std::vector<TextSpan> spans, render_chat(format, tokenizer, std::move(messages), std::move(options)));
  while (!spans.empty()) {
    TextSpan& last = spans.back();
    if (const std::size_t at = last.text.rfind(kMarker); !last.trusted && at != std::string::npos) {
      last.text.resize(at);
      return spans;
    }
    spans.pop_back();
  }
  return Error{ErrorCode::unsupported, "This model's chat template does not show where a turn of the user begins, so there are no suggestions."};
}

}  // namespace foreword::engine

#include "engine/template/chat_template.h"

#include <algorithm>
#include <atomic>

#include "engine/base/log.h"
#include "engine/template/ast.h"
#include "engine/template/built_in_format.h"
#include "engine/template/render.h"
#include "engine/template/tools.h"

namespace foreword::engine {

std::string_view name_of(Role role) {
  static constexpr std::string_view kNames[] = {"system", "user", "assistant", "tool"};
  return kNames[static_cast<std::size_t>(role)];
}

struct ChatTemplate::Impl {
  std::optional<jinja::Template> source;  // else the built-in format alone
  const BuiltInFormat* format = nullptr;  // also what a failing source falls back to
  std::vector<std::string> stop_strings;
  bool thinks = false;
  std::string_view thoughtless;
  mutable std::atomic<bool> has_warned = false;  // that the source fails; said once

  explicit Impl(const BuiltInFormat& built_in) : format(&built_in) {}

  /// Only what renders without a source stops at texts.
  void use_format_alone() {
    if (!format->stop.empty()) stop_strings.emplace_back(format->stop);
  }
};

namespace {

constexpr std::string_view kTemplateKey = "tokenizer.chat_template";
/// What templates of models that reason hold: Qwen 3 and DeepSeek R1, SmolLM3, gpt-oss, Magistral.
constexpr std::string_view kThinking[] = {"<think>", "enable_thinking", "reasoning_effort", "[THINK]"};

bool has_thinking(std::string_view source) {
  return std::ranges::any_of(kThinking, [&](std::string_view mark) { return source.find(mark) != source.npos; });
}

/// How an answer goes on that has no thoughts, by texts of the template, and which text means that it can be told so by a switch.
struct Thoughtless {
  std::string_view found_by, switch_text, opening;
};
constexpr Thoughtless kThoughtless[] = {
    {"<|channel|>", {}, "<|channel|>final<|message|>"},          // gpt-oss can only be told to think less
    {"<think>", "thinking", "<think>\n\n</think>\n\n"}};  // `thinking`, `enable_thinking`

std::string_view thoughtless_opening(std::string_view source) {
  for (const Thoughtless& row : kThoughtless) {
    const bool has_switch = !row.switch_text.empty() && source.find(row.switch_text) != source.npos;
    if (source.find(row.found_by) != source.npos) return has_switch ? std::string_view() : row.opening;
  }
  return {};
}

std::string where(const jinja::Failure& failure) {
  return failure.line == 0 ? failure.message : "line " + std::to_string(failure.line) + ": " + failure.message;
}

const BuiltInFormat& suggested_by(std::string_view source, std::string_view tokenizer_model) {
  return find_built_in_format([&](std::string_view text) { return source.find(text) != std::string_view::npos; },
                              tokenizer_model);
}

/// For what templates do with every two messages: some look back from each of them.
constexpr std::size_t kStepsPerPair = 8, kBytesPerPair = 128, kMostPairSteps = 100'000'000, kMostPairBytes = std::size_t{1} << 30;

/// A longer history may take more.
jinja::Limits limits_for(std::span<const ChatMessage> messages, const ChatTemplateOptions& options) {
  std::size_t input_bytes = options.tools.size();
  for (const ChatMessage& message : messages) input_bytes += message.content.size() + message.reasoning.size() + message.tool_calls.size() + 256;
  jinja::Limits limits;
  const std::size_t n_pairs = messages.size() * messages.size();
  limits.steps += static_cast<std::int64_t>(input_bytes + std::min(kStepsPerPair * n_pairs, kMostPairSteps));
  limits.memory_bytes += 16 * input_bytes + std::min(kBytesPerPair * n_pairs, kMostPairBytes);
  limits.output_bytes += 4 * input_bytes;
  return limits;
}

std::vector<TextSpan> spans_of(const jinja::Text& text) {
  std::vector<TextSpan> spans;
  std::size_t begin = 0;
  for (const jinja::Text::Run& run : text.runs()) {
    spans.push_back({text.bytes().substr(begin, run.end - begin), run.trusted});
    begin = run.end;
  }
  return spans;
}

bool says_something(const std::vector<TextSpan>& spans) {
  return std::ranges::any_of(spans, [](const TextSpan& span) { return !span.trusted && !span.text.empty(); });
}

// Some templates read parts alone, and leave a content that is a text out without a word.
std::vector<TextSpan> spans_with_contents(const jinja::Template& source, std::span<const ChatMessage> messages, const ChatTemplateOptions& options,
                                          const jinja::Limits& limits) {
  std::vector<TextSpan> spans = spans_of(jinja::render(source, messages, options, limits));
  const bool has_contents = std::ranges::any_of(messages, [](const ChatMessage& message) { return message.content.find_first_not_of(" \t\r\n") != std::string::npos; });
  if (!has_contents || says_something(spans)) return spans;
  try {
    std::vector<TextSpan> of_parts = spans_of(jinja::render(source, messages, options, limits, jinja::Contents::parts));
    if (says_something(of_parts)) return of_parts;
  } catch (const jinja::Failure&) {
    // It does not read parts either.
  }
  return spans;
}

bool has_calls(std::span<const ChatMessage> messages) {
  return std::ranges::any_of(messages, [](const ChatMessage& message) { return !message.tool_calls.empty(); });
}

/// Whether what the template wrote behind the last message has the beginning of an answer.
bool begins_answer(const std::vector<TextSpan>& spans, std::string_view generation) {
  const std::string_view mark = generation.substr(0, generation.find_last_not_of('\n') + 1);
  return !spans.empty() && spans.back().trusted && spans.back().text.find(mark) != std::string::npos;
}

// Some templates do not know add_generation_prompt: behind a question the model would first have to write the head of its own turn.
std::vector<TextSpan> spans_with_answer(const jinja::Template& source, const BuiltInFormat& format, std::span<const ChatMessage> messages,
                                        ChatTemplateOptions options, const jinja::Limits& limits) {
  std::vector<TextSpan> spans = spans_with_contents(source, messages, options, limits);
  const bool asks = options.add_generation_prompt && !messages.empty() && messages.back().role == Role::user;
  if (!asks || !format.begins_answers || begins_answer(spans, format.generation)) return spans;
  options.add_generation_prompt = false;
  if (spans != spans_with_contents(source, messages, options, limits)) return spans;
  if (spans.empty() || !spans.back().trusted) spans.push_back({"", true});
  spans.back().text += format.generation;
  return spans;
}

}  // namespace

ChatTemplate ChatTemplate::from_gguf(const Metadata& metadata, const Tokenizer& tokenizer) {
  const auto text = metadata.string(kTemplateKey);
  if (!text) log(LogLevel::warning, "the chat template of this model is not a text: " + text.error().message);
  const std::string source = text && text->has_value() ? **text : std::string();
  if (auto named = built_in(source)) return *std::move(named);
  const bool is_template = source.find("{{") != source.npos || source.find("{%") != source.npos;
  if (!is_template && !source.empty()) log(LogLevel::warning, "the chat template of this model is a text without any place for messages; the format that its tokens suggest is used instead");
  ChatTemplate result;
  if (!is_template) {
    const auto has_token = [&](std::string_view token) { return tokenizer.find(token) != kNoToken; };
    const auto impl = std::make_shared<Impl>(find_built_in_format(has_token, tokenizer.model_name()));
    impl->use_format_alone();
    result.impl_ = impl;
    return result;
  }
  const auto impl = std::make_shared<Impl>(suggested_by(source, tokenizer.model_name()));
  impl->thinks = has_thinking(source);
  impl->thoughtless = thoughtless_opening(source);
  try {
    jinja::parse(source, impl->source.emplace());
  } catch (const jinja::Failure& failure) {
    impl->source.reset();
    impl->use_format_alone();
    log(LogLevel::warning, "the chat template of this model is not understood (" + where(failure) +
                               "); the built-in format '" + std::string(impl->format->name) + "' is used instead");
  }
  result.impl_ = impl;
  return result;
}

Result<ChatTemplate> ChatTemplate::from_source(std::string_view source) {
  const auto impl = std::make_shared<Impl>(suggested_by(source, ""));
  impl->thinks = has_thinking(source);
  impl->thoughtless = thoughtless_opening(source);
  try {
    jinja::parse(source, impl->source.emplace());
  } catch (const jinja::Failure& failure) {
    const bool is_limit = failure.kind == jinja::Failure::Kind::limit;
    return Error{is_limit ? ErrorCode::corrupt : ErrorCode::invalid_argument,
                 "The chat template cannot be read: " + where(failure) + "."};
  }
  ChatTemplate result;
  result.impl_ = impl;
  return result;
}

Result<ChatTemplate> ChatTemplate::built_in(std::string_view name) {
  std::string names;
  for (const BuiltInFormat& format : built_in_formats()) {
    if (format.name == name) {
      const auto impl = std::make_shared<Impl>(format);
      impl->use_format_alone();
      ChatTemplate result;
      result.impl_ = impl;
      return result;
    }
    names += (names.empty() ? "" : ", ") + std::string(format.name);
  }
  return Error{ErrorCode::not_found,
               "There is no chat format '" + std::string(name) + "'; choose one of " + names + "."};
}

Result<std::vector<TextSpan>> ChatTemplate::render(std::span<const ChatMessage> messages,
                                                   const ChatTemplateOptions& options) const {
  if (impl_->source) {
    try {
      return spans_with_answer(*impl_->source, *impl_->format, messages, options, limits_for(messages, options));
    } catch (const jinja::Failure& failure) {
      if (failure.kind == jinja::Failure::Kind::runtime && has_calls(messages)) {
        std::vector<ChatMessage> others = with_arguments_as_text({messages.begin(), messages.end()});
        if (!std::ranges::equal(others, messages, {}, &ChatMessage::tool_calls, &ChatMessage::tool_calls)) return render(others, options);
      }
      if (failure.kind == jinja::Failure::Kind::raised) return Error{ErrorCode::invalid_argument, failure.message};
      if (failure.kind == jinja::Failure::Kind::limit) return Error{ErrorCode::corrupt, failure.message + "."};
      if (!impl_->has_warned.exchange(true)) {
        log(LogLevel::warning, "the chat template of this model failed (" + where(failure) +
                                   "); the built-in format '" + std::string(impl_->format->name) + "' is used instead");
      }
    }
  }
  return render_built_in(*impl_->format, messages, options.add_generation_prompt);
}

bool ChatTemplate::thinks() const { return impl_->thinks; }
std::string_view ChatTemplate::thoughtless() const { return impl_->thoughtless; }
std::string_view ChatTemplate::name() const { return impl_->source ? "jinja" : impl_->format->name; }

std::span<const std::string> ChatTemplate::stop_strings() const { return impl_->stop_strings; }

}  // namespace foreword::engine

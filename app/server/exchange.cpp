#include "app/server/exchange.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>
#include <variant>

#include "app/server/gate.h"
#include "engine/base/reasoning.h"

namespace foreword::app {
namespace {

/// How often is looked whether who asked is still there, and how long nothing is sent at most.
constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::seconds kPing{15};

const Error kEnding{ErrorCode::cancelled, "The server is being ended."};

}  // namespace

HttpReply reply_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument: return error_reply(400, error.message);
    case ErrorCode::unsupported: return error_reply(400, error.message, "unsupported");
    case ErrorCode::not_found: return error_reply(503, error.message, "no_model");
    case ErrorCode::cancelled: return error_reply(503, error.message, "ended");
    default: return error_reply(500, error.message, name_of(error.code));
  }
}

Exchange::Exchange(ReplyHead head, const ApiRequest& request, std::unique_ptr<ServerDesk::Call> call, std::function<void(const std::string& line)> done)
    : head_(std::move(head)), stream_(request.stream), include_usage_(request.include_usage), most_seconds_(request.most_seconds), call_(std::move(call)), done_(std::move(done)) {
  const auto* texts = std::get_if<std::vector<ApiRequest::Text>>(&request.prompt);
  const std::size_t n = static_cast<std::size_t>(request.n);
  choices_.resize(n * (texts != nullptr ? texts->size() : 1));
  begun_.resize(choices_.size());
  echoed_.resize(choices_.size());
  if (texts == nullptr || !request.echo) return;
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    const auto* text = std::get_if<std::string>(&(*texts)[i / n]);
    echoes_text_.push_back(text != nullptr);
    if (text == nullptr) continue;
    take_piece(i, *text);
    echoed_[i] = text->size();
  }
}

std::optional<HttpReply> Exchange::refused() {
  while (!call_->over()) {
    const auto event = call_->next(kLook);
    if (!event) continue;
    if (const auto error = take(*event)) return reply_of(*error);
    if (!std::holds_alternative<engine::PrefixRestoring>(*event)) return std::nullopt;
  }
  return reply_of(kEnding);
}

std::optional<Error> Exchange::take(const engine::Event& event) {
  if (const auto* piece = std::get_if<engine::TextPiece>(&event)) {
    const std::size_t index = index_of(event);
    choices_[index].coming.add(piece->chances, echoed_[index]);
    take_piece(index, piece->text);
    look_at_the_clock();
  } else if (const auto* prompt = std::get_if<engine::PromptChances>(&event)) {
    take_prompt(index_of(event), *prompt);
  } else if (const auto* done = std::get_if<engine::GenerationDone>(&event)) {
    if (done->stats.stop_reason == engine::StopReason::cancelled && !cut_) return Error{ErrorCode::cancelled, "The answer was stopped."};
    end_choice(index_of(event), done->stats);
  } else if (const auto* failed = std::get_if<engine::GenerationFailed>(&event)) {
    return failed->error;
  }
  return std::nullopt;
}

void Exchange::look_at_the_clock() {
  const auto now = std::chrono::steady_clock::now();
  if (!began_) began_ = now;
  const bool line_ended = std::ranges::any_of(choices_, [](const Choice& choice) { return choice.text.find('\n') != std::string::npos; });
  if (most_seconds_ <= 0 || cut_ || !line_ended || now - *began_ < std::chrono::duration<double>(most_seconds_)) return;
  cut_ = true;
  call_->stop();
}

void Exchange::take_piece(std::size_t index, std::string_view text) {
  Choice& choice = choices_[index];
  AnswerStream::Part part;
  if (head_.shape == ReplyShape::chat) {
    part = choice.answer.add(text);
    pass_gate(choice, part);
  } else {
    part = {{}, std::string(text), choice.text.size()};
    choice.text += text;
  }
  if (!stream_ || (part.thought.empty() && part.said.empty())) return;
  send_piece(index, part);
}

void Exchange::pass_gate(Choice& choice, AnswerStream::Part& part) const {
  if (head_.tools.empty()) return;
  part.said_begin = split_reasoning(choice.answer.text()).answer.begin + choice.gate.passed();
  part.said = choice.gate.push(part.said);
  choice.text += part.said;
}

std::string Exchange::end_calls(Choice& choice) const {
  if (head_.tools.empty()) return {};
  auto [said, calls] = choice.gate.end(head_.tools, choice.answer.text());
  if (!head_.several_calls && calls.size() > 1) calls.resize(1);
  choice.calls = std::move(calls);
  choice.text += said;
  if (!choice.calls.empty()) choice.text.resize(choice.text.find_last_not_of(" \t\r\n") + 1);  // what stood before them
  return said;
}

void Exchange::take_prompt(std::size_t index, const engine::PromptChances& prompt) {
  if (echoes_text_.empty()) return;
  Choice& choice = choices_[index];
  choice.coming.add(prompt.tokens, 0);
  if (!echoes_text_[index]) {
    echoed_[index] += prompt.text.size();
    return take_piece(index, prompt.text);
  }
  if (!stream_) return;
  choice.chances = choice.coming.take(0, echoed_[index]);
  if (!choice.chances.empty()) send(piece_reply(head_, index, {}, choice, false));
}

void Exchange::send_piece(std::size_t index, const AnswerStream::Part& part) {
  Choice& choice = choices_[index];
  choice.chances = part.said.empty() ? std::vector<engine::TokenChances>() : choice.coming.take(part.said_begin, part.said_begin + part.said.size());
  send(piece_reply(head_, index, part, choice, !begun_[index]));
  begun_[index] = true;
}

void Exchange::end_choice(std::size_t index, const engine::GenerationStats& stats) {
  Choice& choice = choices_[index];
  choice.stats = stats;
  ++n_ended_;
  const bool chat = head_.shape == ReplyShape::chat;
  AnswerStream::Part rest = choice.answer.end();
  pass_gate(choice, rest);
  rest.said += end_calls(choice);
  if (stream_ && (!rest.thought.empty() || !rest.said.empty() || !begun_[index])) send_piece(index, rest);
  if (stream_ && !choice.calls.empty()) send(calls_reply(head_, index, choice));
  // Tokens behind all text belong to the answer, too, unless they are of the text that ended it.
  const std::string& text = chat ? choice.answer.text() : choice.text;
  const std::size_t said = chat ? split_reasoning(text).answer.begin : 0;
  choice.chances = choice.coming.take(said, stats.stop_reason == engine::StopReason::stop_string ? text.size() : ChanceQueue::kEnd);
  if (stream_) send(end_reply(head_, index, choice));
}

bool Exchange::write(HttpSink& sink) {
  auto sent = std::chrono::steady_clock::now();
  while (n_ended_ < choices_.size()) {
    const auto event = call_->next(kLook);
    if (sink.gone()) return false;
    std::optional<Error> error;
    if (event) error = take(*event);
    else if (call_->over()) error = kEnding;
    if (error && !stream_) return false;
    if (error) send(reply_of(*error).body);
    const auto now = std::chrono::steady_clock::now();
    if (out_.empty() && stream_ && now - sent > kPing) out_ = ": reading\n\n";
    if (!out_.empty()) {
      if (!sink.write(std::exchange(out_, {}))) return false;
      sent = now;
    }
    if (error) return true;
  }
  tell();
  if (!stream_) return sink.write(whole_reply(head_, choices_));
  if (include_usage_) send(usage_reply(head_, choices_));
  return sink.write(out_ + "data: [DONE]\n\n");
}

void Exchange::tell() {
  if (!done_) return;
  for (const Choice& choice : choices_) {
    const engine::GenerationStats& stats = *choice.stats;
    char line[160];
    std::snprintf(line, sizeof line, "%s: %lld tokens read, %lld of them known; %lld written in %.1f s, %s", head_.id.c_str(), static_cast<long long>(stats.prompt_tokens),
                  static_cast<long long>(stats.reused_tokens), static_cast<long long>(stats.n_tokens), stats.seconds, finish_reason(choice));
    done_(line);
  }
}

}  // namespace foreword::app

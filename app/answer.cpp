#include "app/answer.h"

#include <signal.h>

#include <chrono>
#include <csignal>
#include <variant>

#include "app/message_settings.h"

namespace foreword::app {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;  // a signal handler can reach nothing else
struct sigaction g_previous;

extern "C" void on_interrupt(int) { g_interrupted = 1; }

}  // namespace

InterruptGuard::InterruptGuard() {
  g_interrupted = 0;  // who stopped what was before did not mean this
  struct sigaction action {};
  action.sa_flags = SA_RESTART;  // a piece that is being printed arrives whole
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &g_previous);
}

InterruptGuard::~InterruptGuard() { sigaction(SIGINT, &g_previous, nullptr); }

bool InterruptGuard::take() {
  if (g_interrupted == 0) return false;
  g_interrupted = 0;
  return true;
}

Result<engine::ModelSummary> EngineClient::load(const std::filesystem::path& model, engine::ModelOptions options) {
  session_.send(engine::LoadModel{model, std::move(options)});
  while (auto event = outbox_.take()) {
    if (auto* ready = std::get_if<engine::ModelReady>(&*event)) return std::move(ready->model);
    if (auto* failed = std::get_if<engine::ModelFailed>(&*event)) return std::move(failed->error);
  }
  return Error{ErrorCode::cancelled, "The session ended."};
}

Result<void> EngineClient::ask(engine::Generate request, const std::function<void(const std::string& piece)>& on_text,
                               Answer& answer) {
  const InterruptGuard guard;
  request.id = next_id_++;
  const std::uint64_t id = request.id;
  answer.sampling = request.sampling;
  session_.send(std::move(request));
  for (;;) {
    const auto event = outbox_.take_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(100));
    if (InterruptGuard::take()) session_.send(engine::Stop{id});
    if (!event) continue;
    if (const auto* piece = std::get_if<engine::TextPiece>(&*event); piece != nullptr && piece->id == id) {
      answer.text += piece->text;
      answer.ids.insert(answer.ids.end(), piece->ids.begin(), piece->ids.end());
      if (on_text && !piece->text.empty()) on_text(piece->text);
    } else if (const auto* done = std::get_if<engine::GenerationDone>(&*event); done != nullptr && done->id == id) {
      answer.stats = done->stats;
      return {};
    } else if (const auto* failed = std::get_if<engine::GenerationFailed>(&*event); failed != nullptr && failed->id == id) {
      return failed->error;
    }
  }
}

Result<engine::Drafts> EngineClient::suggest(engine::Suggest request) {
  request.id = next_id_++;
  const std::uint64_t id = request.id;
  session_.send(std::move(request));
  while (auto event = outbox_.take()) {
    auto* drafts = std::get_if<engine::Drafts>(&*event);
    if (drafts == nullptr || drafts->id != id || drafts->reason == engine::SuggestReason::running) continue;
    if (drafts->reason == engine::SuggestReason::failed) return Error{ErrorCode::invalid_argument, drafts->message};
    return std::move(*drafts);
  }
  return Error{ErrorCode::cancelled, "The session ended."};
}

Report report_of(const engine::Drafts& drafts) {
  std::vector<Report> list;
  for (const engine::Draft& draft : drafts.drafts) {
    list.push_back(Report().set("text", draft.text).set("ids", draft.ids).set("score", draft.score).set("end", engine::name_of(draft.end)));
  }
  Report report;
  report.set("drafts", list)
      .set("prompt_tokens", drafts.prompt_tokens)
      .set("reused_tokens", drafts.reused_tokens)
      .set("decoded_tokens", drafts.decoded_tokens)
      .set("prompt_seconds", drafts.prompt_seconds)
      .set("first_word_seconds", drafts.first_word_seconds)
      .set("seconds", drafts.seconds);
  return report;
}

Report report_of(const Answer& answer) {
  Report report;
  report.set("text", answer.text)
      .set("ids", answer.ids)
      .set("n_tokens", answer.stats.n_tokens)
      .set("prompt_tokens", answer.stats.prompt_tokens)
      .set("reused_tokens", answer.stats.reused_tokens)
      .set("restored_tokens", answer.stats.restored_tokens)
      .set("restore_seconds", answer.stats.restore_seconds)
      .set("first_token_seconds", answer.stats.first_token_seconds)
      .set("seconds", answer.stats.seconds)
      .set("stop_reason", engine::name_of(answer.stats.stop_reason))
      .set("passes", answer.stats.passes)
      .set("drafted_tokens", answer.stats.drafted_tokens)
      .set("tokens_per_pass", answer.stats.tokens_per_pass());
  Report sampling;
  for (const engine::SamplerParam& param : engine::sampler_params()) sampling.set(param.name, rounded(param.get(answer.sampling)));
  report.set("sampling", sampling);
  Report drafters;
  for (const auto& drafter : answer.stats.drafters) drafters.set(drafter.name, drafter.accepted);
  report.set("drafters", drafters);
  return report;
}

}  // namespace foreword::app

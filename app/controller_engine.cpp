// The controller and the engine's events.

#include <algorithm>
#include <utility>

#include "app/builtin.h"
#include "app/controller.h"
#include "app/message_settings.h"
#include "app/words.h"
#include "engine/base/reasoning.h"
#include "ui/status_line.h"

namespace foreword::app {

namespace command = storage::command;

namespace {

constexpr double kLongWait = 3;  // seconds; a longer wait is told with an estimate

}  // namespace

void Controller::handle(engine::ModelLoading&& e) {
  if (e.share < 0) {
    view_.model = {ui::ModelState::loading, name_of_file(e.path), -1, {}};
    view_.status = {};
    reading_.loading_began_ms = out_.now_ms();
    return;
  }
  view_.model.progress = e.share;
  const double seconds = static_cast<double>(out_.now_ms() - reading_.loading_began_ms) / 1000 * (1 - e.share) / std::max(e.share, 1e-3);
  view_.model.left = seconds > kLongWait ? about_seconds(seconds) : std::string();
}

void Controller::handle(engine::ModelReady&& e) {
  view_.model = {ui::ModelState::ready, e.model.name, -1, {}};
  view_.status = {};
  view_.status.device = e.model.device + (e.model.device_reason.empty() ? "" : ", " + e.model.device_reason);
  view_.status.context_size = e.model.context;
  view_.status.memory_used = e.model.file_bytes + e.model.kv_bytes;
  view_.status.memory_total = e.model.memory_total;
  kv_now_ = e.model.kv;
  kv_modes_ = std::move(e.model.kv_modes);
  show_settings();
  context_.kv_bytes = e.model.kv_bytes;
  context_.trained = e.model.trained_context;
  context_.model_path = e.model.path.string();
  context_.size_before = -1;
  context_.recalled = 0;
  if (context_.chosen.overflow != ui::Overflow::summarise) forget_cut();
  if (e.model.vocabulary_only) {
    view_.model = {ui::ModelState::failed, e.model.name, -1, e.model.name + " holds only a vocabulary and cannot answer; open a whole model."};
    return notify_of_model(view_.model.failure);
  }
  if (!std::exchange(stands_in_, false)) forget_model_notices();
  if (start_model_ == StartModel::last_used) start_model_ = StartModel::settled;
  const bool builtin = e.model.path == options_.builtin;
  suggesters_.chat_device = e.model.name + " on " + e.model.device;
  suggesters_.chat_thinks = e.model.thinks;
  sampling_ = engine::advised(options_.sampling, e.model.sampling, options_.sampling_named);
  show_answers();
  view_.model.about = builtin ? kBuiltinAbout : advice_words(e.model.sampling, options_.sampling_named);
  out_.storage(command::RememberModel{next_request_++, {builtin ? kBuiltinKey : e.model.path.string(), e.model.name, out_.now_ms(), e.model.file_bytes}});
}

/// The model that was open before is so again: it still is, or it is opened anew, unless it is what has failed.
void Controller::handle(engine::ModelFailed&& e) {
  view_.model = {ui::ModelState::failed, name_of_file(e.path), -1, e.error.message};
  notify_of_model(e.error.message);
  stands_in_ = true;
  const bool larger = context_.size_before >= 0;  // what has failed is its larger context
  if (larger) {
    options_.model.context = std::exchange(context_.size_before, -1);
    context_.chosen.overflow = ui::Overflow::ask;
    save_chat_settings();
  }
  if (e.kept) return;
  if (start_model_ == StartModel::last_used) return open_builtin();
  if (larger || (!context_.model_path.empty() && e.path != context_.model_path)) open_model(context_.model_path);
}

void Controller::handle(engine::ModelUnloaded&&) {
  view_.model = {};
  view_.status = {};
  kv_now_.clear();
  kv_modes_.clear();
  show_settings();
}

void Controller::handle(engine::PrefixRestoring&& e) {
  if (e.id != running_) return;
  view_.status.activity = "Bringing back what was read: " + std::to_string(e.done) + " of " + std::to_string(e.total) + " tokens";
}

/// "Reading 1,200 tokens", and how long that takes if it is long enough to wonder.
void Controller::say_reading(std::int64_t left, std::int64_t total) {
  const double seconds = reading_.tokens_per_second > 0 ? static_cast<double>(left) / reading_.tokens_per_second : 0;
  view_.status.activity = left == total ? "Reading " + count_words(total, "token") : "Reading " + count_words(left, "token") + " of " + ui::grouped(total);
  if (seconds > kLongWait) view_.status.activity += ", " + about_seconds(seconds);
}

void Controller::handle(engine::GenerationStarted&& e) {
  if (e.id != engine_request()) return;
  reading_.began_ms = out_.now_ms();
  if (e.id != running_) return;
  if (shows(running())) {
    forget_prompt();
    view_.status.prompt_tokens = view_.status.context_used = e.prompt_tokens;
    view_.status.reused_tokens = e.reused_tokens;
  }
  say_reading(e.prompt_tokens - e.reused_tokens, e.prompt_tokens - e.reused_tokens);
}

void Controller::handle(engine::PromptProgress&& e) {
  if (e.id != running_ || summarising_.id != 0 || e.done >= e.total) return;
  const double seconds = static_cast<double>(out_.now_ms() - reading_.began_ms) / 1000;
  if (seconds > 0.05) reading_.tokens_per_second = static_cast<double>(e.done) / seconds;
  say_reading(e.total - e.done, e.total);
}

void Controller::handle(engine::TextPiece&& e) {
  Turn* turn = running();
  if (turn == nullptr) return;
  if (e.id == summarising_.id) summarising_.text += e.text;
  if (e.id != turn->id) return;
  turn->text += e.text;
  time_reasoning(*turn, e.text);
  if (ui::MessageRow* row = find_row(turn->answer_row)) {
    row->text += e.text;
    if (!row->text.empty()) row->state = ui::MessageState::streaming;
    row->reasoning_seconds = turn->reasoning_seconds;
  }
  view_.status.activity = "Answering";
  if (shows(turn)) {
    view_.status.tokens_per_second = e.tokens_per_second;
    view_.status.context_used = e.context_used;
  }
  store_growth(*turn);
}

/// How long the model thought: from the first piece to the one that ends its reasoning.
void Controller::time_reasoning(Turn& turn, const std::string& piece) {
  if (turn.text.size() == piece.size()) reading_.answer_began_ms = out_.now_ms();
  if (turn.reasoning_seconds > 0 || piece.find_first_of(">]") == piece.npos) return;  // no tag ends here
  const AnswerParts parts = split_reasoning(turn.text);
  if (parts.thinking || parts.reasoning.empty()) return;
  turn.reasoning_seconds = std::max(0.1, static_cast<double>(out_.now_ms() - reading_.answer_began_ms) / 1000);
}

void Controller::handle(engine::GenerationDone&& e) {
  if (e.id != engine_request()) return;
  if (e.id == summarising_.id && e.stats.stop_reason != engine::StopReason::cancelled) return summary_done();
  summarising_ = {};
  if (e.id == running_ && shows(running())) {
    view_.status.tokens_per_second = answer_speed(e.stats);
    view_.status.tokens_per_pass = e.stats.tokens_per_pass();
    view_.status.first_token_seconds = e.stats.first_token_seconds;
    view_.status.prompt_tokens = e.stats.prompt_tokens;
    view_.status.reused_tokens = e.stats.reused_tokens;
  }
  if (e.id == running_) {
    const std::int64_t read = e.stats.prompt_tokens - e.stats.reused_tokens;
    if (read > 0 && e.stats.prompt_seconds > 0.02) reading_.tokens_per_second = static_cast<double>(read) / e.stats.prompt_seconds;
  }
  const bool whole = ended_by_itself(e.stats.stop_reason);
  end_turn(whole ? ui::MessageState::complete : ui::MessageState::stopped, whole ? storage::Status::complete : storage::Status::stopped, e.id == running_ ? e.stats : engine::GenerationStats{});
}

void Controller::handle(engine::GenerationFailed&& e) {
  if (e.id != engine_request()) return;
  summarising_ = {};
  const bool stopped = e.error.code == ErrorCode::cancelled;
  if (!stopped) notify(ui::NoticeKind::error, e.error.message);
  end_turn(stopped ? ui::MessageState::stopped : ui::MessageState::failed,
           stopped ? storage::Status::stopped : storage::Status::failed, {});
}

}  // namespace foreword::app

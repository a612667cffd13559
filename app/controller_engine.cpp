// The controller and the engine's events.

#include "app/builtin.h"
#include "app/controller.h"
#include "app/words.h"

namespace foreword::app {

namespace command = storage::command;

void Controller::handle(engine::ModelLoading&& e) {
  view_.model = {ui::ModelState::loading, name_of_file(e.path), -1, {}};
  view_.status = {};
}

void Controller::handle(engine::ModelReady&& e) {
  view_.model = {ui::ModelState::ready, e.model.name, -1, {}};
  view_.status = {};
  view_.status.device = e.model.device;
  view_.status.context_size = e.model.context;
  if (e.model.vocabulary_only) {
    view_.model = {ui::ModelState::failed, e.model.name, -1, e.model.name + " holds only a vocabulary and cannot answer; open a whole model."};
    return notify(ui::NoticeKind::error, view_.model.failure);
  }
  if (start_model_ == StartModel::last_used) start_model_ = StartModel::settled;
  const bool builtin = e.model.path == options_.builtin;
  if (builtin) view_.model.about = kBuiltinAbout;
  out_.storage(command::RememberModel{next_request_++, {builtin ? kBuiltinKey : e.model.path.string(), e.model.name, out_.now_ms(), e.model.file_bytes}});
}

void Controller::handle(engine::ModelFailed&& e) {
  view_.model = {ui::ModelState::failed, name_of_file(e.path), -1, e.error.message};
  notify(ui::NoticeKind::error, e.error.message);
  if (start_model_ == StartModel::last_used) open_builtin();
}

void Controller::handle(engine::ModelUnloaded&&) {
  view_.model = {};
  view_.status = {};
}

void Controller::handle(engine::PrefixRestoring&& e) {
  if (e.id != running_) return;
  view_.status.activity = "Bringing back what was read: " + std::to_string(e.done) + " of " + std::to_string(e.total) + " tokens";
}

void Controller::handle(engine::GenerationStarted&& e) {
  if (e.id != running_) return;
  view_.status.prompt_tokens = e.prompt_tokens;
  view_.status.reused_tokens = e.reused_tokens;
  view_.status.tokens_per_second = view_.status.first_token_seconds = 0;
  view_.status.context_used = e.prompt_tokens;
  view_.status.activity = "Reading " + std::to_string(e.prompt_tokens - e.reused_tokens) + " tokens";
}

void Controller::handle(engine::PromptProgress&& e) {
  if (e.id != running_ || e.done >= e.total) return;
  view_.status.activity = "Reading: " + std::to_string(e.done) + " of " + std::to_string(e.total) + " tokens";
}

void Controller::handle(engine::TextPiece&& e) {
  Turn* turn = running();
  if (turn == nullptr || e.id != turn->id) return;
  turn->text += e.text;
  if (ui::MessageRow* row = find_row(turn->answer_row)) {
    row->text += e.text;
    if (!row->text.empty()) row->state = ui::MessageState::streaming;
  }
  view_.status.activity = "Answering";
  view_.status.tokens_per_second = e.tokens_per_second;
  view_.status.context_used = e.context_used;
  store_growth(*turn);
}

void Controller::handle(engine::GenerationDone&& e) {
  if (e.id != running_) return;
  view_.status.tokens_per_second = answer_speed(e.stats);
  view_.status.first_token_seconds = e.stats.first_token_seconds;
  view_.status.prompt_tokens = e.stats.prompt_tokens;
  view_.status.reused_tokens = e.stats.reused_tokens;
  const bool stopped = e.stats.stop_reason == engine::StopReason::cancelled;
  end_turn(stopped ? ui::MessageState::stopped : ui::MessageState::complete,
           stopped ? storage::Status::stopped : storage::Status::complete, e.stats);
}

void Controller::handle(engine::GenerationFailed&& e) {
  if (e.id != running_) return;
  const bool stopped = e.error.code == ErrorCode::cancelled;
  if (!stopped) notify(ui::NoticeKind::error, e.error.message);
  end_turn(stopped ? ui::MessageState::stopped : ui::MessageState::failed,
           stopped ? storage::Status::stopped : storage::Status::failed, {});
}

}  // namespace foreword::app

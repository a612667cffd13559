// The rows that are shown, and turns: a question, its answer, and how both reach the store.

#include <algorithm>
#include <utility>

#include "app/controller.h"
#include "app/message_settings.h"
#include "app/words.h"

namespace foreword::app {
namespace {

namespace command = storage::command;

engine::Role engine_role(ui::Author author) {
  switch (author) {
    case ui::Author::user: return engine::Role::user;
    case ui::Author::system: return engine::Role::system;
    default: return engine::Role::assistant;
  }
}

}  // namespace

void Controller::add_row(ui::Author author, storage::Id id, std::string text, ui::MessageState state) {
  ui::MessageRow row;
  row.id = next_row_++;
  row.author = author;
  row.state = state;
  row.text = std::move(text);
  view_.messages.push_back(std::move(row));
  rows_.push_back({id, engine_role(author), {}});
}

ui::MessageRow* Controller::find_row(std::int64_t row_id) {
  for (auto row = view_.messages.rbegin(); row != view_.messages.rend(); ++row) {
    if (row->id == row_id) return &*row;
  }
  return nullptr;
}

Controller::Row* Controller::find_stored(std::int64_t row_id) {
  const ui::MessageRow* row = find_row(row_id);
  return row == nullptr ? nullptr : &rows_[static_cast<std::size_t>(row - view_.messages.data())];
}

Controller::Turn* Controller::find_turn(storage::Request request) {
  for (auto& turn : turns_) {
    if (request != 0 && (turn->create == request || turn->user == request || turn->answer == request)) return turn.get();
  }
  return nullptr;
}

Controller::Turn* Controller::running() {
  for (auto& turn : turns_) {
    if (running_ != 0 && turn->id == running_) return turn.get();
  }
  return nullptr;
}

/// A new row for the answer to all that is shown.
void Controller::start_answer(std::unique_ptr<Turn> turn) {
  const std::size_t n_rows = rows_.size();
  turn->model = view_.model.name;
  add_row(ui::Author::assistant, 0, {}, ui::MessageState::waiting);
  view_.messages.back().name = turn->model;
  turn->answer_row = view_.messages.back().id;
  set_siblings(turn->answer_row, turn->answer_siblings, 0);
  run_turn(std::move(turn), n_rows);
}

/// Asks the engine for what follows the first `n_rows` rows and the turn's text.
void Controller::run_turn(std::unique_ptr<Turn> turn, std::size_t n_rows) {
  turn->id = next_turn_++;
  turn->asked_ms = out_.now_ms();
  turn->drawing = drawing();
  if (!turn->drawing.same_seed) turn->drawing.sampling.seed += turn->id;
  turn->settings = message_settings(turn->drawing.sampling, turn->drawing.max_tokens, thinking_);
  running_ = turn->id;
  view_.generating = true;
  show_settings();
  view_.status.activity = "Reading what was said";
  turns_.push_back(std::move(turn));
  Turn& here = *turns_.back();
  if (here.user_id != 0) begin_storing(here);
  if (!summarise(n_rows)) send_prompt(here, n_rows);
}

void Controller::send_prompt(Turn& turn, std::size_t n_rows) {
  engine::Generate generate;
  generate.id = turn.id;
  generate.sampling = turn.drawing.sampling;
  generate.max_tokens = turn.drawing.max_tokens;
  generate.thinking = thinking_;
  generate.answer_so_far = turn.text;
  generate.chat = view_.private_chat ? kPrivateChat : turn.chat;
  std::vector<engine::ChatMessage> messages = prompt_of(n_rows).messages;
  if (!turn.unsaved) turn.said = messages;
  generate.prompt = std::move(messages);
  if (const std::uint64_t request = titler_.cancel(); request != 0) out_.engine(engine::Stop{request});
  suggestions_.job_lost();
  out_.engine(std::move(generate));
}

/// Chat and parent are known.
void Controller::store_question(Turn& turn) {
  turn.waits_for = 0;
  turn.user = next_request_++;
  storage::NewMessage message;
  message.chat_id = turn.chat;
  message.parent_id = turn.parent;
  message.content = turn.user_text;
  learn({{turn.chat, turn.user_text}}, false);
  out_.storage(command::AppendMessage{turn.user, std::move(message)});
}

/// The user's message is stored, so the answer can be: what there is of it, and then its growth.
void Controller::begin_storing(Turn& turn) {
  turn.begun = true;
  turn.answer = next_request_++;
  storage::NewMessage message;
  message.chat_id = turn.chat;
  message.parent_id = turn.user_id;
  message.role = storage::Role::assistant;
  message.status = storage::Status::streaming;
  message.content = turn.text;
  message.model = turn.model;
  message.settings = turn.settings;
  turn.stored = turn.text.size();
  out_.storage(command::BeginAnswer{turn.answer, std::move(message)});
  if (turn.end) out_.storage(command::FinishAnswer{turn.answer, *turn.end});
}

void Controller::store_growth(Turn& turn) {
  if (!turn.begun || turn.stored == turn.text.size()) return;
  out_.storage(command::AppendText{turn.answer, turn.text.substr(turn.stored), {}});
  turn.stored = turn.text.size();
}

void Controller::forget_turn(Turn& turn) {
  std::erase_if(turns_, [&](const auto& t) { return t.get() == &turn; });
}

/// The conversation goes on, unsaved; so do the turns that would hang below this one.
void Controller::give_up_storing(Turn& turn) {
  turn.unsaved = true;
  turn.begun = false;
  turn.create = turn.user = turn.answer = 0;
  const std::uint64_t id = turn.id;
  if (id != running_) forget_turn(turn);
  const auto below = std::find_if(turns_.begin(), turns_.end(), [&](const auto& t) { return t->waits_for == id; });
  if (below != turns_.end()) {
    (*below)->waits_for = 0;
    give_up_storing(**below);
  }
}

void Controller::end_turn(ui::MessageState state, storage::Status status, const engine::GenerationStats& stats) {
  Turn* turn = running();
  running_ = 0;
  view_.generating = false;
  show_settings();
  view_.status.activity.clear();
  if (turn == nullptr) return find_title();
  announce_end(*turn, state);
  if (ui::MessageRow* row = find_row(turn->answer_row)) {
    row->state = state;
    row->stats = state == ui::MessageState::failed ? std::string() : stats_line(stats);
  }
  storage::MessageEnd end;
  end.status = status;
  end.stats = {stats.prompt_tokens, stats.reused_tokens, stats.n_tokens, stats.first_token_seconds, stats.seconds,
               std::string(name_of(stats.stop_reason)), turn->reasoning_seconds};
  turn->end = end;
  store_growth(*turn);
  if (turn->begun) out_.storage(command::FinishAnswer{turn->answer, end});
  if (!storage_works_ || turn->unsaved) forget_turn(*turn);
}

}  // namespace foreword::app

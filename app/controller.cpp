#include "app/controller.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "app/builtin.h"
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

Controller::Controller(Outboxes outboxes, Options options) : out_(std::move(outboxes)), options_(std::move(options)) {
  if (!options_.builtin.empty()) view_.builtin_model = {options_.builtin, kBuiltinName};
  show_settings();
}

void Controller::start(const std::string& model) {
  list_everything();
  start_model_ = StartModel::awaited;
  named_model_ = model;
}

void Controller::list_everything() {
  out_.storage(command::ListSettings{next_request_++});
  out_.storage(command::ListChats{next_request_++});
  out_.storage(command::ListModels{next_request_++});
  out_.storage(command::ListBin{next_request_++});
}

/// After every event: what follows from what is shown now.
void Controller::keep_up() {
  view_.opening_chat = opening_ != 0;
  keep_count();
  recall_chat();
  keep_suggestions();
}

void Controller::on(engine::Event event) {
  std::optional<ChatTitler::Title> title;
  if (titler_.on(event, title)) {
    if (title) out_.storage(command::AutomaticTitle{next_request_++, title->chat, std::move(title->text)});
    find_title();
    return keep_suggestions();
  }
  std::visit([this](auto&& e) { handle(std::forward<decltype(e)>(e)); }, std::move(event));
  keep_up();
}

void Controller::on(storage::Event event) {
  std::visit([this](auto&& e) { handle(std::forward<decltype(e)>(e)); }, std::move(event));
  keep_up();
}

void Controller::on(ui::UiEvent event) {
  std::visit([this](auto&& e) { handle(std::forward<decltype(e)>(e)); }, std::move(event));
  keep_up();
}

bool Controller::settled() const {
  return n_aside_ == 0 && running_ == 0 && turns_.empty() && opening_ == 0 && !titler_.busy() && start_known() && view_.model.state != ui::ModelState::loading;
}

bool Controller::quit() const {
  return quit_ && std::ranges::all_of(turns_, [](const auto& turn) { return turn->unsaved || turn->begun; });
}

// ---- Rows and turns -------------------------------------------------------------------------------------------------

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
  turn->settings = message_settings(sampling_of(*turn), options_.max_tokens);
  running_ = turn->id;
  view_.generating = true;
  show_settings();
  view_.status.activity = "Reading what was said";
  turns_.push_back(std::move(turn));
  Turn& here = *turns_.back();
  if (here.user_id != 0) begin_storing(here);
  if (!summarise(n_rows)) send_prompt(here, n_rows);
}

engine::SamplingParams Controller::sampling_of(const Turn& turn) const {
  engine::SamplingParams sampling = options_.sampling;
  if (!options_.same_seed) sampling.seed += turn.id;
  return sampling;
}

void Controller::send_prompt(Turn& turn, std::size_t n_rows) {
  engine::Generate generate;
  generate.id = turn.id;
  generate.sampling = sampling_of(turn);
  generate.max_tokens = options_.max_tokens;
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

void Controller::aside(SideWork work) {
  ++n_aside_;
  const auto counted = [this, work = std::move(work)]() -> Afterwards {
    return [this, after = work()] {
      --n_aside_;
      after();
    };
  };
  out_.aside ? out_.aside(counted) : counted()();
}

void Controller::notify(ui::NoticeKind kind, std::string text) {
  constexpr std::size_t kMost = 20;
  if (!view_.notices.empty() && view_.notices.back().text == text) return;
  view_.notices.push_back({next_notice_++, kind, std::move(text)});
  if (view_.notices.size() > kMost) view_.notices.erase(view_.notices.begin());
}

void Controller::refresh_chats() {
  if (view_.search.empty()) {
    out_.storage(command::ListChats{next_request_++});
  } else {
    out_.storage(command::Search{next_request_++, view_.search});
  }
}

std::string Controller::name_of_file(const std::filesystem::path& path) const {
  return path == options_.builtin ? kBuiltinName : path.filename().string();
}

void Controller::open_model(const std::string& path) {
  if (running_ != 0) out_.engine(engine::Stop{engine_request()});
  if (const std::uint64_t request = titler_.cancel(); request != 0) out_.engine(engine::Stop{request});
  view_.model = {ui::ModelState::loading, name_of_file(path), -1, {}};
  suggestions_.job_lost();
  choose_writer();  // the small one gives its memory up first (A52)
  out_.engine(engine::LoadModel{path, options_.model});
}

void Controller::open_start_model() {
  if (named_model_.empty()) return open_builtin();
  start_model_ = StartModel::settled;
  open_model(named_model_);
}

void Controller::open_builtin() {
  start_model_ = StartModel::settled;
  if (!options_.builtin.empty()) open_model(options_.builtin);
}

void Controller::show_new_chat(bool private_chat) {
  leave_private_chat();
  opening_ = 0;
  current_ = view_.current_chat = 0;
  view_.private_chat = private_chat;
  view_.messages.clear();
  rows_.clear();
  view_.draft = drafts_[0];
  show_chat_settings({});
}

/// What was said there is gone; nobody would see the rest of an answer.
void Controller::leave_private_chat() {
  if (!view_.private_chat) return;
  if (running_ != 0) out_.engine(engine::Stop{engine_request()});
  forget_text(kPrivateChat, false);
  view_.private_chat = false;
}

// ---- The window's events --------------------------------------------------------------------------------------------

void Controller::handle(ui::SendMessage&& e) {
  if (can_ask() && !e.text.empty()) ask(std::move(e.text), {}, 0);
}

/// All of the chat that this answer ended, for a title, which is looked for when nothing else is to do.
void Controller::ask_for_title(const Turn& turn) {
  std::vector<engine::ChatMessage> said = turn.said;
  said.push_back({engine::Role::assistant, turn.text, {}});
  titler_.said(turn.chat, std::move(said));
  find_title();
}

void Controller::find_title() {
  view_.status.activity = view_.generating ? view_.status.activity : std::string();
  if (running_ != 0 || view_.model.state != ui::ModelState::ready) return;
  auto generate = titler_.ask(next_turn_);
  if (generate) {
    ++next_turn_;
    suggestions_.job_lost();
    out_.engine(*std::move(generate));
  }
  if (titler_.busy()) view_.status.activity = "Looking for a title";
}

/// A message of the user below the last row, and its answer.
void Controller::ask(std::string text, std::vector<storage::Id> older_versions, storage::Id edited) {
  auto turn = std::make_unique<Turn>();
  turn->edited = edited;
  turn->chat = current_;
  turn->parent = rows_.empty() ? 0 : rows_.back().id;
  turn->user_text = text;
  turn->question_siblings = std::move(older_versions);
  for (const auto& before : turns_) {
    const bool above = !view_.messages.empty() && before->answer_row == view_.messages.back().id;
    if (above && before->answer_id == 0) before->unsaved ? turn->unsaved = true : turn->waits_for = before->id;
  }
  add_row(ui::Author::user, 0, std::move(text), ui::MessageState::complete);
  turn->user_row = view_.messages.back().id;
  set_siblings(turn->user_row, turn->question_siblings, 0);
  drafts_.erase(current_);
  if (!saves()) turn->unsaved = true;
  if (!turn->unsaved && turn->waits_for == 0) {
    if (current_ == 0) {
      turn->create = next_request_++;
      out_.storage(command::CreateChat{turn->create, storage::NewChat{.title = title_from(turn->user_text), .settings = context_.chosen == ChatSettings{} ? std::string() : write_chat_settings({}, context_.chosen)}});
    } else {
      store_question(*turn);
    }
  }
  start_answer(std::move(turn));
}

void Controller::handle(ui::StopGenerating&&) {
  if (running_ != 0) out_.engine(engine::Stop{engine_request()});
}

void Controller::handle(ui::NewChat&& e) { show_new_chat(e.private_chat); }

void Controller::open_chat(storage::Id id) {
  opening_ = next_request_++;
  out_.storage(command::OpenChat{opening_, id});
}

/// A search hit is opened at the branch in which it stands.
void Controller::handle(ui::SelectChat&& e) {
  const auto hit = hits_.find(e.id);
  if (view_.search.empty() || hit == hits_.end()) return open_chat(e.id);
  opening_ = next_request_++;
  out_.storage(command::ShowMessage{opening_, hit->second});
}

void Controller::handle(ui::RenameChat&& e) {
  for (const ui::ChatRow& chat : view_.chats) {
    if (chat.id == e.id) can_undo({command::RenameChat{0, e.id, chat.title, chat.named}}, {});
  }
  titler_.drop(e.id);
  out_.storage(command::RenameChat{next_request_++, e.id, std::move(e.title)});
}

void Controller::handle(ui::PinChat&& e) { out_.storage(command::PinChat{next_request_++, e.id, e.pinned}); }

void Controller::handle(ui::DeleteChat&& e) {
  const Turn* turn = running();
  if (turn != nullptr && turn->chat == e.id) out_.engine(engine::Stop{engine_request()});
  out_.storage(command::DeleteChat{next_request_++, e.id});
}

void Controller::handle(ui::SearchChanged&& e) {
  view_.search = std::move(e.query);
  refresh_chats();
}

void Controller::handle(ui::DraftLeft&& e) { drafts_[e.chat] = std::move(e.text); }

void Controller::handle(ui::OpenModel&& e) {
  start_model_ = StartModel::settled;
  open_model(e.path);
}

void Controller::handle(ui::OpenLink&& e) {
  if (!out_.open_link) return;
  if (const auto result = out_.open_link(e.target); !result) notify(ui::NoticeKind::error, result.error().message);
}

void Controller::handle(ui::DismissNotice&& e) {
  std::erase_if(view_.notices, [&](const ui::Notice& notice) { return notice.id == e.id; });
}

void Controller::handle(ui::Quit&&) { quit_ = true; }

}  // namespace foreword::app

#include "app/controller.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "app/builtin.h"
#include "app/words.h"

namespace foreword::app {

namespace command = storage::command;

Controller::Controller(Outboxes outboxes, Options options)
    : out_(std::move(outboxes)),
      options_(std::move(options)),
      hub_(view_, out_.hub,
           {.question = [this](std::string text) { return hub_question(std::move(text)); },
            .now_ms = out_.now_ms,
            .aside = [this](SideWork work) { aside(std::move(work)); },
            .notify = [this](ui::NoticeKind kind, std::string text) { notify(kind, std::move(text)); },
            .model_came = [this] { handle(ui::FindModels{}); },
            .downloads_changed = [this] { stay_awake(); }}) {
  if (!options_.builtin.empty()) view_.builtin_model = {options_.builtin, kBuiltinName};
  show_settings();
  show_answers();
}

void Controller::start(const std::string& model) {
  list_everything();
  hub_.start();
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
  const Turn* answered = running();
  view_.answering_chat = answered == nullptr ? 0 : answered->chat;
  view_.elsewhere = answered != nullptr && !shows(answered);
  stay_awake();
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

// ---- What all of it shares ------------------------------------------------------------------------------------------

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

void Controller::notify_of_model(std::string failure) {
  notify(ui::NoticeKind::error, std::move(failure));
  model_notices_.push_back(view_.notices.back().id);
}

void Controller::forget_model_notices() {
  std::erase_if(view_.notices, [this](const ui::Notice& notice) { return std::ranges::find(model_notices_, notice.id) != model_notices_.end(); });
  model_notices_.clear();
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
  out_.engine(engine::LoadModel{path, with_sibling(path, options_.builtin, options_.model)});
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
  leave_chat();
  forget_prompt();
  opening_ = 0;
  current_ = view_.current_chat = 0;
  view_.private_chat = private_chat;
  view_.title.clear();
  view_.messages.clear();
  rows_.clear();
  view_.stored_as = 0;
  view_.draft = draft_of(draft_key());
  show_chat_settings();
}

/// The status line tells of the last prompt of the chat that is shown, and of no other chat's.
void Controller::forget_prompt() {
  ui::StatusView& status = view_.status;
  status.prompt_tokens = status.reused_tokens = status.context_used = 0;
  status.tokens_per_second = status.tokens_per_pass = status.first_token_seconds = 0;
}

/// What was said in a private one is gone; nobody would see the rest of an answer. The next new one is another.
void Controller::leave_chat() {
  if (current_ == 0 && !rows_.empty()) forget_new_answers(draft_key());
  if (!view_.private_chat) return;
  if (running_ != 0) out_.engine(engine::Stop{engine_request()});
  forget_text(kPrivateChat, false);
  forget_new_answers(kPrivateChat);
  view_.private_chat = false;
}

// ---- The window's events --------------------------------------------------------------------------------------------

void Controller::handle(ui::SendMessage&& e) {
  if (e.text.empty()) return;
  if (!can_ask()) return give_back(std::move(e.text), view_.generating ? "An answer is still being written." : "No model is open.");
  ask(std::move(e.text), {}, 0);
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
  keep_draft(draft_key(), {});
  if (!saves()) turn->unsaved = true;
  if (!turn->unsaved && turn->waits_for == 0) {
    if (current_ == 0) {
      turn->create = next_request_++;
      out_.storage(command::CreateChat{turn->create, storage::NewChat{.title = title_from(turn->user_text), .system_prompt = instructions(), .settings = context_.chosen == ChatSettings{} ? std::string() : write_chat_settings({}, context_.chosen)}});
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

/// Something was brought in or back there; it waits while a private chat is open, which another one would end.
void Controller::show_changed_chat(storage::Id id) {
  if (!view_.private_chat) open_chat(id);
}

/// A search hit is opened at the branch in which it stands, and at its message.
void Controller::handle(ui::SelectChat&& e) {
  const auto hit = hits_.find(e.id);
  if (view_.search.empty() || hit == hits_.end()) return open_chat(e.id);
  opening_ = next_request_++;
  out_.storage(command::ShowMessage{opening_, hit->second.message});
  leading_ = opening_;
  leads_to_ = {view_.place.id + 1, hit->second.message, view_.search, hit->second.words};
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

void Controller::handle(ui::OpenModel&& e) {
  start_model_ = StartModel::settled;
  stands_in_ = false;
  open_model(e.path);
}

void Controller::handle(ui::OpenLink&& e) {
  if (!out_.open_link) return;
  if (const auto result = out_.open_link(e.target); !result) notify(ui::NoticeKind::error, result.error().message);
}

void Controller::handle(ui::DismissNotice&& e) {
  std::erase_if(view_.notices, [&](const ui::Notice& notice) { return notice.id == e.id; });
}

}  // namespace foreword::app

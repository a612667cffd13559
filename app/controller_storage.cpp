// The controller and the storage desk's events.

#include <algorithm>
#include <utility>

#include "app/builtin.h"
#include "app/controller.h"
#include "app/words.h"
#include "ui/text/utf8.h"

namespace foreword::app {

namespace command = storage::command;
namespace event = storage::event;

namespace {

ui::Author author_of(storage::Role role) {
  switch (role) {
    case storage::Role::user: return ui::Author::user;
    case storage::Role::system: return ui::Author::system;
    default: return ui::Author::assistant;
  }
}

ui::MessageState state_of(storage::Status status) {
  switch (status) {
    case storage::Status::complete: return ui::MessageState::complete;
    case storage::Status::streaming: return ui::MessageState::streaming;
    case storage::Status::stopped: return ui::MessageState::stopped;
    case storage::Status::interrupted: return ui::MessageState::interrupted;
    case storage::Status::failed: break;
  }
  return ui::MessageState::failed;
}

std::string one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return text;
}

}  // namespace

/// A second time: a copy has taken the place of a damaged database.
void Controller::handle(event::Opened&&) {
  if (!std::exchange(storage_works_, true)) list_everything();
}

void Controller::handle(event::OpenFailed&& e) {
  storage_works_ = false;
  settings_known_ = true;
  if (start_model_ == StartModel::awaited) open_start_model();
  opening_ = 0;
  std::erase_if(turns_, [&](const auto& turn) { return turn->id != running_; });
  notify(ui::NoticeKind::error, e.error.message + " Chats are not saved.");
  if (e.error.code == ErrorCode::corrupt) out_.storage(command::ListBackups{next_request_++});
}

void Controller::handle(event::ChatSaved&& e) {
  context_.settings[e.chat.id] = e.chat.settings;
  Turn* turn = find_turn(e.request);
  undoing_.erase(e.request);
  if (turn != nullptr && turn->create == e.request) {
    titler_.add(e.chat.id);
    turn->create = 0;
    turn->chat = e.chat.id;
    out_.engine(engine::AssignChat{turn->id, e.chat.id});
    if (current_ == 0 && find_row(turn->user_row) != nullptr) {
      current_ = view_.current_chat = e.chat.id;
      view_.stored_as = e.chat.id;
      keep_draft(0, {});
      view_.draft.clear();
      adopt_answers(e.chat);
    }
    store_question(*turn);
  }
  if (e.chat.id == current_) view_.title = e.chat.title;
  if (e.request == forking_) {
    forking_ = 0;
    open_chat(e.chat.id);
  }
  refresh_chats();
}

void Controller::handle(event::ChatDeleted&& e) {
  forget_text(e.chat, false);
  system_prompts_.erase(e.chat);
  titler_.drop(e.chat);
  if (e.chat == current_) show_new_chat(false);
  if (!undoes(e.request)) can_undo({command::Restore{0, e.entry}}, "The chat is in the bin.");
  refresh_chats();
  out_.storage(command::ListBin{next_request_++});
}

void Controller::handle(event::BranchDeleted&& e) {
  forget_text(e.chat, true);
  if (!undoes(e.request)) {
    can_undo({command::Restore{0, e.entry}}, "The message and what follows it are in the bin.");
    if (e.chat == current_) open_chat(current_);
  }
  out_.storage(command::ListBin{next_request_++});
}

void Controller::handle(event::Restored&& e) {
  undoing_.erase(e.request);
  learn_anew();
  refresh_chats();
  show_changed_chat(e.chat);
  out_.storage(command::ListBin{next_request_++});
}

void Controller::handle(event::Bin&& e) {
  view_.bin.clear();
  for (storage::BinEntry& entry : e.entries) view_.bin.push_back({entry.id, std::move(entry.title), one_line(std::move(entry.excerpt))});
}

void Controller::handle(event::Chats&& e) {
  undoing_.erase(e.request);
  if (!std::exchange(chats_known_, true)) {  // what was deleted without the engine hearing of it
    engine::KeepChats keep;
    for (const storage::Chat& chat : e.chats) keep.chats.push_back(chat.id);
    out_.engine(std::move(keep));
    forget_drafts(e.chats);
  }
  if (!view_.search.empty()) return;
  view_.chats.clear();
  for (storage::Chat& chat : e.chats) view_.chats.push_back({chat.id, std::move(chat.title), {}, chat.pinned, std::move(chat.folder), chat.title_by_user});
  if (view_.chat_order != ui::ChatOrder::name) return;
  std::map<std::int64_t, std::string> keys;
  for (const ui::ChatRow& chat : view_.chats) keys[chat.id] = ui::text::sort_key(chat.title);
  std::ranges::stable_sort(view_.chats, {}, [&](const ui::ChatRow& chat) { return keys[chat.id]; });
}

void Controller::handle(event::ChatOpened&& e) {
  if (e.request != opening_) return;
  opening_ = 0;
  if (view_.private_chat || e.chat.id != current_) forget_prompt();
  leave_chat();
  current_ = view_.current_chat = e.chat.id;
  system_prompts_[e.chat.id] = std::move(e.chat.system_prompt);
  view_.stored_as = 0;
  view_.draft = draft_of(e.chat.id);
  std::map<std::int64_t, ui::MessageRow> before;
  for (ui::MessageRow& row : std::exchange(view_.messages, {})) before.emplace(row.id, std::move(row));
  rows_.clear();
  context_.settings[e.chat.id] = std::move(e.chat.settings);
  for (storage::PathEntry& entry : e.path) {
    storage::Message& message = entry.message;
    if (message.role == storage::Role::system || message.role == storage::Role::tool) continue;
    add_row(author_of(message.role), message.id, std::move(message.content), state_of(message.status));
    ui::MessageRow& row = view_.messages.back();
    row.id = row_ids_.try_emplace(message.id, row.id).first->second;
    if (entry.siblings.size() > 1) {
      row.n_siblings = entry.siblings.size();
      row.sibling = static_cast<std::size_t>(std::find(entry.siblings.begin(), entry.siblings.end(), message.id) - entry.siblings.begin()) + 1;
    }
    rows_.back().siblings = std::move(entry.siblings);
    row.name = std::move(message.model);
    row.reasoning_seconds = message.stats.reasoning_seconds;
    const storage::MessageStats& stats = message.stats;
    const double after_first = stats.seconds - stats.first_token_seconds;
    if (stats.generated_tokens > 0) {
      const bool timed = stats.generated_tokens > 1 && after_first > 0;
      row.stats = speed_words(stats.generated_tokens, timed ? static_cast<double>(stats.generated_tokens - 1) / after_first : 0).append(early_end(stats.stop_reason));
    }
    for (auto& turn : turns_) {  // an answer that is still growing is shown as it grows
      if (turn->user_id == message.id) turn->user_row = row.id;
      if (turn->answer_id != message.id) continue;
      turn->answer_row = row.id;
      row.text = turn->text;
      row.reasoning_seconds = turn->reasoning_seconds;
      if (row.text.empty()) row.state = ui::MessageState::waiting;
    }
    if (const auto shown = before.find(row.id); shown != before.end()) row.revision = shown->second.revision + (shown->second.text == row.text ? 0 : 1);
  }
  show_chat_settings();
  view_.title = std::move(e.chat.title);
  if (leading_ != e.request) return;
  view_.place = leads_to_;
  const auto row = row_ids_.find(leads_to_.message);
  view_.place.message = row == row_ids_.end() ? 0 : row->second;
}

void Controller::handle(event::MessageSaved&& e) {
  if (e.request == editing_ && editing_ != 0) {
    editing_ = 0;
    can_undo({command::DeleteBranch{0, e.message.id}, command::ShowMessage{0, edited_}}, {});
    if (e.message.chat_id == current_) open_chat(current_);
    return;
  }
  Turn* turn = find_turn(e.request);
  if (turn == nullptr) return;
  refusal_.clear();
  row_ids_[e.message.id] = turn->user == e.request ? turn->user_row : turn->answer_row;
  if (turn->user == e.request) {
    turn->user = 0;
    turn->user_id = e.message.id;
    if (Row* row = find_stored(turn->user_row)) row->id = e.message.id;
    set_siblings(turn->user_row, turn->question_siblings, e.message.id);
    if (turn->edited != 0) can_undo({command::DeleteBranch{0, e.message.id}, command::ShowMessage{0, turn->edited}}, {});
    begin_storing(*turn);
    refresh_chats();
    return;
  }
  turn->answer_id = e.message.id;
  if (Row* row = find_stored(turn->answer_row); row != nullptr && row->id == 0) {
    row->id = e.message.id;
    set_siblings(turn->answer_row, turn->answer_siblings, e.message.id);
  }
  for (auto& waiting : turns_) {
    if (waiting->waits_for != turn->id) continue;
    waiting->chat = turn->chat;
    waiting->parent = turn->answer_id;
    store_question(*waiting);
  }
  if (e.message.status == storage::Status::streaming) return;
  if (e.message.status == storage::Status::complete) ask_for_title(*turn);
  forget_turn(*turn);
}

void Controller::handle(event::Found&& e) {
  if (e.query != view_.search || e.query.empty()) return;
  view_.chats.clear();
  view_.found_for = e.query;
  hits_.clear();
  for (storage::SearchHit& hit : e.hits) {
    const bool known = std::any_of(view_.chats.begin(), view_.chats.end(), [&](const ui::ChatRow& row) { return row.id == hit.chat.id; });
    if (known) continue;
    ui::ChatRow& row = view_.chats.emplace_back(hit.chat.id, std::move(hit.chat.title), std::string(), hit.chat.pinned, std::move(hit.chat.folder));
    if (hit.message_id == 0) continue;
    hits_[hit.chat.id] = {hit.message_id, hit.marks.empty() ? e.query : hit.snippet.substr(hit.marks.front().first, hit.marks.front().second)};
    row.detail = one_line(std::move(hit.snippet));
    row.marks = std::move(hit.marks);
  }
}

void Controller::handle(event::Models&& e) {
  std::sort(e.models.begin(), e.models.end(), [](const auto& a, const auto& b) { return a.last_used > b.last_used; });
  view_.recent_models.clear();
  if (start_model_ == StartModel::awaited && named_model_.empty()) {
    if (e.models.empty() || e.models.front().path == kBuiltinKey) {
      open_builtin();
    } else {
      start_model_ = StartModel::last_used;
      open_model(e.models.front().path);
    }
  }
  for (storage::ModelRecord& model : e.models) {
    if (model.path != kBuiltinKey) view_.recent_models.push_back({std::move(model.path), std::move(model.name)});
  }
  handle(ui::FindModels{});
}

void Controller::handle(event::Failed&& e) {
  settings_known_ = true;
  if (start_model_ == StartModel::awaited) open_start_model();
  if (e.request == opening_) opening_ = 0;
  if (import_ && (e.request == import_->adding || e.request == import_->finding)) import_.reset(), view_.import.reset();
  if (view_.backups && !restoring_.empty()) view_.backups->busy.clear(), restoring_.clear();
  undoing_.erase(e.request);
  exports_.erase(e.request);
  Turn* turn = find_turn(e.request);
  if (turn != nullptr && !e.kept) give_up_storing(*turn);
  if (storage_works_) notify(ui::NoticeKind::error, e.error.message);
  if (turn == nullptr || !e.kept) return;
  refusal_ = e.error.message;
  stay_if_refused();
}

}  // namespace foreword::app

// The controller and the versions of messages: other answers, edits, going from one to the other, forks, deletions.

#include <algorithm>
#include <utility>

#include "app/controller.h"

namespace foreword::app {

namespace command = storage::command;

std::optional<std::size_t> Controller::index_of(std::int64_t row_id) const {
  const auto row = std::find_if(view_.messages.begin(), view_.messages.end(), [&](const auto& message) { return message.id == row_id; });
  if (row == view_.messages.end()) return std::nullopt;
  return static_cast<std::size_t>(row - view_.messages.begin());
}

void Controller::cut_rows(std::size_t from) {
  view_.messages.erase(view_.messages.begin() + static_cast<std::ptrdiff_t>(from), view_.messages.end());
  rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(from), rows_.end());
}

/// A row that is the newest version beside `older` ones. `id` 0: it has no number yet.
void Controller::set_siblings(std::int64_t row_id, std::vector<storage::Id> older, storage::Id id) {
  Row* row = find_stored(row_id);
  if (row == nullptr) return;
  ui::MessageRow& shown = *find_row(row_id);
  shown.n_siblings = older.empty() ? 0 : older.size() + 1;
  shown.sibling = shown.n_siblings;
  row->siblings.clear();
  if (id == 0) return;
  older.push_back(id);
  row->siblings = std::move(older);
}

void Controller::handle(ui::Regenerate&& e) {
  const auto i = index_of(e.message);
  if (!can_ask() || !i || *i == 0 || view_.messages[*i].author != ui::Author::assistant) return;
  const storage::Id question = rows_[*i - 1].id;
  if (saves() && (question == 0 || rows_[*i].id == 0)) return;  // not stored yet, so another could not be: in a moment
  auto turn = std::make_unique<Turn>();
  turn->chat = current_;
  turn->user_id = saves() ? question : 0;
  turn->unsaved = !saves();
  turn->answer_siblings = std::move(rows_[*i].siblings);
  cut_rows(*i);
  turn->user_row = view_.messages.back().id;
  start_answer(std::move(turn));
}

void Controller::handle(ui::EditMessage&& e) {
  const auto i = index_of(e.message);
  if (!i) return give_back(std::move(e.text), "The message that you wrote anew is not shown any more.");
  if (e.text.empty() || e.text == view_.messages[*i].text) return;
  if (view_.generating) return give_back(std::move(e.text), "An answer is still being written.");
  const storage::Id parent = *i == 0 ? 0 : rows_[*i - 1].id;
  if (saves() && (rows_[*i].id == 0 || (*i > 0 && parent == 0))) {
    return give_back(std::move(e.text), "This message, or the one above it, is not saved, so a new version of it cannot be.");
  }
  if (view_.messages[*i].author == ui::Author::user) {
    if (!can_ask()) return give_back(std::move(e.text), "No model is open.");
    std::vector<storage::Id> older = std::move(rows_[*i].siblings);
    const storage::Id edited = rows_[*i].id;
    cut_rows(*i);
    return ask(std::move(e.text), std::move(older), edited);
  }
  if (!saves()) {
    view_.messages[*i].text = std::move(e.text);
    ++view_.messages[*i].revision;
    return;
  }
  storage::NewMessage message;
  message.chat_id = current_;
  message.parent_id = parent;
  message.role = storage::Role::assistant;
  message.content = std::move(e.text);
  message.model = view_.messages[*i].name;
  editing_ = next_request_++;
  edited_ = rows_[*i].id;
  out_.storage(command::AppendMessage{editing_, std::move(message)});
}

void Controller::handle(ui::ShowSibling&& e) {
  const auto i = index_of(e.message);
  if (!i || view_.generating) return;
  const Row& row = rows_[*i];
  const auto self = std::find(row.siblings.begin(), row.siblings.end(), row.id);
  if (self == row.siblings.end()) return;
  const std::ptrdiff_t to = self - row.siblings.begin() + e.step;
  if (to < 0 || to >= std::ssize(row.siblings)) return;
  opening_ = next_request_++;
  out_.storage(command::ShowMessage{opening_, row.siblings[static_cast<std::size_t>(to)]});
}

void Controller::handle(ui::ContinueAnswer&& e) {
  if (!can_ask() || view_.messages.empty() || view_.messages.back().id != e.message) return;
  ui::MessageRow& row = view_.messages.back();
  const Row& stored = rows_.back();
  const bool unfinished = row.state == ui::MessageState::stopped || row.state == ui::MessageState::interrupted || row.state == ui::MessageState::failed;
  if (row.author != ui::Author::assistant || !unfinished || (saves() && stored.id == 0)) return;
  auto turn = std::make_unique<Turn>();
  turn->chat = current_;
  turn->model = row.name;
  turn->answer_row = row.id;
  turn->answer_siblings = stored.siblings;
  std::erase(turn->answer_siblings, stored.id);
  turn->text = row.text;
  turn->stored = turn->text.size();
  turn->answer_id = stored.id;
  turn->unsaved = !saves();
  row.state = row.text.empty() ? ui::MessageState::waiting : ui::MessageState::streaming;
  if (saves()) {
    turn->begun = true;
    turn->answer = next_request_++;
    out_.storage(command::ResumeAnswer{turn->answer, turn->answer_id});
  }
  run_turn(std::move(turn), rows_.size() - 1);
}

void Controller::handle(ui::ForkChat&& e) {
  const auto i = index_of(e.message);
  if (!i || rows_[*i].id == 0) return;
  forking_ = next_request_++;
  out_.storage(command::ForkChat{forking_, rows_[*i].id});
}

void Controller::handle(ui::DeleteMessage&& e) {
  const auto i = index_of(e.message);
  if (!i || view_.generating) return;
  if (!saves()) return cut_rows(*i);
  if (rows_[*i].id != 0) out_.storage(command::DeleteBranch{next_request_++, rows_[*i].id});
}

/// `step` takes back what was just done, which `said` tells; empty: nothing to tell.
void Controller::can_undo(UndoStep step, std::string said) {
  undo_.push_back(std::move(step));
  if (said.empty()) return;
  for (ui::Notice& notice : view_.notices) notice.can_undo = false;  // Undo is about the last change only
  std::erase_if(view_.notices, [&](const ui::Notice& notice) { return notice.text == said; });
  notify(ui::NoticeKind::info, std::move(said));
  view_.notices.back().can_undo = true;
}

void Controller::handle(ui::Undo&&) {
  std::erase_if(view_.notices, [](const ui::Notice& notice) { return notice.can_undo; });
  if (undo_.empty()) return;
  const UndoStep step = std::move(undo_.back());
  undo_.pop_back();
  for (storage::Command command : step) {
    const storage::Request request = next_request_++;
    if (const auto* restore = std::get_if<command::RestoreBackup>(&command)) {
      restore_backup(request, restore->path);
      continue;
    }
    // The version that goes away may still be growing; the one that comes back is shown, unless that would end a private chat.
    if (std::holds_alternative<command::DeleteBranch>(command) && running_ != 0 && !view_.private_chat) out_.engine(engine::Stop{engine_request()});
    if (std::holds_alternative<command::ShowMessage>(command) && !view_.private_chat) opening_ = request;
    undoing_.insert(request);
    std::visit([&](auto& any) { any.request = request; }, command);
    out_.storage(std::move(command));
  }
}

void Controller::handle(ui::RestoreDeleted&& e) {
  std::erase_if(undo_, [&](const UndoStep& step) {
    const auto* restore = std::get_if<command::Restore>(&step.front());
    return restore != nullptr && restore->entry == e.entry;
  });
  std::erase_if(view_.notices, [](const ui::Notice& notice) { return notice.can_undo; });
  out_.storage(command::Restore{next_request_++, e.entry});
}

}  // namespace foreword::app

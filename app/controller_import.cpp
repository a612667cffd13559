// The controller and what comes in from outside: chats in files, and copies of everything.

#include <algorithm>
#include <utility>

#include "app/chat_json.h"
#include "app/controller.h"
#include "app/words.h"

namespace foreword::app {

namespace command = storage::command;
namespace event = storage::event;

namespace {

constexpr const char* kKindNames[] = {"Daily copy", "Before an update", "Before a restore"};  // BackupKind

std::string in_quotes(const std::string& title) { return "\u201c" + title + "\u201d"; }

}  // namespace

/// Several files may come one after another; each is looked at, and nothing is written until the user says so.
void Controller::handle(ui::ImportFile&& e) {
  if (!out_.read_file || (import_ && import_->adding != 0)) return;
  if (!import_) import_.emplace().number = next_import_++;
  ++import_->n_reading;
  show_import();
  aside([this, import = import_->number, read = out_.read_file, path = std::filesystem::path(e.path)]() -> Afterwards {
    const auto text = read(path);
    auto tree = std::make_shared<Result<storage::ChatTree>>(text ? chat_from_json(*text) : Result<storage::ChatTree>(text.error()));
    return [this, import, path, tree] { take_import(import, path, *std::move(tree)); };
  });
}

void Controller::take_import(std::uint64_t import, const std::filesystem::path& path, Result<storage::ChatTree> tree) {
  if (!import_ || import_->number != import) return;  // cancelled meanwhile
  --import_->n_reading;
  if (!tree) {
    import_->unreadable.push_back({ui::ImportState::unreadable, path.filename().string(), tree.error().message});
  } else {
    const std::string& source = tree->chat.source;
    const bool twice = !source.empty() && std::ranges::any_of(import_->trees, [&](const auto& other) { return other.chat.source == source; });
    if (!twice) import_->trees.push_back(*std::move(tree));
  }
  std::vector<std::string> sources;
  for (const storage::ChatTree& known : import_->trees) sources.push_back(known.chat.source);
  import_->finding = next_request_++;
  out_.storage(command::FindSources{import_->finding, std::move(sources)});
  show_import();
}

void Controller::show_import() {
  ui::ImportView shown;
  for (const storage::ChatTree& tree : import_->trees) {
    const bool known = import_->known.contains(tree.chat.source);
    const std::string detail = count_words(std::ssize(tree.messages), "message", "messages") + ", " + when_words(tree.chat.updated_at, out_.now_ms());
    shown.rows.push_back({known ? ui::ImportState::known : ui::ImportState::fresh, tree.chat.title,
                          known ? "Is here already, and stays as it is here" : detail});
  }
  shown.rows.insert(shown.rows.end(), import_->unreadable.begin(), import_->unreadable.end());
  if (import_->n_reading > 0) shown.busy = "Reading\u2026";
  if (import_->finding != 0) shown.busy = "Looking at what is here already\u2026";
  if (import_->adding != 0) shown.busy = "Importing\u2026";
  view_.import = std::move(shown);
}

void Controller::handle(event::SourcesFound&& e) {
  if (!import_ || e.request != import_->finding) return;
  import_->finding = 0;
  for (const storage::Chat& chat : e.chats) import_->known.insert(chat.source);
  show_import();
}

void Controller::handle(ui::ConfirmImport&&) {
  if (!import_ || import_->n_reading > 0 || import_->finding != 0 || import_->adding != 0) return;
  std::vector<storage::ChatTree> fresh;
  for (storage::ChatTree& tree : import_->trees) {
    if (!import_->known.contains(tree.chat.source)) fresh.push_back(std::move(tree));
  }
  if (fresh.empty()) return handle(ui::CancelImport{});
  import_->trees.clear();
  import_->adding = next_request_++;
  view_.import->busy = "Importing\u2026";
  out_.storage(command::AddTrees{import_->adding, std::move(fresh)});
}

void Controller::handle(ui::CancelImport&&) {
  import_.reset();
  view_.import.reset();
}

void Controller::handle(event::TreesAdded&& e) {
  learn_anew();
  if (!import_ || e.request != import_->adding || e.chats.empty()) return;
  handle(ui::CancelImport{});
  UndoStep step;
  for (const storage::Chat& chat : e.chats) step.push_back(command::DeleteChat{0, chat.id});
  can_undo(std::move(step), e.chats.size() == 1 ? in_quotes(e.chats.front().title) + " was imported."
                                                : count_words(std::ssize(e.chats), "chat was imported.", "chats were imported."));
  show_changed_chat(e.chats.front().id);
  refresh_chats();
}

// ---- Copies of everything -------------------------------------------------------------------------------------------

void Controller::handle(ui::ShowBackups&&) {
  view_.backups = ui::BackupsView{.reason = {}, .busy = "Looking for copies\u2026", .rows = {}};
  out_.storage(command::ListBackups{next_request_++});
}

void Controller::handle(ui::CloseBackups&&) { view_.backups.reset(); }

void Controller::handle(event::Backups&& e) {
  if (!view_.backups && storage_works_) return;  // closed meanwhile
  ui::BackupsView shown;
  if (!storage_works_) {
    if (e.backups.empty()) return;
    shown.reason = "The chats are damaged and cannot be opened. The newest good copy stands first; what was written after it is "
                   "not in it. The damaged file is kept beside the copies.";
  }
  for (std::size_t i = 0; i < e.backups.size(); ++i) {
    const storage::Backup& backup = e.backups[i];
    shown.rows.push_back({static_cast<std::int64_t>(i) + 1, when_words(backup.made_at, out_.now_ms()),
                          count_words(backup.n_chats, "chat", "chats") + ", " + size_words(backup.bytes) + " \u00b7 " + kKindNames[static_cast<int>(backup.kind)]});
  }
  backups_ = std::move(e.backups);
  view_.backups = std::move(shown);
}

void Controller::handle(ui::RestoreBackup&& e) {
  const auto i = static_cast<std::size_t>(e.id - 1);
  if (!view_.backups || !view_.backups->busy.empty() || i >= backups_.size()) return;
  view_.backups->busy = "Restoring\u2026";
  restore_backup(next_request_++, backups_[i].path);
  restoring_ = view_.backups->rows[i].when;
}

/// What is being said goes on in the window at most: its chat may not be there any more.
void Controller::restore_backup(storage::Request request, const std::string& path) {
  if (running_ != 0) out_.engine(engine::Stop{engine_request()});
  const auto is_saved = [](const auto& turn) { return !turn->unsaved; };
  for (auto turn = turns_.begin(); (turn = std::ranges::find_if(turns_, is_saved)) != turns_.end();) give_up_storing(**turn);
  undoing_.insert(request);
  out_.storage(command::RestoreBackup{request, path});
}

void Controller::handle(event::BackupRestored&& e) {
  learn_anew();
  const bool undone = undoes(e.request) && restoring_.empty();
  view_.backups.reset();
  drafts_.clear();
  drafts_known_ = false;
  row_ids_.clear();
  refusal_.clear();
  const auto is_stored = [](const auto& entry) { return entry.first != kPrivateChat; };
  std::erase_if(system_prompts_, is_stored);
  std::erase_if(context_.settings, is_stored);
  new_chats_ = {};
  hits_.clear();
  undo_.clear();
  chats_known_ = false;
  if (!view_.private_chat) show_new_chat(false);
  if (storage_works_) list_everything();
  const std::string when = std::exchange(restoring_, {});
  if (undone) return;
  if (e.can_undo) return can_undo({command::RestoreBackup{0, std::move(e.kept)}}, "The chats are as they were: " + when + ".");
  notify(ui::NoticeKind::info, "The chats are as they were: " + when + ". The damaged file was kept as " + e.kept + ".");
}

}  // namespace foreword::app

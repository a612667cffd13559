#include "storage/chat_store.h"

#include <algorithm>
#include <chrono>

#include "engine/base/log.h"
#include "storage/backups.h"
#include "storage/rows.h"

namespace foreword::storage {
namespace {

// Signing on and off.
constexpr const char* kListWriters = "SELECT id FROM writers";
constexpr const char* kAddWriter = "INSERT INTO writers (opened_at) VALUES (?)";
constexpr const char* kRemoveWriter = "DELETE FROM writers WHERE id = ?";
constexpr const char* kInterrupt =
    "UPDATE messages SET status = 'interrupted', writer_id = NULL WHERE writer_id = ?";

// Chats.
constexpr const char* kChat = "SELECT " FW_CHAT_COLUMNS " FROM chats WHERE id = ?";
constexpr const char* kChats = "SELECT " FW_CHAT_COLUMNS " FROM chats WHERE " FW_CHAT_STANDS("chats.id") " ORDER BY pinned DESC, updated_at DESC, id DESC";
constexpr const char* kRename = "UPDATE chats SET title = ?2, title_by_user = ?3 WHERE id = ?1";
constexpr const char* kTitle = "UPDATE chats SET title = iif(title_by_user, title, ?2) WHERE id = ?1";
constexpr const char* kPin = "UPDATE chats SET pinned = ?2 WHERE id = ?1";
constexpr const char* kMove = "UPDATE chats SET folder = ?2 WHERE id = ?1";
#define FW_WITHIN_FOLDER "folder = ?1 OR substr(folder, 1, length(?1) + 1) = ?1 || '/'"
constexpr const char* kFolderPlaces = "SELECT id, folder FROM chats WHERE " FW_WITHIN_FOLDER;
constexpr const char* kRenameFolder =
    "UPDATE chats SET folder = ltrim(?2 || substr(folder, length(?1) + 1), '/') "
    "WHERE " FW_WITHIN_FOLDER;
constexpr const char* kSetModel = "UPDATE chats SET model_path = ?2 WHERE id = ?1";
constexpr const char* kSetSystemPrompt = "UPDATE chats SET system_prompt = ?2 WHERE id = ?1";
constexpr const char* kSetChatSettings = "UPDATE chats SET settings = ?2 WHERE id = ?1";
constexpr const char* kDeleteChat = "DELETE FROM chats WHERE id = ?";

// Settings and models.
constexpr const char* kSetting = "SELECT value FROM settings WHERE key = ?";
constexpr const char* kSettings = "SELECT key, value FROM settings ORDER BY key";
constexpr const char* kSetSetting =
    "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
constexpr const char* kEraseSetting = "DELETE FROM settings WHERE key = ?";
constexpr const char* kModels = "SELECT path, name, last_used, size FROM models ORDER BY last_used DESC, path";
constexpr const char* kRememberModel =
    "INSERT INTO models (path, name, last_used, size) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (path) DO UPDATE SET name = excluded.name, last_used = excluded.last_used, size = excluded.size";
constexpr const char* kForgetModel = "DELETE FROM models WHERE path = ?";

constexpr const char* kSaid =
    "SELECT chat_id, content FROM messages WHERE role = 'user' AND status = 'complete' "
    "AND id NOT IN (SELECT message_id FROM binned_messages) AND chat_id NOT IN (SELECT chat_id FROM bin WHERE message_id IS NULL) "
    "ORDER BY id DESC LIMIT ?";

SaidText read_said(const Statement& row) { return SaidText{row.integer(0), row.text(1)}; }

Place read_place(const Statement& row) { return Place{row.integer(0), row.text(1)}; }

std::string clean_path(std::string_view path) {
  std::string clean;
  while (!path.empty()) {
    std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    name.remove_prefix(std::min(name.size(), name.find_first_not_of(" \t\n")));
    name = name.substr(0, name.find_last_not_of(" \t\n") + 1);
    if (name.empty()) continue;
    if (!clean.empty()) clean += '/';
    clean += name;
  }
  return clean;
}

}  // namespace

std::int64_t system_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

ChatStore::ChatStore(std::unique_ptr<Database> database, WallClock clock)
    : database_(std::move(database)), clock_(std::move(clock)) {}

Result<std::unique_ptr<ChatStore>> ChatStore::open(const std::filesystem::path& path, WallClock clock) {
  FW_ASSIGN(std::unique_ptr<Database> database, Database::open(path));
  std::unique_ptr<ChatStore> store(new ChatStore(std::move(database), std::move(clock)));
  FW_TRY(store->sign_on());
  return store;
}

Result<std::unique_ptr<ChatStore>> ChatStore::open_reading(const std::filesystem::path& path) {
  FW_ASSIGN(std::unique_ptr<Database> database, Database::open_reading(path));
  return std::unique_ptr<ChatStore>(new ChatStore(std::move(database), system_milliseconds));
}

Result<void> ChatStore::sign_on() {
  FW_ASSIGN(WriterLock lock, WriterLock::open(database_->path().string() + "-writers"));
  FW_ASSIGN(const std::vector<Id> dead, other_writers(lock, false));
  if (!dead.empty()) FW_TRY(database_->check_integrity());
  {
    // The row and its lock appear together: a row without a lock is a dead writer's.
    FW_ASSIGN(Transaction transaction, database_->begin());
    FW_TRY(database_->execute(kAddWriter, clock_()));
    FW_TRY(lock.hold(database_->last_insert_id()));
    FW_TRY(transaction.commit());
  }
  lock_.emplace(std::move(lock));
  FW_ASSIGN(n_interrupted_, bury(dead));
  return empty_bin(clock_() - kBinMilliseconds);
}

/// The programs of which the database knows, but for the owner of `lock`: those that are alive, or those that are dead.
Result<std::vector<Id>> ChatStore::other_writers(const WriterLock& lock, bool alive) {
  FW_ASSIGN(const std::vector<Id> writers, read_all(database_->query(kListWriters), read_id));
  std::vector<Id> found;
  for (const Id writer : writers) {
    if (writer == lock.writer()) continue;
    FW_ASSIGN(const bool held, lock.is_held(writer));
    if (held == alive) found.push_back(writer);
  }
  return found;
}

Result<std::string> ChatStore::restore_backup(const std::filesystem::path& copy) {
  FW_ASSIGN(const std::unique_ptr<Database> from, Database::open_copy(copy));
  FW_TRY(from->check_integrity());
  if (lock_) {
    FW_ASSIGN(const std::vector<Id> alive, other_writers(*lock_, true));
    if (!alive.empty()) {
      return Error{ErrorCode::invalid_argument, "Another program has these chats open: close it, then restore the copy."};
    }
  }
  FW_ASSIGN(const std::filesystem::path kept, keep_before_restore(*database_, clock_()));
  const auto take = [&](const Database& other) -> Result<void> {
    FW_TRY(database_->take_over(other));
    lock_.reset();  // its number means nothing in there
    return sign_on();
  };
  const Result<void> taken = take(*from);
  if (taken) return kept.string();
  if (const auto back = Database::open_copy(kept)) {
    if (const Result<void> undone = take(**back); !undone) log(LogLevel::error, undone.error().message);
  }
  return taken.error();
}

Result<std::int64_t> ChatStore::bury(const std::vector<Id>& dead_writers) {
  if (dead_writers.empty()) return std::int64_t{0};
  std::int64_t n_interrupted = 0;
  FW_ASSIGN(Transaction transaction, database_->begin());
  for (const Id writer : dead_writers) {
    FW_ASSIGN(const std::int64_t n_messages, database_->execute(kInterrupt, writer));
    FW_TRY(database_->execute(kRemoveWriter, writer));
    n_interrupted += n_messages;
  }
  FW_TRY(transaction.commit());
  return n_interrupted;
}

ChatStore::~ChatStore() {
  if (!lock_) return;
  const auto signed_off = bury({writer()});
  // The next open finds the row without its lock, and does it then.
  if (!signed_off) log(LogLevel::warning, signed_off.error().message);
}

Result<Chat> ChatStore::create_chat(const NewChat& chat) {
  Chat row;
  row.created_at = row.updated_at = clock_();
  row.title = chat.title;
  row.title_by_user = chat.title_by_user;
  row.model_path = chat.model_path;
  row.system_prompt = chat.system_prompt;
  row.settings = chat.settings;
  FW_ASSIGN(Transaction transaction, database_->begin());
  FW_ASSIGN(const Id id, insert_chat(*database_, row));
  FW_ASSIGN(Chat made, this->chat(id));
  FW_TRY(transaction.commit());
  return made;
}

Result<Chat> ChatStore::chat(Id id) {
  FW_ASSIGN(std::optional<Chat> found, read_one(database_->query(kChat, id), read_chat));
  if (!found) return Error{ErrorCode::not_found, "Chat " + std::to_string(id) + " does not exist (any more)."};
  return *std::move(found);
}

Result<std::vector<Chat>> ChatStore::chats() { return read_all(database_->query(kChats), read_chat); }

Result<void> ChatStore::change_chat(Id id, Result<std::int64_t> n_changed) {
  if (!n_changed) return n_changed.error();
  if (*n_changed == 0) return Error{ErrorCode::not_found, "Chat " + std::to_string(id) + " does not exist (any more)."};
  return {};
}

Result<void> ChatStore::rename_chat(Id id, std::string_view title, bool by_user) {
  return change_chat(id, database_->execute(kRename, id, title, by_user));
}

Result<void> ChatStore::set_automatic_title(Id id, std::string_view title) {
  return change_chat(id, database_->execute(kTitle, id, title));
}

Result<void> ChatStore::pin_chat(Id id, bool pinned) { return change_chat(id, database_->execute(kPin, id, pinned)); }

Result<void> ChatStore::move_chat(Id id, std::string_view folder) {
  return change_chat(id, database_->execute(kMove, id, clean_path(folder)));
}

Result<std::vector<Place>> ChatStore::rename_folder(std::string_view from, std::string_view to) {
  if (from.empty()) return Error{ErrorCode::invalid_argument, "This folder has no name."};
  FW_ASSIGN(Transaction transaction, database_->begin());
  FW_ASSIGN(std::vector<Place> before, read_all(database_->query(kFolderPlaces, from), read_place));
  FW_TRY(database_->execute(kRenameFolder, from, clean_path(to)));
  FW_TRY(transaction.commit());
  return before;
}

Result<void> ChatStore::place_chats(const std::vector<Place>& places) {
  FW_ASSIGN(Transaction transaction, database_->begin());
  for (const Place& place : places) FW_TRY(database_->execute(kMove, place.chat, clean_path(place.folder)));
  return transaction.commit();
}

Result<void> ChatStore::set_chat_model(Id id, std::string_view model_path) {
  return change_chat(id, database_->execute(kSetModel, id, model_path));
}

Result<void> ChatStore::set_system_prompt(Id id, std::string_view system_prompt) {
  return change_chat(id, database_->execute(kSetSystemPrompt, id, system_prompt));
}

Result<void> ChatStore::set_chat_settings(Id id, std::string_view settings) {
  return change_chat(id, database_->execute(kSetChatSettings, id, settings));
}

Result<void> ChatStore::delete_chat(Id id) { return change_chat(id, database_->execute(kDeleteChat, id)); }

Result<std::optional<std::string>> ChatStore::setting(std::string_view key) {
  return read_one(database_->query(kSetting, key), read_text);
}

Result<void> ChatStore::set_setting(std::string_view key, std::string_view value) {
  FW_TRY(database_->execute(kSetSetting, key, value));
  return {};
}

Result<void> ChatStore::erase_setting(std::string_view key) {
  FW_TRY(database_->execute(kEraseSetting, key));
  return {};
}

Result<std::vector<Setting>> ChatStore::settings() { return read_all(database_->query(kSettings), read_setting); }

Result<void> ChatStore::remember_model(const ModelRecord& model) {
  FW_TRY(database_->execute(kRememberModel, model.path, model.name, model.last_used, model.size));
  return {};
}

Result<void> ChatStore::forget_model(std::string_view path) {
  FW_TRY(database_->execute(kForgetModel, path));
  return {};
}

Result<std::vector<ModelRecord>> ChatStore::models() { return read_all(database_->query(kModels), read_model); }

Result<std::vector<SaidText>> ChatStore::said(std::int64_t most) {
  FW_ASSIGN(std::vector<SaidText> texts, read_all(database_->query(kSaid, most), read_said));
  std::ranges::reverse(texts);
  return texts;
}

}  // namespace foreword::storage

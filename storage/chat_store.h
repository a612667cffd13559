#pragma once
// ChatStore: chats as message trees, search, settings and known models, over one database file. Synchronous; one thread
// at a time. Several programs may have the same file open: each keeps a lock while it lives (writer_lock.h), and the
// answers that a dead one left `streaming` become `interrupted` when the next one opens.
// Every call that changes something is durable when it returns without an error, and changes nothing otherwise.
// Errors: not_found (no such row), invalid_argument (a promise of the tree broken), io, corrupt.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "storage/database.h"
#include "storage/types.h"
#include "storage/writer_lock.h"

namespace foreword::storage {

/// Milliseconds since 1970-01-01 UTC.
using WallClock = std::function<std::int64_t()>;
std::int64_t system_milliseconds();

class ChatStore {
 public:
  /// Opens or creates `path` (Database::open), checks its integrity if a program died with it open, and recovers.
  static Result<std::unique_ptr<ChatStore>> open(const std::filesystem::path& path,
                                                 WallClock clock = system_milliseconds);
  /// For reading alone (Database::open_reading): nobody is told of it, and whoever changes something gets an error.
  static Result<std::unique_ptr<ChatStore>> open_reading(const std::filesystem::path& path);
  /// Signs off, so that the next open skips the integrity check. Streaming messages of ours become `interrupted`.
  ~ChatStore();
  ChatStore(const ChatStore&) = delete;
  ChatStore& operator=(const ChatStore&) = delete;

  // Chats.
  Result<Chat> create_chat(const NewChat& chat);
  Result<Chat> chat(Id id);
  /// All of them: pinned first, then the latest updated first.
  Result<std::vector<Chat>> chats();
  /// `by_user` false takes a person's title back: an automatic one may come again.
  Result<void> rename_chat(Id id, std::string_view title, bool by_user = true);
  /// Does nothing, successfully, if a person has named the chat.
  Result<void> set_automatic_title(Id id, std::string_view title);
  Result<void> pin_chat(Id id, bool pinned);
  /// Into a folder, given by its path; blanks around names and empty names are dropped. Empty: out of all folders.
  Result<void> move_chat(Id id, std::string_view folder);
  /// All chats of a folder and of those within it, so that it has another path; an existing one takes them in. Where they
  /// were, for place_chats().
  Result<std::vector<Place>> rename_folder(std::string_view from, std::string_view to);
  /// Many moves as one; a chat that is gone is passed over.
  Result<void> place_chats(const std::vector<Place>& places);
  /// Of the chat: what the next answer would use.
  Result<void> set_chat_model(Id id, std::string_view model_path);
  Result<void> set_system_prompt(Id id, std::string_view system_prompt);
  Result<void> set_chat_settings(Id id, std::string_view settings);
  /// With all its messages, for good.
  Result<void> delete_chat(Id id);
  /// A copy of the chat that ends at a message: root to `message`, no other branch.
  Result<Chat> fork(Id message);
  /// The whole chat, without what is in the bin; and back, as a new chat with new ids. A message that was streaming
  /// becomes interrupted. invalid_argument: a parent that does not stand before its child.
  Result<ChatTree> tree(Id chat_id);
  Result<Chat> add_tree(const ChatTree& tree);
  /// All or none.
  Result<std::vector<Chat>> add_trees(const std::vector<ChatTree>& trees);
  /// The chats that stand here and began at one of these sources.
  Result<std::vector<Chat>> chats_from(const std::vector<std::string>& sources);

  // The bin. What is in it is not listed, shown or found. After 30 days the next open deletes it for good.
  static constexpr std::int64_t kBinMilliseconds = 30LL * 24 * 3600 * 1000;
  /// Puts a chat, or a message and everything below it, into the bin; the entry's id, for restore().
  Result<Id> bin_chat(Id id);
  Result<Id> bin_branch(Id message_id);
  /// Back to where it was, with the messages above it that went into the bin later; the chat.
  Result<Id> restore(Id entry);
  /// The latest deletion first.
  Result<std::vector<BinEntry>> bin();

  // Messages.
  /// Adds a message, which becomes the shown child of its parent. If a person says it, who then goes on where another program has
  /// deleted something, its chat and the messages above it come out of the bin.
  Result<Message> append(const NewMessage& message);
  /// Replaces the text of a message that this store streams; invalid_argument for any other.
  Result<void> update_text(Id id, std::string_view content, std::string_view reasoning);
  /// The last text of a streaming message of ours, and its end.
  Result<Message> finish(Id id, std::string_view content, std::string_view reasoning, const MessageEnd& end);
  /// Makes a stopped, interrupted or failed answer `streaming` again, so that it can be continued.
  Result<Message> resume(Id id);
  Result<Message> message(Id id);
  /// Oldest first. `parent_id` 0: the roots.
  Result<std::vector<Message>> children(Id chat_id, Id parent_id);
  /// Itself included, oldest first.
  Result<std::vector<Id>> siblings(Id id);
  /// From the root to `id`.
  Result<std::vector<PathEntry>> path_to(Id id);
  /// From the root to the leaf that was shown last; empty for an empty chat.
  Result<std::vector<PathEntry>> shown_path(Id chat_id);
  /// The child of `parent_id` (0: the roots) that was shown last, else the newest; 0 if there is none.
  Result<Id> shown_child(Id chat_id, Id parent_id);
  /// Makes `id` and all its ancestors the shown ones, so that shown_path() runs through it.
  Result<void> show(Id id);
  /// Deletes a message and everything below it, for good.
  Result<void> delete_branch(Id id);
  /// How many answers of programs that are dead open() found `streaming`, and made `interrupted`.
  std::int64_t n_interrupted() const { return n_interrupted_; }

  // Search, as one types: every word must be found, the last one may be unfinished; parts of words and Chinese,
  // Japanese and Thai text count too. One hit a chat, at most `limit`: where the title is found, else its newest message,
  // titles first, then the newest; of what stands in very many messages the newest thousand count. Any text is a query.
  Result<std::vector<SearchHit>> search(std::string_view query, int limit);

  // Settings of the program.
  Result<std::optional<std::string>> setting(std::string_view key);
  Result<void> set_setting(std::string_view key, std::string_view value);
  Result<void> erase_setting(std::string_view key);
  Result<std::vector<Setting>> settings();

  // Models that were opened before, the latest used first.
  Result<void> remember_model(const ModelRecord& model);
  Result<void> forget_model(std::string_view path);
  Result<std::vector<ModelRecord>> models();
  /// The last whole messages of the user that are not in the bin, the oldest of them first.
  Result<std::vector<SaidText>> said(std::int64_t most);

  /// Puts a copy (backups.h) in the place of everything, as one transaction, after a copy of what is there; the path of
  /// that one, for the way back. Nothing may be streaming. invalid_argument: another program has the chats open; corrupt:
  /// the copy is damaged.
  Result<std::string> restore_backup(const std::filesystem::path& copy);

  /// For back_up() and check_integrity().
  Database& database() { return *database_; }

 private:
  ChatStore(std::unique_ptr<Database> database, WallClock clock);
  Result<void> sign_on();
  Result<std::vector<Id>> other_writers(const WriterLock& lock, bool alive);
  Id writer() const { return lock_ ? lock_->writer() : 0; }
  Result<std::int64_t> bury(const std::vector<Id>& dead_writers);
  Result<void> empty_bin(std::int64_t deleted_before);
  Result<void> take_out(Id chat_id, Id message_id);
  Result<void> change_chat(Id id, Result<std::int64_t> n_changed);
  Result<void> show_path_to(Id chat_id, Id id);
  Result<std::vector<PathEntry>> with_siblings(Result<std::vector<Message>> messages);

  std::unique_ptr<Database> database_;
  WallClock clock_;
  std::optional<WriterLock> lock_;
  std::int64_t n_interrupted_ = 0;
};

}  // namespace foreword::storage

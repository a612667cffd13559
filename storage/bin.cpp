// The part of ChatStore that deletes so that it can be undone.
#include "storage/chat_store.h"
#include "storage/rows.h"

namespace foreword::storage {
namespace {

constexpr const char* kAddEntry = "INSERT INTO bin (deleted_at, chat_id, message_id) VALUES (?, ?, ?)";
constexpr const char* kIsBinned = "SELECT 1 FROM bin WHERE chat_id = ? AND message_id IS NULL";
// What lies in the bin already keeps its own entry.
constexpr const char* kMarkBranch =
    "WITH RECURSIVE branch (id) AS ("
    "  SELECT ?1 UNION ALL SELECT m.id FROM branch JOIN messages m ON m.parent_id = branch.id) "
    "INSERT OR IGNORE INTO binned_messages (message_id, bin_id) SELECT id, ?2 FROM branch";
constexpr const char* kChatOf = "SELECT chat_id FROM bin WHERE id = ?";
constexpr const char* kRestore =
    "WITH RECURSIVE up (id, above) AS ("
    "  SELECT m.id, m.parent_id FROM bin JOIN messages m ON m.id = bin.message_id WHERE bin.id = ?1 UNION ALL"
    "  SELECT p.id, p.parent_id FROM up JOIN messages p ON p.id = up.above) "
    "DELETE FROM bin WHERE id = ?1 OR id IN (SELECT bin_id FROM up JOIN binned_messages b ON b.message_id = up.id)";
constexpr const char* kRestoreChat = "DELETE FROM bin WHERE chat_id = ? AND message_id IS NULL";
constexpr const char* kRestoreAbove =
    "WITH RECURSIVE up (id, above) AS ("
    "  SELECT id, parent_id FROM messages WHERE id = ?1 UNION ALL"
    "  SELECT p.id, p.parent_id FROM up JOIN messages p ON p.id = up.above) "
    "DELETE FROM bin WHERE id IN (SELECT bin_id FROM up JOIN binned_messages b ON b.message_id = up.id)";
constexpr const char* kEntries =
    "SELECT bin.id, deleted_at, bin.chat_id, coalesce(message_id, 0), title, coalesce(substr(content, 1, 120), '') "
    "FROM bin JOIN chats ON chats.id = bin.chat_id LEFT JOIN messages ON messages.id = bin.message_id "
    "ORDER BY bin.id DESC";
constexpr const char* kOldChats = "SELECT chat_id FROM bin WHERE deleted_at < ? AND message_id IS NULL";
constexpr const char* kOldMessages = "SELECT message_id FROM bin WHERE deleted_at < ? AND message_id IS NOT NULL";

BinEntry read_entry(const Statement& row) {
  return BinEntry{row.integer(0), row.integer(1), row.integer(2), row.integer(3), row.text(4), row.text(5)};
}

}  // namespace

Result<Id> ChatStore::bin_chat(Id id) {
  FW_ASSIGN(Transaction transaction, database_->begin());
  FW_TRY(chat(id));
  FW_ASSIGN(const auto binned, read_one(database_->query(kIsBinned, id), read_id));
  if (binned) return Error{ErrorCode::invalid_argument, "This chat is in the bin already."};
  FW_TRY(database_->execute(kAddEntry, clock_(), id, NullableId{0}));
  const Id entry = database_->last_insert_id();
  FW_TRY(transaction.commit());
  return entry;
}

Result<Id> ChatStore::bin_branch(Id message_id) {
  FW_ASSIGN(Transaction transaction, database_->begin());
  FW_ASSIGN(const Message top, message(message_id));
  FW_TRY(database_->execute(kAddEntry, clock_(), top.chat_id, NullableId{message_id}));
  const Id entry = database_->last_insert_id();
  FW_ASSIGN(const std::int64_t n_marked, database_->execute(kMarkBranch, message_id, entry));
  if (n_marked == 0) return Error{ErrorCode::invalid_argument, "This message is in the bin already."};
  FW_TRY(transaction.commit());
  return entry;
}

Result<Id> ChatStore::restore(Id entry) {
  FW_ASSIGN(Transaction transaction, database_->begin());
  FW_ASSIGN(const auto chat_id, read_one(database_->query(kChatOf, entry), read_id));
  if (!chat_id) return Error{ErrorCode::not_found, "This is not in the bin (any more)."};
  FW_TRY(database_->execute(kRestore, entry));
  FW_TRY(transaction.commit());
  return *chat_id;
}

Result<void> ChatStore::take_out(Id chat_id, Id message_id) {
  FW_TRY(database_->execute(kRestoreChat, chat_id));
  FW_TRY(database_->execute(kRestoreAbove, message_id));
  return {};
}

Result<std::vector<BinEntry>> ChatStore::bin() { return read_all(database_->query(kEntries), read_entry); }

/// Not one transaction: what was deleted before a failure was old enough.
Result<void> ChatStore::empty_bin(std::int64_t deleted_before) {
  FW_ASSIGN(const std::vector<Id> chats, read_all(database_->query(kOldChats, deleted_before), read_id));
  for (const Id id : chats) FW_TRY(delete_chat(id));
  FW_ASSIGN(const std::vector<Id> messages, read_all(database_->query(kOldMessages, deleted_before), read_id));
  for (const Id id : messages) {
    const Result<void> deleted = delete_branch(id);
    if (!deleted && deleted.error().code != ErrorCode::not_found) return deleted;  // below another of them
  }
  return {};
}

}  // namespace foreword::storage

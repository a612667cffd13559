// The part of ChatStore that deals with messages.
#include "storage/chat_store.h"
#include "storage/rows.h"

namespace foreword::storage {
namespace {

constexpr const char* kMessage = "SELECT " FW_MESSAGE_COLUMNS " FROM messages WHERE id = ?";
constexpr const char* kIsInChat = "SELECT 1 FROM messages WHERE id = ? AND chat_id = ?";
// Only what this writer streams: the last parameter.
constexpr const char* kUpdateText = "UPDATE messages SET content = ?, reasoning = ? WHERE id = ? AND writer_id = ?";
constexpr const char* kFinish =
    "UPDATE messages SET writer_id = NULL, content = ?, reasoning = ?, status = ?, prompt_tokens = ?, "
    "reused_tokens = ?, generated_tokens = ?, first_token_seconds = ?, seconds = ?, stop_reason = ?, reasoning_seconds = ? "
    "WHERE id = ? AND writer_id = ?";
constexpr const char* kResume =
    "UPDATE messages SET status = 'streaming', writer_id = ? "
    "WHERE id = ? AND status IN ('stopped', 'interrupted', 'failed')";
constexpr const char* kTouch = "UPDATE chats SET updated_at = max(updated_at, ?) WHERE id = ?";

constexpr const char* kChildren =
    "SELECT " FW_MESSAGE_COLUMNS " FROM messages WHERE chat_id = ? AND parent_id IS ? AND " FW_MESSAGE_STANDS("messages.id") " ORDER BY id";
constexpr const char* kChildIds = "SELECT id FROM messages WHERE chat_id = ? AND parent_id IS ? AND " FW_MESSAGE_STANDS("messages.id") " ORDER BY id";

// A child that was shown last may be gone: then the newest.
constexpr const char* kShownRoot =
    "SELECT coalesce("
    "  (SELECT m.id FROM messages m WHERE m.id = c.shown_child_id AND m.chat_id = c.id AND m.parent_id IS NULL AND " FW_MESSAGE_STANDS("m.id") "),"
    "  (SELECT max(m.id) FROM messages m WHERE m.chat_id = c.id AND m.parent_id IS NULL AND " FW_MESSAGE_STANDS("m.id") "), 0) "
    "FROM chats c WHERE c.id = ?";
#define FW_SHOWN_CHILD_OF_P                                                                                             \
  "coalesce((SELECT m.id FROM messages m WHERE m.id = p.shown_child_id AND m.parent_id = p.id AND " FW_MESSAGE_STANDS( \
      "m.id") "),"                                                                                                      \
  "         (SELECT max(m.id) FROM messages m WHERE m.parent_id = p.id AND " FW_MESSAGE_STANDS("m.id") "), 0)"
constexpr const char* kShownChild =
    "SELECT " FW_SHOWN_CHILD_OF_P " FROM messages p WHERE p.chat_id = ? AND p.id = ?";
constexpr const char* kPathDown =
    "WITH RECURSIVE down (step, depth) AS ("
    "  SELECT ?1, 0 UNION ALL"
    "  SELECT " FW_SHOWN_CHILD_OF_P ", depth + 1 FROM down JOIN messages p ON p.id = down.step) "
    "SELECT " FW_MESSAGE_COLUMNS " FROM down JOIN messages ON messages.id = down.step ORDER BY depth";

#define FW_UP \
  "WITH RECURSIVE up (step, above, height) AS ("                  \
  "  SELECT id, parent_id, 0 FROM messages WHERE id = ?1 UNION ALL" \
  "  SELECT p.id, p.parent_id, height + 1 FROM up JOIN messages p ON p.id = up.above) "
constexpr const char* kPathUp =
    FW_UP "SELECT " FW_MESSAGE_COLUMNS " FROM up JOIN messages ON messages.id = up.step ORDER BY height DESC";
constexpr const char* kShowInMessages =
    FW_UP "UPDATE messages SET shown_child_id = up.step FROM up "
    "WHERE messages.id = up.above AND messages.shown_child_id IS NOT up.step";
constexpr const char* kShowInChat =
    FW_UP "UPDATE chats SET shown_child_id = (SELECT step FROM up WHERE above IS NULL) WHERE id = ?2";

constexpr const char* kDeleteBranch =
    "WITH RECURSIVE branch (id) AS ("
    "  SELECT ?1 UNION ALL SELECT m.id FROM branch JOIN messages m ON m.parent_id = branch.id) "
    "DELETE FROM messages WHERE id IN branch";

Error no_message(Id id) {
  return Error{ErrorCode::not_found, "Message " + std::to_string(id) + " does not exist (any more)."};
}

}  // namespace

Result<Message> ChatStore::message(Id id) {
  FW_ASSIGN(std::optional<Message> found, read_one(database_->query(kMessage, id), read_message));
  if (!found) return no_message(id);
  return *std::move(found);
}

Result<Message> ChatStore::append(const NewMessage& message) {
  FW_ASSIGN(Transaction transaction, database_->begin());
  FW_TRY(chat(message.chat_id));
  if (message.parent_id != 0) {
    FW_ASSIGN(const auto parent, read_one(database_->query(kIsInChat, message.parent_id, message.chat_id), read_id));
    if (!parent) return no_message(message.parent_id);
  }
  Message row;
  row.role = message.role;
  row.status = message.status;
  row.created_at = clock_();
  row.content = message.content;
  row.reasoning = message.reasoning;
  row.model = message.model;
  row.settings = message.settings;
  row.stats = message.stats;
  const Id writer = message.status == Status::streaming ? this->writer() : 0;
  FW_ASSIGN(const Id id, insert_message(*database_, message.chat_id, message.parent_id, writer, row));
  if (message.role == Role::user) FW_TRY(take_out(message.chat_id, message.parent_id));
  FW_TRY(show_path_to(message.chat_id, id));
  FW_ASSIGN(Message added, this->message(id));
  FW_TRY(transaction.commit());
  return added;
}

Result<void> ChatStore::update_text(Id id, std::string_view content, std::string_view reasoning) {
  FW_ASSIGN(const std::int64_t n_changed, database_->execute(kUpdateText, content, reasoning, id, writer()));
  if (n_changed == 1) return {};
  FW_TRY(message(id));
  return Error{ErrorCode::invalid_argument, "Message " + std::to_string(id) + " is finished: its text never changes."};
}

Result<Message> ChatStore::finish(Id id, std::string_view content, std::string_view reasoning, const MessageEnd& end) {
  if (end.status == Status::streaming) {
    return Error{ErrorCode::invalid_argument, "A message cannot end as streaming."};
  }
  FW_ASSIGN(Transaction transaction, database_->begin());
  const MessageStats& stats = end.stats;
  FW_ASSIGN(const std::int64_t n_changed,
            database_->execute(kFinish, content, reasoning, name_of(end.status), stats.prompt_tokens,
                               stats.reused_tokens, stats.generated_tokens, stats.first_token_seconds, stats.seconds,
                               stats.stop_reason, stats.reasoning_seconds, id, writer()));
  FW_ASSIGN(Message finished, message(id));
  if (n_changed == 0) {
    return Error{ErrorCode::invalid_argument, "Message " + std::to_string(id) + " is finished already."};
  }
  FW_TRY(database_->execute(kTouch, clock_(), finished.chat_id));
  FW_TRY(transaction.commit());
  return finished;
}

Result<Message> ChatStore::resume(Id id) {
  FW_ASSIGN(Transaction transaction, database_->begin());
  FW_ASSIGN(const std::int64_t n_changed, database_->execute(kResume, writer(), id));
  FW_ASSIGN(Message resumed, message(id));
  if (n_changed == 0) {
    return Error{ErrorCode::invalid_argument, "Message " + std::to_string(id) + " is complete or still being written."};
  }
  FW_TRY(show_path_to(resumed.chat_id, id));
  FW_TRY(transaction.commit());
  return resumed;
}

Result<std::vector<Message>> ChatStore::children(Id chat_id, Id parent_id) {
  return read_all(database_->query(kChildren, chat_id, NullableId{parent_id}), read_message);
}

Result<std::vector<Id>> ChatStore::siblings(Id id) {
  FW_ASSIGN(const Message self, message(id));
  return read_all(database_->query(kChildIds, self.chat_id, NullableId{self.parent_id}), read_id);
}

Result<std::vector<PathEntry>> ChatStore::path_to(Id id) {
  FW_ASSIGN(std::vector<PathEntry> path, with_siblings(read_all(database_->query(kPathUp, id), read_message)));
  if (path.empty()) return no_message(id);
  return path;
}

Result<std::vector<PathEntry>> ChatStore::shown_path(Id chat_id) {
  FW_ASSIGN(const Id root, shown_child(chat_id, 0));
  return with_siblings(read_all(database_->query(kPathDown, root), read_message));
}

Result<std::vector<PathEntry>> ChatStore::with_siblings(Result<std::vector<Message>> messages) {
  if (!messages) return messages.error();
  std::vector<PathEntry> path;
  path.reserve(messages->size());
  for (Message& message : *messages) {
    const NullableId parent{message.parent_id};
    FW_ASSIGN(std::vector<Id> siblings, read_all(database_->query(kChildIds, message.chat_id, parent), read_id));
    path.push_back(PathEntry{std::move(message), std::move(siblings)});
  }
  return path;
}

Result<Id> ChatStore::shown_child(Id chat_id, Id parent_id) {
  FW_ASSIGN(const std::optional<Id> child,
            read_one(parent_id == 0 ? database_->query(kShownRoot, chat_id)
                                    : database_->query(kShownChild, chat_id, parent_id),
                     read_id));
  if (child) return *child;
  if (parent_id != 0) return no_message(parent_id);
  return Error{ErrorCode::not_found, "Chat " + std::to_string(chat_id) + " does not exist (any more)."};
}

Result<void> ChatStore::show_path_to(Id chat_id, Id id) {
  FW_TRY(database_->execute(kShowInMessages, id));
  FW_TRY(database_->execute(kShowInChat, id, chat_id));
  FW_TRY(database_->execute(kTouch, clock_(), chat_id));
  return {};
}

Result<void> ChatStore::show(Id id) {
  FW_ASSIGN(Transaction transaction, database_->begin());
  FW_ASSIGN(const Message shown, message(id));
  FW_TRY(show_path_to(shown.chat_id, id));
  return transaction.commit();
}

Result<void> ChatStore::delete_branch(Id id) {
  FW_ASSIGN(const std::int64_t n_deleted, database_->execute(kDeleteBranch, id));
  if (n_deleted == 0) return no_message(id);
  return {};
}

}  // namespace foreword::storage

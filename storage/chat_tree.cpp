// The part of ChatStore that reads and writes whole chats.
#include <map>

#include "storage/chat_store.h"
#include "storage/rows.h"

namespace foreword::storage {
namespace {

constexpr const char* kMessages =
    "SELECT " FW_MESSAGE_COLUMNS ", coalesce(shown_child_id, 0) FROM messages WHERE chat_id = ? AND " FW_MESSAGE_STANDS(
        "messages.id") " ORDER BY id";
constexpr const char* kShownRoot = "SELECT coalesce(shown_child_id, 0) FROM chats WHERE id = ?";
constexpr const char* kAddChat =
    "INSERT INTO chats (created_at, updated_at, pinned, title_by_user, title, model_path, settings, system_prompt, "
    "folder) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr const char* kAddMessage =
    "INSERT INTO messages (chat_id, parent_id, role, status, created_at, content, reasoning, model, settings, "
    "prompt_tokens, reused_tokens, generated_tokens, first_token_seconds, seconds, stop_reason) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr const char* kShowRoot = "UPDATE chats SET shown_child_id = ? WHERE id = ?";
constexpr const char* kShowChild = "UPDATE messages SET shown_child_id = ? WHERE id = ?";

constexpr int kMessageColumns = 16;  // FW_MESSAGE_COLUMNS

TreeMessage read_tree_message(const Statement& row) { return TreeMessage{read_message(row), row.integer(kMessageColumns)}; }

}  // namespace

Result<ChatTree> ChatStore::tree(Id chat_id) {
  ChatTree tree;
  FW_ASSIGN(tree.chat, chat(chat_id));
  FW_ASSIGN(const auto shown_root, read_one(database_->query(kShownRoot, chat_id), read_id));
  tree.shown_root = shown_root.value_or(0);
  FW_ASSIGN(tree.messages, read_all(database_->query(kMessages, chat_id), read_tree_message));
  return tree;
}

Result<Chat> ChatStore::add_tree(const ChatTree& tree) {
  FW_ASSIGN(Transaction transaction, database_->begin());
  const Chat& from = tree.chat;
  FW_TRY(database_->execute(kAddChat, from.created_at, from.updated_at, from.pinned, from.title_by_user, from.title,
                            from.model_path, from.settings, from.system_prompt, from.folder));
  const Id chat_id = database_->last_insert_id();
  std::map<Id, Id> numbers;  // within the tree, here
  for (const TreeMessage& entry : tree.messages) {
    const Message& m = entry.message;
    const auto parent = numbers.find(m.parent_id);
    if ((m.parent_id != 0 && parent == numbers.end()) || numbers.contains(m.id)) {
      return Error{ErrorCode::invalid_argument, "Message " + std::to_string(m.id) + " of this chat stands before its parent or twice."};
    }
    const Status status = m.status == Status::streaming ? Status::interrupted : m.status;
    const MessageStats& stats = m.stats;
    FW_TRY(database_->execute(kAddMessage, chat_id, NullableId{m.parent_id == 0 ? 0 : parent->second}, name_of(m.role),
                              name_of(status), m.created_at, m.content, m.reasoning, m.model, m.settings,
                              stats.prompt_tokens, stats.reused_tokens, stats.generated_tokens,
                              stats.first_token_seconds, stats.seconds, stats.stop_reason));
    numbers[m.id] = database_->last_insert_id();
  }
  const auto number_of = [&](Id id) {
    const auto found = numbers.find(id);
    return NullableId{found == numbers.end() ? 0 : found->second};
  };
  FW_TRY(database_->execute(kShowRoot, number_of(tree.shown_root), chat_id));
  for (const TreeMessage& entry : tree.messages) {
    if (entry.shown_child == 0) continue;
    FW_TRY(database_->execute(kShowChild, number_of(entry.shown_child), number_of(entry.message.id)));
  }
  FW_ASSIGN(Chat added, chat(chat_id));
  FW_TRY(transaction.commit());
  return added;
}

Result<Chat> ChatStore::fork(Id message) {
  FW_ASSIGN(std::vector<PathEntry> path, path_to(message));
  ChatTree tree;
  FW_ASSIGN(tree.chat, chat(path.front().message.chat_id));
  tree.chat.pinned = false;
  tree.chat.updated_at = clock_();
  for (PathEntry& entry : path) tree.messages.push_back({std::move(entry.message), 0});
  return add_tree(tree);
}

}  // namespace foreword::storage

// The part of ChatStore that reads and writes whole chats.
#include <iterator>
#include <map>

#include "storage/chat_store.h"
#include "storage/rows.h"

namespace foreword::storage {
namespace {

constexpr const char* kMessages =
    "SELECT " FW_MESSAGE_COLUMNS ", coalesce(shown_child_id, 0) FROM messages WHERE chat_id = ? AND " FW_MESSAGE_STANDS(
        "messages.id") " ORDER BY id";
constexpr const char* kShownRoot = "SELECT coalesce(shown_child_id, 0) FROM chats WHERE id = ?";
constexpr const char* kChatsFrom =
    "SELECT " FW_CHAT_COLUMNS " FROM chats WHERE source = ? AND " FW_CHAT_STANDS("chats.id");
constexpr const char* kShowRoot = "UPDATE chats SET shown_child_id = ? WHERE id = ?";
constexpr const char* kShowChild = "UPDATE messages SET shown_child_id = ? WHERE id = ?";

constexpr int kMessageColumns = 17;  // FW_MESSAGE_COLUMNS

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

namespace {

/// Within the caller's transaction; the new chat's number.
Result<Id> insert_tree(Database& database, const ChatTree& tree) {
  FW_ASSIGN(const Id chat, insert_chat(database, tree.chat));
  std::map<Id, Id> numbers{{0, 0}};  // within the tree, here
  for (const TreeMessage& entry : tree.messages) {
    const Message& message = entry.message;
    const auto parent = numbers.find(message.parent_id);
    if (parent == numbers.end() || numbers.contains(message.id)) {
      return Error{ErrorCode::invalid_argument, "Message " + std::to_string(message.id) + " of this chat stands before its parent or twice."};
    }
    FW_ASSIGN(numbers[message.id], insert_message(database, chat, parent->second, 0, message));
  }
  const auto number_of = [&](Id id) {
    const auto found = numbers.find(id);
    return NullableId{found == numbers.end() ? 0 : found->second};
  };
  FW_TRY(database.execute(kShowRoot, number_of(tree.shown_root), chat));
  for (const TreeMessage& entry : tree.messages) {
    if (entry.shown_child != 0) FW_TRY(database.execute(kShowChild, number_of(entry.shown_child), number_of(entry.message.id)));
  }
  return chat;
}

}  // namespace

Result<std::vector<Chat>> ChatStore::add_trees(const std::vector<ChatTree>& trees) {
  FW_ASSIGN(Transaction transaction, database_->begin());
  std::vector<Chat> added;
  for (const ChatTree& tree : trees) {
    FW_ASSIGN(const Id id, insert_tree(*database_, tree));
    FW_ASSIGN(Chat row, chat(id));
    added.push_back(std::move(row));
  }
  FW_TRY(transaction.commit());
  return added;
}

Result<Chat> ChatStore::add_tree(const ChatTree& tree) {
  FW_ASSIGN(std::vector<Chat> added, add_trees({tree}));
  return std::move(added.front());
}

Result<std::vector<Chat>> ChatStore::chats_from(const std::vector<std::string>& sources) {
  std::vector<Chat> found;
  for (const std::string& source : sources) {
    FW_ASSIGN(std::vector<Chat> chats, read_all(database_->query(kChatsFrom, source), read_chat));
    found.insert(found.end(), std::make_move_iterator(chats.begin()), std::make_move_iterator(chats.end()));
  }
  return found;
}

Result<Chat> ChatStore::fork(Id message) {
  FW_ASSIGN(std::vector<PathEntry> path, path_to(message));
  ChatTree tree;
  FW_ASSIGN(tree.chat, chat(path.front().message.chat_id));
  tree.chat.pinned = false;
  tree.chat.source.clear();
  tree.chat.updated_at = clock_();
  for (PathEntry& entry : path) tree.messages.push_back({std::move(entry.message), 0});
  return add_tree(tree);
}

}  // namespace foreword::storage

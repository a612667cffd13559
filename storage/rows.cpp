#include "storage/rows.h"

namespace foreword::storage {
namespace {

/// The enumerator whose name stands in the database; the schema allows no other names.
template <class Enum>
Enum enum_of(const std::string& name, Enum last) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    if (name == name_of(static_cast<Enum>(i))) return static_cast<Enum>(i);
  }
  return last;  // only in a file that was damaged on purpose
}

constexpr const char* kAddChat =
    "INSERT INTO chats (created_at, updated_at, pinned, title_by_user, title, model_path, settings, system_prompt, "
    "folder, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(nullif(?, ''), lower(hex(randomblob(16)))))";
constexpr const char* kAddMessage =
    "INSERT INTO messages (chat_id, parent_id, writer_id, role, status, created_at, content, reasoning, model, "
    "settings, prompt_tokens, reused_tokens, generated_tokens, first_token_seconds, seconds, stop_reason, reasoning_seconds) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

}  // namespace

Result<Id> insert_chat(Database& database, const Chat& chat) {
  FW_TRY(database.execute(kAddChat, chat.created_at, chat.updated_at, chat.pinned, chat.title_by_user, chat.title,
                          chat.model_path, chat.settings, chat.system_prompt, chat.folder, chat.source));
  return database.last_insert_id();
}

Result<Id> insert_message(Database& database, Id chat, Id parent, Id writer, const Message& message) {
  const MessageStats& stats = message.stats;
  const bool orphan = writer == 0 && message.status == Status::streaming;
  FW_TRY(database.execute(kAddMessage, chat, NullableId{parent}, NullableId{writer}, name_of(message.role),
                          name_of(orphan ? Status::interrupted : message.status), message.created_at, message.content, message.reasoning,
                          message.model, message.settings, stats.prompt_tokens, stats.reused_tokens,
                          stats.generated_tokens, stats.first_token_seconds, stats.seconds, stats.stop_reason,
                          stats.reasoning_seconds));
  return database.last_insert_id();
}

Chat read_chat(const Statement& row) {
  Chat chat;
  chat.id = row.integer(0);
  chat.title = row.text(1);
  chat.title_by_user = row.integer(2) != 0;
  chat.pinned = row.integer(3) != 0;
  chat.created_at = row.integer(4);
  chat.updated_at = row.integer(5);
  chat.model_path = row.text(6);
  chat.system_prompt = row.text(7);
  chat.settings = row.text(8);
  chat.folder = row.text(9);
  chat.source = row.text(10);
  return chat;
}

Message read_message(const Statement& row) {
  Message message;
  message.id = row.integer(0);
  message.chat_id = row.integer(1);
  message.parent_id = row.integer(2);
  message.role = enum_of(row.text(3), Role::tool);
  message.status = enum_of(row.text(4), Status::failed);
  message.created_at = row.integer(5);
  message.content = row.text(6);
  message.reasoning = row.text(7);
  message.model = row.text(8);
  message.settings = row.text(9);
  message.stats.prompt_tokens = row.integer(10);
  message.stats.reused_tokens = row.integer(11);
  message.stats.generated_tokens = row.integer(12);
  message.stats.first_token_seconds = row.real(13);
  message.stats.seconds = row.real(14);
  message.stats.stop_reason = row.text(15);
  message.stats.reasoning_seconds = row.real(16);
  return message;
}

ModelRecord read_model(const Statement& row) {
  return ModelRecord{row.text(0), row.text(1), row.integer(2), row.integer(3)};
}

Setting read_setting(const Statement& row) { return Setting{row.text(0), row.text(1)}; }

}  // namespace foreword::storage

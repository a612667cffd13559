#pragma once
// How rows become structs and structs rows: the columns to ask for, and who reads and writes them in that order.

#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/types.h"

// Macros, because statements are literals (Database::prepare).
#define FW_CHAT_COLUMNS \
  "chats.id, title, title_by_user, pinned, chats.created_at, updated_at, model_path, system_prompt, chats.settings, " \
  "folder, source"
#define FW_MESSAGE_COLUMNS                                                                                     \
  "messages.id, chat_id, parent_id, role, status, messages.created_at, content, reasoning, model, settings, " \
  "prompt_tokens, reused_tokens, generated_tokens, first_token_seconds, seconds, stop_reason, reasoning_seconds"

// Conditions: not in the bin. The argument is an id.
#define FW_CHAT_STANDS(id) "NOT EXISTS (SELECT 1 FROM bin WHERE bin.chat_id = " id " AND bin.message_id IS NULL)"
#define FW_MESSAGE_STANDS(id) "NOT EXISTS (SELECT 1 FROM binned_messages WHERE binned_messages.message_id = " id ")"

namespace foreword::storage {

Chat read_chat(const Statement& row);
Message read_message(const Statement& row);
ModelRecord read_model(const Statement& row);
Setting read_setting(const Statement& row);

/// New rows; the struct's own id is not looked at. An empty `source` gets a fresh one.
Result<Id> insert_chat(Database& database, const Chat& chat);
/// `parent`, `writer`: 0 is none. What nobody writes is not streaming but interrupted.
Result<Id> insert_message(Database& database, Id chat, Id parent, Id writer, const Message& message);

/// All rows of a statement, each through `read`.
template <class T>
Result<std::vector<T>> read_all(Result<Statement> statement, T (*read)(const Statement&)) {
  if (!statement) return statement.error();
  std::vector<T> rows;
  while (true) {
    FW_ASSIGN(const bool row, statement->step());
    if (!row) return rows;
    rows.push_back(read(*statement));
  }
}

/// The first row, or nothing.
template <class T>
Result<std::optional<T>> read_one(Result<Statement> statement, T (*read)(const Statement&)) {
  if (!statement) return statement.error();
  FW_ASSIGN(const bool row, statement->step());
  if (!row) return std::optional<T>{};
  return std::optional<T>(read(*statement));
}

inline Id read_id(const Statement& row) { return row.integer(0); }
inline std::string read_text(const Statement& row) { return row.text(0); }

}  // namespace foreword::storage

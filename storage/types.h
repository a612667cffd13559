#pragma once
// What the storage keeps, as plain structs. Texts are bytes: UTF-8 is expected, anything else is kept unchanged.
// Times are milliseconds since 1970-01-01 UTC.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foreword::storage {

/// The number of a row, from 1 up, never used again after a deletion. 0: none (a root's parent, a title's message).
using Id = std::int64_t;

enum class Role { system, user, assistant, tool };

/// `streaming`: a live program is still writing it. `stopped`: a person stopped it. `interrupted`: its program died or
/// was closed. `failed`: the engine gave up. Everything but `streaming` is finished: its text never changes again,
/// unless resume() opens a stopped, interrupted or failed answer once more.
enum class Status { complete, streaming, stopped, interrupted, failed };

const char* name_of(Role role);      // "user"; also the word in the database
const char* name_of(Status status);  // "complete"

struct Chat {
  Id id = 0;
  std::string title;
  bool title_by_user = false;  // an automatic title never replaces it
  bool pinned = false;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;  // of the last message or change of branch
  std::string model_path;       // the model last used here; empty: none yet
  std::string system_prompt;
  std::string settings;  // JSON, not read by the storage
  std::string folder;    // its path, "Work/Reports"; empty: none
  std::string source;    // where it began, the same in every export of it; an import that is here already is known by it
};

struct MessageStats {
  std::int64_t prompt_tokens = 0;
  std::int64_t reused_tokens = 0;  // of prompt_tokens, those that were not read again
  std::int64_t generated_tokens = 0;
  double first_token_seconds = 0;
  double seconds = 0;
  std::string stop_reason;  // the engine's word
  double reasoning_seconds = 0;  // from the first piece to the end of the reasoning; 0: none, or not known
};

/// Messages of a chat form trees: an edit or a new answer is a sibling of the old one, not a replacement.
struct Message {
  Id id = 0;
  Id chat_id = 0;
  Id parent_id = 0;  // 0: a root
  Role role = Role::user;
  Status status = Status::complete;
  std::int64_t created_at = 0;
  std::string content;
  std::string reasoning;
  std::string model;     // name of the model that wrote it; empty for people
  std::string settings;  // JSON of the sampling, not read by the storage
  MessageStats stats;
};

/// A message on the shown path, with the ids of itself and its siblings, oldest first ("2 / 3" and its arrows).
struct PathEntry {
  Message message;
  std::vector<Id> siblings;
};

/// Initialisers let a caller name the title alone.
struct NewChat {
  std::string title;
  bool title_by_user = false;
  std::string model_path = {};
  std::string system_prompt = {};
  std::string settings = {};
};

/// `status` is `complete` for what is whole already, `streaming` for an answer that will grow.
struct NewMessage {
  Id chat_id = 0;
  Id parent_id = 0;  // a message of the same chat, or 0
  Role role = Role::user;
  Status status = Status::complete;
  std::string content;
  std::string reasoning;
  std::string model;
  std::string settings;
  MessageStats stats;
};

/// How a streaming message ends. `status` is anything but `streaming`.
struct MessageEnd {
  Status status = Status::complete;
  MessageStats stats;
};

/// A deletion that can still be undone.
struct BinEntry {
  Id id = 0;
  std::int64_t deleted_at = 0;
  Id chat_id = 0;
  Id message_id = 0;    // 0: the whole chat
  std::string title;    // of the chat
  std::string excerpt;  // the start of the message; empty for a chat
};

/// A chat with all its messages. Ids mean something within the tree only.
struct TreeMessage {
  Message message;
  Id shown_child = 0;  // 0: the newest
};
struct ChatTree {
  Chat chat;
  Id shown_root = 0;
  std::vector<TreeMessage> messages;  // every parent before its children
};

/// Which folder a chat lies in.
struct Place {
  Id chat = 0;
  std::string folder;
};

/// A copy of the whole database. `before_update`: of an older schema; `before_restore`: of what a restored copy replaced.
enum class BackupKind { daily, before_update, before_restore };
struct Backup {
  std::string path;
  BackupKind kind = BackupKind::daily;
  std::int64_t made_at = 0;
  std::int64_t n_chats = 0;  // without those in its bin
  std::int64_t bytes = 0;
};

struct ModelRecord {
  std::string path;
  std::string name;
  std::int64_t last_used = 0;
  std::int64_t size = 0;  // bytes of the file
};

struct Setting {
  std::string key;
  std::string value;
};

struct SearchHit {
  Chat chat;
  Id message_id = 0;    // 0: the title was found
  std::string snippet;  // at most some 200 bytes, whole UTF-8 characters
  std::vector<std::pair<std::uint32_t, std::uint32_t>> marks;  // found places in `snippet`: first byte, byte count
};

/// What the user said in a chat.
struct SaidText {
  Id chat = 0;
  std::string text;
};

}  // namespace foreword::storage

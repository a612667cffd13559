#include "storage/migrations.h"

namespace foreword::storage {
namespace {

/// Notes on what is not said by the words themselves:
/// - Ids are AUTOINCREMENT, so that a number that somebody remembers never comes to mean another row.
/// - shown_child_id has no foreign key: a stale number is harmless (ChatStore::shown_child falls back to the newest),
///   while a key would need its own index and a second pass over every deleted branch.
/// - parent_id has no cascade: SQLite nests cascades at most 1,000 deep, and chats are deeper. A chat takes all its
///   messages with it in one statement, and delete_branch() does the same.
/// - The long columns come last: the others are then found without reading the text.
/// - Only finished messages are in the search indexes: a growing text would be indexed again with every write. Finished
///   text cannot change (messages_stay), so that the indexes need no trigger for changes of text.
constexpr const char* kFirstSchema = R"sql(
CREATE TABLE writers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  opened_at INTEGER NOT NULL
) STRICT;

CREATE TABLE chats (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
  title_by_user INTEGER NOT NULL DEFAULT 0 CHECK (title_by_user IN (0, 1)),
  shown_child_id INTEGER,
  title TEXT NOT NULL,
  model_path TEXT NOT NULL DEFAULT '',
  settings TEXT NOT NULL DEFAULT '',
  system_prompt TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  chat_id INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
  parent_id INTEGER REFERENCES messages (id),
  shown_child_id INTEGER,
  writer_id INTEGER REFERENCES writers (id),
  role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
  status TEXT NOT NULL CHECK (status IN ('complete', 'streaming', 'stopped', 'interrupted', 'failed')),
  created_at INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL DEFAULT 0,
  reused_tokens INTEGER NOT NULL DEFAULT 0,
  generated_tokens INTEGER NOT NULL DEFAULT 0,
  first_token_seconds REAL NOT NULL DEFAULT 0,
  seconds REAL NOT NULL DEFAULT 0,
  stop_reason TEXT NOT NULL DEFAULT '',
  model TEXT NOT NULL DEFAULT '',
  settings TEXT NOT NULL DEFAULT '',
  reasoning TEXT NOT NULL DEFAULT '',
  content TEXT NOT NULL,
  CHECK ((status = 'streaming') = (writer_id IS NOT NULL))
) STRICT;
CREATE INDEX messages_by_parent ON messages (chat_id, parent_id);
CREATE INDEX messages_by_parent_alone ON messages (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX messages_by_writer ON messages (writer_id) WHERE writer_id IS NOT NULL;

CREATE TRIGGER messages_stay BEFORE UPDATE OF chat_id, parent_id, role, content, reasoning ON messages
WHEN old.status <> 'streaming' BEGIN
  SELECT RAISE(ABORT, 'a finished message never changes');
END;

CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE models (
  path TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  last_used INTEGER NOT NULL,
  size INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE message_words USING fts5 (
  content, content = 'messages', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
CREATE VIRTUAL TABLE message_parts USING fts5 (
  content, content = 'messages', content_rowid = 'id', tokenize = 'trigram');
CREATE VIRTUAL TABLE title_words USING fts5 (
  title, content = 'chats', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
CREATE VIRTUAL TABLE title_parts USING fts5 (
  title, content = 'chats', content_rowid = 'id', tokenize = 'trigram');

CREATE TRIGGER messages_added AFTER INSERT ON messages WHEN new.status <> 'streaming' BEGIN
  INSERT INTO message_words (rowid, content) VALUES (new.id, new.content);
  INSERT INTO message_parts (rowid, content) VALUES (new.id, new.content);
END;
CREATE TRIGGER messages_finished AFTER UPDATE OF status ON messages
WHEN old.status = 'streaming' AND new.status <> 'streaming' BEGIN
  INSERT INTO message_words (rowid, content) VALUES (new.id, new.content);
  INSERT INTO message_parts (rowid, content) VALUES (new.id, new.content);
END;
CREATE TRIGGER messages_resumed AFTER UPDATE OF status ON messages
WHEN old.status <> 'streaming' AND new.status = 'streaming' BEGIN
  INSERT INTO message_words (message_words, rowid, content) VALUES ('delete', old.id, old.content);
  INSERT INTO message_parts (message_parts, rowid, content) VALUES ('delete', old.id, old.content);
END;
CREATE TRIGGER messages_deleted AFTER DELETE ON messages WHEN old.status <> 'streaming' BEGIN
  INSERT INTO message_words (message_words, rowid, content) VALUES ('delete', old.id, old.content);
  INSERT INTO message_parts (message_parts, rowid, content) VALUES ('delete', old.id, old.content);
END;

CREATE TRIGGER chats_added AFTER INSERT ON chats BEGIN
  INSERT INTO title_words (rowid, title) VALUES (new.id, new.title);
  INSERT INTO title_parts (rowid, title) VALUES (new.id, new.title);
END;
CREATE TRIGGER chats_renamed AFTER UPDATE OF title ON chats BEGIN
  INSERT INTO title_words (title_words, rowid, title) VALUES ('delete', old.id, old.title);
  INSERT INTO title_parts (title_parts, rowid, title) VALUES ('delete', old.id, old.title);
  INSERT INTO title_words (rowid, title) VALUES (new.id, new.title);
  INSERT INTO title_parts (rowid, title) VALUES (new.id, new.title);
END;
CREATE TRIGGER chats_deleted AFTER DELETE ON chats BEGIN
  INSERT INTO title_words (title_words, rowid, title) VALUES ('delete', old.id, old.title);
  INSERT INTO title_parts (title_parts, rowid, title) VALUES ('delete', old.id, old.title);
END;
)sql";

/// What is deleted lies in the bin for a while. A row of `bin` is one deletion: a chat (message_id NULL), or a message
/// and all below it, which binned_messages names. Taking the row away restores it. Marks in tables of their own, because
/// a new column of `messages` would stand behind the long ones.
constexpr const char* kBin = R"sql(
CREATE TABLE bin (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  deleted_at INTEGER NOT NULL,
  chat_id INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
  message_id INTEGER REFERENCES messages (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX bin_by_chat ON bin (chat_id);
CREATE INDEX bin_by_message ON bin (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE binned_messages (
  message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
  bin_id INTEGER NOT NULL REFERENCES bin (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX binned_by_bin ON binned_messages (bin_id);
)sql";

/// A folder is a path in its chats, "Work/Reports", and ends with the last of them.
constexpr const char* kFolders = R"sql(
ALTER TABLE chats ADD COLUMN folder TEXT NOT NULL DEFAULT '';
)sql";

/// Where a chat began, so that an import of one that is here already is known.
constexpr const char* kSources = R"sql(
ALTER TABLE chats ADD COLUMN source TEXT NOT NULL DEFAULT '';
UPDATE chats SET source = lower(hex(randomblob(16)));
CREATE INDEX chats_by_source ON chats (source);
)sql";

/// Parts of one and two characters are found through the index too (parts_tokenizer.h).
constexpr const char* kParts = R"sql(
DROP TABLE message_parts;
DROP TABLE title_parts;
CREATE VIRTUAL TABLE message_parts USING fts5 (
  content, content = 'messages', content_rowid = 'id', tokenize = 'foreword_parts');
CREATE VIRTUAL TABLE title_parts USING fts5 (
  title, content = 'chats', content_rowid = 'id', tokenize = 'foreword_parts');
INSERT INTO message_parts (rowid, content) SELECT id, content FROM messages WHERE status <> 'streaming';
INSERT INTO title_parts (rowid, title) SELECT id, title FROM chats;
)sql";

/// How long a model thought. Behind the long columns: it is read with them.
constexpr const char* kReasoning = R"sql(
ALTER TABLE messages ADD COLUMN reasoning_seconds REAL NOT NULL DEFAULT 0;
)sql";

constexpr Migration kRows[] = {
    {1, kFirstSchema},
    {2, kBin},
    {3, kFolders},
    {4, kSources},
    {5, kParts},
    {6, kReasoning},
};

}  // namespace

constinit const std::span<const Migration> kMigrations{kRows};

}  // namespace foreword::storage

#pragma once
// What this program adds to SQLite's full-text search (FTS5): a tokenizer and a function.

struct sqlite3;

namespace foreword::storage {

/// For this connection; before an index is used. SQLite's code.
int extend_fts5(sqlite3* database);

}  // namespace foreword::storage

#pragma once
// How the parts indexes cut texts (FTS5 tokenizer "foreword_parts"): SQLite's trigrams, and beside them every single
// character that is no ASCII letter, digit or blank. So one or two characters of Chinese, Japanese or Thai, an emoji or a
// brace are found through the index as well, where trigrams alone find nothing.

struct sqlite3;

namespace foreword::storage {

/// For this connection; before a parts index is used. SQLite's code.
int register_parts_tokenizer(sqlite3* database);

}  // namespace foreword::storage

#pragma once
// How the parts indexes cut texts (FTS5 tokenizer "foreword_parts"): SQLite's trigrams, and beside them every single
// character that is no ASCII letter, digit or blank. So one or two characters of Chinese, Japanese or Thai, an emoji or a
// brace are found through the index as well, where trigrams alone find nothing.

struct fts5_api;

namespace foreword::storage {

/// SQLite's code.
int register_parts_tokenizer(fts5_api* api);

}  // namespace foreword::storage

#pragma once
// excerpt(table), an FTS5 function: what snippet() is for, in time that grows with the text. snippet() compares every hit of
// a row with every other, which takes seconds where a letter is looked for in a long paste.

struct fts5_api;

namespace foreword::storage {

/// The function: some 24 tokens of the first column, around the place where most phrases stand close together, the first such
/// place; every hit in it between char(2) and char(3), "…" where text is left out. SQLite's code.
int register_excerpt(fts5_api* api);

}  // namespace foreword::storage

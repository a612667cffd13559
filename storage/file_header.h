#pragma once
// What a database file says about itself, read without SQLite: opening a file in WAL mode, even for reading, creates
// and changes the files beside it, and a database that is not for us must stay as it is, to the byte.
// Layout: https://www.sqlite.org/fileformat2.html, sections 1.3 (header), 1.6 (b-tree pages) and 4 (the WAL).

#include <filesystem>
#include <optional>

#include "engine/base/result.h"

namespace foreword::storage {

struct FileHeader {
  int user_version = 0;
  int application_id = 0;
  bool is_blank = false;  // has no tables: made, but not yet filled
};

/// The header as a reader would see it, with what committed in `<path>-wal`. Nothing: no such file, or an empty one.
/// Errors: io (cannot be read), corrupt (not a database).
Result<std::optional<FileHeader>> read_file_header(const std::filesystem::path& path);

}  // namespace foreword::storage

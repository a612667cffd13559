#pragma once
// Copies of the database: one a day, `<folder>/backups/<stem>-<YYYY-MM-DD>.db` (UTC), the newest seven kept; one before
// each restore, `<stem>-before-restore-<YYYYMMDD>-<HHMMSS>.db`, the newest three kept; and those that Database makes before
// a migration. A database that cannot be opened any more is put beside them before a copy takes its place.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/base/result.h"
#include "storage/database.h"
#include "storage/types.h"

namespace foreword::storage {

inline constexpr int kBackupsKept = 7;
inline constexpr int kRestoresKept = 3;

/// Where the copy of the day of `now` (milliseconds since 1970) lies or will lie.
std::filesystem::path daily_backup(const std::filesystem::path& database, std::int64_t now);

/// Makes the day's copy unless there is one, then removes the oldest beyond kBackupsKept. True: it made one. Errors: io,
/// corrupt; the older copies stay.
Result<bool> back_up_daily(Database& database, std::int64_t now);

/// A copy of what a restored one is about to replace; its path.
Result<std::filesystem::path> keep_before_restore(Database& database, std::int64_t now);

/// All copies that this program can read, newest first. Those it cannot read are left out.
std::vector<Backup> list_backups(const std::filesystem::path& database);

/// For a database that cannot be opened (nobody has it open): it is set aside with the files beside it, and a copy takes
/// its place; the path of what was set aside. Errors as of Database::open_copy, corrupt: the copy is damaged too.
Result<std::filesystem::path> replace_by_backup(const std::filesystem::path& database, const std::filesystem::path& copy,
                                                std::int64_t now);

}  // namespace foreword::storage

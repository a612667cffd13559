#pragma once
// Daily copies of the database: `<folder>/backups/<stem>-<YYYY-MM-DD>.db` (UTC), the newest seven kept.

#include <cstdint>
#include <filesystem>

#include "engine/base/result.h"
#include "storage/database.h"

namespace foreword::storage {

inline constexpr int kBackupsKept = 7;

/// Where the copy of the day of `now` (milliseconds since 1970) lies or will lie.
std::filesystem::path daily_backup(const std::filesystem::path& database, std::int64_t now);

/// Makes the day's copy unless there is one, then removes the oldest beyond kBackupsKept. True: it made one. Errors: io,
/// corrupt; the older copies stay.
Result<bool> back_up_daily(Database& database, std::int64_t now);

}  // namespace foreword::storage

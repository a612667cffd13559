#include "storage/backups.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace foreword::storage {
namespace fs = std::filesystem;

fs::path daily_backup(const fs::path& database, std::int64_t now) {
  using namespace std::chrono;
  const year_month_day day{floor<days>(sys_time<milliseconds>(milliseconds(now)))};
  char date[32];
  std::snprintf(date, sizeof date, "-%04d-%02u-%02u.db", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                static_cast<unsigned>(day.day()));
  return database.parent_path() / "backups" / (database.stem().string() + date);
}

Result<bool> back_up_daily(Database& database, std::int64_t now) {
  const fs::path target = daily_backup(database.path(), now), folder = target.parent_path();
  std::error_code code;
  if (fs::exists(target, code)) return false;
  if (fs::create_directory(folder, code)) fs::permissions(folder, fs::perms::owner_all, code);
  FW_TRY(database.back_up(target));
  std::vector<fs::path> copies;
  const std::string prefix = database.path().stem().string() + "-";
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename().string();
    if (name.size() == target.filename().string().size() && name.starts_with(prefix) && name.ends_with(".db")) copies.push_back(entry.path());
  }
  std::sort(copies.begin(), copies.end());  // dates sort as texts
  for (std::size_t i = 0; i + kBackupsKept < copies.size(); ++i) fs::remove(copies[i], code);
  return true;
}

}  // namespace foreword::storage

#include "storage/backups.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <system_error>

#include "storage/rows.h"

namespace foreword::storage {
namespace fs = std::filesystem;
namespace {

constexpr const char* kDaily = "-YYYY-MM-DD.db";
constexpr const char* kBeforeRestore = "-before-restore-";
constexpr const char* kDamaged = "-damaged-";
constexpr const char* kBeforeUpdate = ".backup-v";

constexpr const char* kChats = "SELECT count(*) FROM chats";
constexpr const char* kBinnedChats = "SELECT count(DISTINCT chat_id) FROM bin WHERE message_id IS NULL";

fs::path folder_of(const fs::path& database) { return database.parent_path() / "backups"; }

void make_folder(const fs::path& folder) {
  std::error_code code;
  if (fs::create_directory(folder, code)) fs::permissions(folder, fs::perms::owner_all, code);
}

/// `format`: of strftime's, for UTC.
std::string date(std::int64_t now, const char* format) {
  const std::time_t seconds = static_cast<std::time_t>(now / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, format, &parts));
}

/// A name that nobody has: "<stem><kind><time>[-n].db".
fs::path fresh_name(const fs::path& database, const char* kind, std::int64_t now) {
  const std::string begin = database.stem().string() + kind + date(now, "%Y%m%d-%H%M%S");
  std::error_code code;
  fs::path path = folder_of(database) / (begin + ".db");
  for (int n = 2; fs::exists(path, code); ++n) path = folder_of(database) / (begin + "-" + std::to_string(n) + ".db");
  return path;
}

/// What kind of copy of `database` a file name says; nothing: none that we made.
std::optional<BackupKind> kind_of(const fs::path& database, const std::string& name) {
  const std::string stem = database.stem().string();
  const std::string update = database.filename().string() + kBeforeUpdate;
  const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  if (name.starts_with(update) && std::all_of(name.begin() + std::ssize(update), name.end(), is_digit)) return BackupKind::before_update;
  if (!name.starts_with(stem + "-") || !name.ends_with(".db")) return std::nullopt;
  if (name.starts_with(stem + kBeforeRestore)) return BackupKind::before_restore;
  if (name.size() == stem.size() + std::string_view(kDaily).size()) return BackupKind::daily;
  return std::nullopt;
}

std::vector<std::pair<fs::path, BackupKind>> copies_of(const fs::path& database) {
  std::vector<std::pair<fs::path, BackupKind>> copies;
  for (const fs::path& folder : {folder_of(database), database.parent_path()}) {
    std::error_code code;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, code)) {
      const auto kind = kind_of(database, entry.path().filename().string());
      if (kind && entry.is_regular_file(code)) copies.emplace_back(entry.path(), *kind);
    }
  }
  return copies;
}

/// Removes all but the newest `n_kept` of a kind: their names sort by time.
void remove_old(const fs::path& database, BackupKind kind, std::size_t n_kept) {
  std::vector<fs::path> paths;
  for (auto& [path, is] : copies_of(database)) {
    if (is == kind) paths.push_back(std::move(path));
  }
  std::sort(paths.begin(), paths.end());
  std::error_code code;
  for (std::size_t i = 0; i + n_kept < paths.size(); ++i) fs::remove(paths[i], code);
}

std::int64_t written_at(const fs::path& path) {
  using namespace std::chrono;
  std::error_code code;
  const auto time = file_clock::to_sys(fs::last_write_time(path, code));
  return code ? 0 : duration_cast<milliseconds>(time.time_since_epoch()).count();
}

/// What a program left that died while it made a copy, a day ago or more.
void remove_leftovers(const fs::path& database, std::int64_t now) {
  constexpr std::int64_t kDay = 24LL * 3600 * 1000;
  for (const fs::path& folder : {folder_of(database), database.parent_path()}) {
    std::error_code code;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, code)) {
      const std::string name = entry.path().filename().string();
      const bool is_part = name.starts_with(database.stem().string()) && name.find(".part-") != std::string::npos;
      if (is_part && written_at(entry.path()) < now - kDay) fs::remove(entry.path(), code);
    }
  }
}

Result<std::int64_t> count_chats(const fs::path& path) {
  FW_ASSIGN(const auto copy, Database::open_copy(path));
  FW_ASSIGN(const auto n_chats, read_one(copy->query(kChats), read_id));
  const auto n_binned = read_one(copy->query(kBinnedChats), read_id);  // older schemas have no bin
  return n_chats.value_or(0) - (n_binned ? n_binned->value_or(0) : 0);
}

Error trouble(const std::string& what, const fs::path& path, const std::error_code& code) {
  return Error{ErrorCode::io, what + " " + path.string() + " failed (" + code.message() + "). The chats are as they were."};
}

}  // namespace

fs::path daily_backup(const fs::path& database, std::int64_t now) {
  return folder_of(database) / (database.stem().string() + date(now, "-%Y-%m-%d") + ".db");
}

Result<bool> back_up_daily(Database& database, std::int64_t now) {
  const fs::path target = daily_backup(database.path(), now);
  std::error_code code;
  if (fs::exists(target, code)) return false;
  make_folder(target.parent_path());
  FW_TRY(database.back_up(target));
  remove_old(database.path(), BackupKind::daily, kBackupsKept);
  remove_leftovers(database.path(), now);
  return true;
}

Result<fs::path> keep_before_restore(Database& database, std::int64_t now) {
  make_folder(folder_of(database.path()));
  fs::path target = fresh_name(database.path(), kBeforeRestore, now);
  FW_TRY(database.back_up(target));
  remove_old(database.path(), BackupKind::before_restore, kRestoresKept);
  return target;
}

std::vector<Backup> list_backups(const fs::path& database) {
  std::vector<Backup> backups;
  for (const auto& [path, kind] : copies_of(database)) {
    const auto n_chats = count_chats(path);
    if (!n_chats) continue;
    std::error_code code;
    backups.push_back({path.string(), kind, written_at(path), *n_chats, static_cast<std::int64_t>(fs::file_size(path, code))});
  }
  std::sort(backups.begin(), backups.end(), [](const Backup& a, const Backup& b) {
    return a.made_at != b.made_at ? a.made_at > b.made_at : a.path > b.path;
  });
  return backups;
}

Result<fs::path> replace_by_backup(const fs::path& database, const fs::path& copy, std::int64_t now) {
  const fs::path part = database.string() + ".restoring";
  {
    FW_ASSIGN(const auto from, Database::open_copy(copy));
    FW_TRY(from->check_integrity());
    FW_TRY(from->back_up(part));
  }
  // The old file keeps its name until the new one takes it, so that no start in between finds nothing; its log goes first,
  // or it would be taken for the new one's.
  make_folder(folder_of(database));
  const fs::path aside = fresh_name(database, kDamaged, now);
  std::error_code code;
  fs::create_hard_link(database, aside, code);
  if (code) fs::copy_file(database, aside, code);
  if (code) return trouble("Setting aside", database, code);
  for (const char* end : {"-wal", "-shm"}) {
    const fs::path beside = database.string() + end;
    std::error_code missing;
    if (!fs::exists(beside, missing)) continue;
    fs::rename(beside, aside.string() + end, code);
    if (code) return trouble("Setting aside", beside, code);
  }
  fs::rename(part, database, code);
  if (code) return trouble("Naming", database, code);
  return aside;
}

}  // namespace foreword::storage

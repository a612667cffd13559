#include "storage/desk.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "storage/backups.h"
#include "storage/clerk.h"

namespace foreword::storage {
namespace {

/// The day's copy waits until the window stands; a program that runs for days looks every hour.
constexpr std::chrono::seconds kFirstBackup{10};
constexpr std::chrono::hours kBackupCheck{1};

/// Between two attempts to open a database where what is wrong may pass: a full disk, another program's lock.
constexpr std::chrono::seconds kOpenAgain{2};

Moment now() { return std::chrono::steady_clock::now(); }

/// The copies, without those newer than the first that is whole to its last page.
std::vector<Backup> good_backups(const std::filesystem::path& database) {
  std::vector<Backup> backups = list_backups(database);
  const auto is_whole = [](const Backup& backup) {
    const auto copy = Database::open_copy(backup.path);
    return copy && (*copy)->check_integrity();
  };
  backups.erase(backups.begin(), std::find_if(backups.begin(), backups.end(), is_whole));
  return backups;
}

Request request_of(const Command& command) {
  return std::visit([](const auto& any) { return any.request; }, command);
}

}  // namespace

StorageDesk::StorageDesk(std::filesystem::path database, EventSink sink)
    : sink_(std::move(sink)), thread_([this, path = std::move(database)] { run(path); }) {}

StorageDesk::~StorageDesk() {
  inbox_.close();
  thread_.join();
}

/// Until the database is open. Null: the program ends.
std::unique_ptr<ChatStore> StorageDesk::open(const std::filesystem::path& database) {
  for (bool waits = false;;) {
    Result<std::unique_ptr<ChatStore>> store = ChatStore::open(database);
    if (store) {
      sink_(event::Opened{(*store)->n_interrupted()});
      return *std::move(store);
    }
    const bool may_pass = store.error().code == ErrorCode::io;
    if (!may_pass || !waits) sink_(event::OpenFailed{store.error()});
    waits = may_pass;
    if (!refuse(database, store.error(), may_pass ? std::optional(now() + kOpenAgain) : std::nullopt)) return nullptr;
  }
}

/// Every command fails, but for those that list copies and put one in the place of a damaged database. True: it is worth opening
/// again, because of the latter or because it is time. False: the program ends.
bool StorageDesk::refuse(const std::filesystem::path& database, const Error& why, std::optional<Moment> again) {
  while (std::optional<Command> command = again ? inbox_.take_until(*again) : inbox_.take()) {
    if (const auto* list = std::get_if<command::ListBackups>(&*command)) {
      sink_(event::Backups{list->request, good_backups(database)});
      continue;
    }
    Error refused = why;
    if (const auto* restore = std::get_if<command::RestoreBackup>(&*command); restore != nullptr && why.code == ErrorCode::corrupt) {
      const auto aside = replace_by_backup(database, restore->path, system_milliseconds());
      if (aside) {
        sink_(event::BackupRestored{restore->request, aside->string(), false});
        return true;
      }
      refused = aside.error();
    }
    sink_(event::Failed{request_of(*command), refused, false});
  }
  return !inbox_.closed();
}

void StorageDesk::run(const std::filesystem::path& database) {
  const std::unique_ptr<ChatStore> store = open(database);
  if (!store) return;
  Clerk clerk(*store, sink_);
  const auto back_up = [&] {
    const Result<bool> made = back_up_daily(store->database(), system_milliseconds());
    if (!made) log(LogLevel::warning, made.error().message);
  };
  Moment backup_due = now() + kFirstBackup;
  while (true) {
    const Moment due = std::min(clerk.next_due().value_or(backup_due), backup_due);
    std::optional<Command> command = inbox_.take_until(due);
    if (command) {
      clerk.handle(*std::move(command), now());
    } else if (now() < due) {
      break;  // closed and empty
    }
    clerk.tick(now());
    if (now() < backup_due) continue;
    back_up();
    backup_due = now() + kBackupCheck;
  }
  if (!clerk.close(now())) log(LogLevel::error, "some text could not be saved before the program ended");
  back_up();
}

}  // namespace foreword::storage

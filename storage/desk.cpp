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

/// A damaged database can be replaced by a copy; every other command fails until then. Null: the program ends.
std::unique_ptr<ChatStore> StorageDesk::open(const std::filesystem::path& database) {
  while (true) {
    Result<std::unique_ptr<ChatStore>> store = ChatStore::open(database);
    if (store) {
      sink_(event::Opened{(*store)->n_interrupted()});
      return *std::move(store);
    }
    sink_(event::OpenFailed{store.error()});
    bool replaced = false;
    while (!replaced) {
      std::optional<Command> command = inbox_.take();
      if (!command) return nullptr;
      if (const auto* list = std::get_if<command::ListBackups>(&*command)) {
        sink_(event::Backups{list->request, good_backups(database)});
        continue;
      }
      Error refused = store.error();
      if (const auto* restore = std::get_if<command::RestoreBackup>(&*command); restore != nullptr && refused.code == ErrorCode::corrupt) {
        const auto aside = replace_by_backup(database, restore->path, system_milliseconds());
        replaced = aside.has_value();
        if (replaced) {
          sink_(event::BackupRestored{restore->request, aside->string(), false});
          continue;
        }
        refused = aside.error();
      }
      sink_(event::Failed{request_of(*command), refused, false});
    }
  }
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

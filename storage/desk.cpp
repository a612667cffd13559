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

void StorageDesk::run(const std::filesystem::path& database) {
  Result<std::unique_ptr<ChatStore>> store = ChatStore::open(database);
  if (!store) {
    sink_(event::OpenFailed{store.error()});
    while (std::optional<Command> command = inbox_.take()) {
      sink_(event::Failed{request_of(*command), store.error(), false});
    }
    return;
  }
  sink_(event::Opened{(*store)->n_interrupted()});

  Clerk clerk(**store, sink_);
  const auto back_up = [&] {
    const Result<bool> made = back_up_daily((*store)->database(), system_milliseconds());
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

#include "storage/desk.h"

#include <utility>

#include "engine/base/log.h"
#include "storage/clerk.h"

namespace foreword::storage {
namespace {

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
  while (true) {
    const std::optional<Moment> due = clerk.next_due();
    std::optional<Command> command = due ? inbox_.take_until(*due) : inbox_.take();
    if (command) {
      clerk.handle(*std::move(command), now());
    } else if (!due || now() < *due) {
      break;  // closed and empty
    }
    clerk.tick(now());
  }
  if (!clerk.close(now())) log(LogLevel::error, "some text could not be saved before the program ended");
}

}  // namespace foreword::storage

#pragma once
// StorageDesk: the thread that owns the database. Commands go into its mailbox from any thread, events come back
// through the owner's sink (letters.h). Opening happens on the desk's thread too, so that a window need not wait.

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "engine/base/mailbox.h"
#include "storage/letters.h"

namespace foreword::storage {

class ChatStore;

class StorageDesk {
 public:
  /// Starts the thread. `sink` is called on it alone, and must stay valid until the desk is gone.
  StorageDesk(std::filesystem::path database, EventSink sink);
  /// Does everything that was asked before, writes all text (unfinished answers become `interrupted`), closes, joins.
  ~StorageDesk();
  StorageDesk(const StorageDesk&) = delete;
  StorageDesk& operator=(const StorageDesk&) = delete;

  /// Any thread; never waits.
  void send(Command command) { inbox_.push(std::move(command)); }

 private:
  void run(const std::filesystem::path& database);
  std::unique_ptr<ChatStore> open(const std::filesystem::path& database);
  bool refuse(const std::filesystem::path& database, const Error& why, std::optional<std::chrono::steady_clock::time_point> again);

  Mailbox<Command> inbox_;
  EventSink sink_;
  std::thread thread_;
};

}  // namespace foreword::storage

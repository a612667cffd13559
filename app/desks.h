#pragma once
// The desks, the local server and the controller, wired together: what the window and the script (desktop_script.h) both stand on.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "app/bus/bus_desk.h"
#include "app/bus/file_dialogs.h"
#include "app/command.h"
#include "app/controller.h"
#include "app/hub_desk.h"
#include "app/server/local_server.h"
#include "engine/base/mailbox.h"
#include "engine/kv/prefix_store.h"
#include "storage/desk.h"

namespace foreword::app {

struct Desks {
  /// `limit`: tokens of an answer, -1: until the model ends. `wake` is called on any thread when letters have come. `common` must outlive them.
  Desks(const CommonOptions& common, std::int64_t limit, const std::function<void()>& wake, int server_port = kServerPort,
        std::optional<std::int64_t> long_answer_ms = {});
  ~Desks();
  Desks(const Desks&) = delete;
  Desks& operator=(const Desks&) = delete;

  /// Gives the controller what has come. Main thread.
  void carry();
  /// The user wants to see the window. Main thread, within carry().
  std::function<void()> on_clicked = [] {};
  /// A screen reader has come or gone, or its user wants something. Main thread, within carry().
  std::function<void(bool)> on_reader = [](bool) {};
  std::function<void(const AccessibleWish&)> on_wish = [](const AccessibleWish&) {};

  Mailbox<engine::Event> from_engine, from_helper;
  Mailbox<storage::Event> from_storage;
  Mailbox<int> from_server;
  Mailbox<Afterwards> from_side;  // and from hub and bus
  storage::StorageDesk storage;
  std::unique_ptr<engine::PrefixStore> prefixes;
  ServerDesk server_desk;
  Mailbox<engine::Event> engine_outbox;  // dealt to the server and to from_engine, on the engine's thread
  engine::Session engine;
  LocalServer server;      // the side desk's
  engine::Session helper;  // with the small model for suggestions, while one is wanted beside the open one
  Controller controller;
  HubDesk hub;
  BusDesk bus;
  FileDialogs dialogs;
  SideDesk side;  // last: the first to go
};

}  // namespace foreword::app

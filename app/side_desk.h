#pragma once
// A thread for what would keep the window waiting: reading and writing the user's files. Work is done in order; what is to
// be done with its result comes back as a closure for the thread that asked.

#include <functional>
#include <thread>

#include "engine/base/mailbox.h"

namespace foreword::app {

/// Done by the one who asked, on its own thread.
using Afterwards = std::function<void()>;
/// Done on the other thread; must not touch what the one who asked may change.
using SideWork = std::function<Afterwards()>;

class SideDesk {
 public:
  /// Starts the thread. `outbox` must outlive the desk.
  explicit SideDesk(Mailbox<Afterwards>& outbox)
      : thread_([this, &outbox] {
          while (auto work = inbox_.take()) outbox.push((*work)());
        }) {}
  /// Does everything that was asked before, and joins.
  ~SideDesk() { end(); }
  SideDesk(const SideDesk&) = delete;
  SideDesk& operator=(const SideDesk&) = delete;

  /// Its owner's: as when it is destroyed.
  void end() {
    inbox_.close();
    if (thread_.joinable()) thread_.join();
  }

  /// Any thread; never waits.
  void send(SideWork work) { inbox_.push(std::move(work)); }

 private:
  Mailbox<SideWork> inbox_;
  std::thread thread_;
};

}  // namespace foreword::app

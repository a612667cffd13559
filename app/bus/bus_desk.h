#pragma once
// The bus desk: a thread of its own on which the program speaks with the desktop. Where there is no plugin, no bus, or nobody answers, it says so once and
// everything that is asked comes to nothing.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "app/bus/desktop_bus.h"
#include "app/side_desk.h"

namespace foreword::app {

class BusDesk {
 public:
  /// Done on the asker's thread.
  struct Hears {
    std::function<void(const Looks&)> looks;
    std::function<void(bool there)> dialogs;
    std::function<void()> clicked;
    std::function<void(bool there)> reader;
    std::function<void(const AccessibleWish&)> wished;
  };
  /// Starts the thread, which opens the plugin. `outbox` must outlive it.
  BusDesk(Hears hears, Mailbox<Afterwards>& outbox);
  /// Stops what runs, and joins. Closures that are still to be done stay in the outbox.
  ~BusDesk() { end(); }
  BusDesk(const BusDesk&) = delete;
  BusDesk& operator=(const BusDesk&) = delete;
  void end();

  /// All of these: the asker's thread, and none waits. See desktop_bus.h.
  void ask(FileQuestion question, std::function<void(const FileChoice&)> tell);
  void announce(std::string sentence);
  void keep_awake(bool on, std::string reason);
  void show(std::shared_ptr<const AccessibleWindow> window);
  void say(std::string sentence);

 private:
  /// Without a bus: null.
  using Order = std::function<void(DesktopBus*)>;
  class Listener;

  void run();
  void serve(DesktopBus& bus);
  void wake() const;

  Hears hears_;
  Mailbox<Afterwards>& outbox_;
  std::map<std::uint64_t, std::function<void(const FileChoice&)>> asked_;  // the asker's thread
  std::uint64_t next_question_ = 1;
  int waker_;  // an eventfd: there are orders, or it is the end
  Mailbox<Order> inbox_;
  std::thread thread_;
};

}  // namespace foreword::app

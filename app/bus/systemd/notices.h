#pragma once
// One notification at a time (org.freedesktop.Notifications), and the order not to go to sleep (the portal's Inhibit).

#include <functional>
#include <string>

#include "app/bus/systemd/line.h"

namespace foreword::app {

class Announcer {
 public:
  Announcer(sd_bus* bus, std::function<void()> clicked);
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  /// In the place of the last one. Empty: takes that back.
  void announce(const std::string& sentence);

 private:
  void shown(sd_bus_message* answer);
  void acted(sd_bus_message* signal);
  void withdraw();

  sd_bus* bus_;
  std::function<void()> clicked_;
  Slot call_, actions_;
  std::uint32_t shown_ = 0;  // 0: none
  bool wanted_ = false;
};

class Waker {
 public:
  explicit Waker(sd_bus* bus) : bus_(bus) {}
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  void keep_awake(bool on, const std::string& reason);
  /// The portal has gone, and with it what it held; or has come, and is asked anew.
  void portal_gone() { handle_.clear(); }
  void settle();

 private:
  void held(sd_bus_message* answer);

  sd_bus* bus_;
  bool wanted_ = false, asking_ = false;
  std::string reason_, handle_;  // the latter: what is to be closed; empty: nothing is held
  Slot call_;
};

}  // namespace foreword::app

#pragma once
// Whether a screen reader is there (org.a11y.Status on the session's bus), and the way to it: the accessibility bus, which is opened only then. What is shown on
// it: accessible_objects.h. at-spi2-core: bus/at-spi-bus-launcher.c.

#include <memory>
#include <optional>
#include <string>

#include "app/bus/desktop_bus.h"
#include "app/bus/systemd/accessible_objects.h"
#include "app/bus/systemd/line.h"

namespace foreword::app {

class ReaderLine {
 public:
  /// Asks, and hears of changes. Starts no program by that. Both must outlive it.
  ReaderLine(sd_bus* session, BusListener& listener);
  ReaderLine(const ReaderLine&) = delete;
  ReaderLine& operator=(const ReaderLine&) = delete;

  /// Deals with what has come over bus().
  void serve();
  /// Null: there is no reader.
  sd_bus* bus() const { return bus_.get(); }
  void show(const std::shared_ptr<const AccessibleWindow>& window);
  void say(const std::string& sentence);

 private:
  void ask(sd_bus_message* why);
  void told(sd_bus_message* answer);
  void open(sd_bus_message* answer);
  void close();

  sd_bus* session_;
  BusListener& listener_;
  Slot owner_, changes_, call_;
  Bus bus_;
  std::optional<AccessibleObjects> objects_;  // before the bus, whose slots it holds
};

}  // namespace foreword::app

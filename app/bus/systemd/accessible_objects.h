#pragma once
// The window on the accessibility bus: objects of AT-SPI2 that answer from what was shown last, and the events between. at-spi2-core, xml/: Accessible,
// Application, Action, Component, Text, Socket, Registry, Event.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/bus/accessible.h"
#include "app/bus/accessible_changes.h"
#include "app/bus/systemd/line.h"

namespace foreword::app {

class AccessibleObjects {
 public:
  /// Nothing is there before something is shown. The bus must be ready, and outlive it.
  AccessibleObjects(sd_bus* bus, std::function<void(const AccessibleWish&)> wished);
  AccessibleObjects(const AccessibleObjects&) = delete;
  AccessibleObjects& operator=(const AccessibleObjects&) = delete;

  void show(const AccessibleWindow& window);
  /// As an announcement, or as an object that appears where nobody listens to those.
  void say(const std::string& sentence);

  /// The object that is being asked; valid while it answers.
  struct Asked {
    AccessibleObjects* objects;
    const AccessibleNode* node;
  };
  const AccessibleTree& tree() const { return *tree_; }
  const std::string& name() const { return name_; }
  void wish(const AccessibleNode& node, bool press) const { wished_({node.id, press}); }
  int number = 0;                                      // that the registry has given the application
  std::string desktop_name, desktop_path;              // its parent; empty: not known yet

 private:
  void embed(sd_bus_message* why);
  void embedded(sd_bus_message* answer);
  void listeners(sd_bus_message* answer);
  void change(std::unique_ptr<AccessibleTree> tree);
  void tell(const AccessibleEvent& event) const;
  static int find(sd_bus* bus, const char* path, const char* interface, void* objects, void** found, sd_bus_error* error);

  sd_bus* bus_;
  std::function<void(const AccessibleWish&)> wished_;
  std::string name_;  // the connection's
  std::unique_ptr<AccessibleTree> tree_;
  AccessibleWindow window_;   // shown last
  bool shown_ = false;
  AccessibleNotice notice_;
  std::vector<std::string> to_say_;
  Asked asked_{};
  Slot owner_, call_, listeners_;
  std::vector<Slot> interfaces_;
};

/// An interface, which objects have it, and how it answers.
struct AccessibleInterface {
  const char* name;
  bool (*has)(const AccessibleNode&);
  const sd_bus_vtable* rows;
};
const std::vector<AccessibleInterface>& accessible_interfaces();
/// Of a text; accessible_text.cpp.
extern const sd_bus_vtable kTextRows[];

/// What a call gets: `fill` reads the call's arguments and appends to the reply; below 0: an error number, which the caller is told.
template <auto kFill>
int answer(sd_bus_message* call, void* asked, sd_bus_error*) {
  sd_bus_message* made = nullptr;
  if (const int failed = sd_bus_message_new_method_return(call, &made); failed < 0) return failed;
  const Message reply(made);
  const int filled = kFill(*static_cast<const AccessibleObjects::Asked*>(asked), call, made);
  return filled < 0 ? filled : sd_bus_send(sd_bus_message_get_bus(call), made, nullptr);
}

/// The same for a property.
template <auto kFill>
int property(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* asked, sd_bus_error*) {
  return kFill(*static_cast<const AccessibleObjects::Asked*>(asked), reply);
}

}  // namespace foreword::app

#include "app/bus/systemd/line.h"

#include <algorithm>
#include <random>

namespace foreword::app {

Message new_call(sd_bus* bus, const char* name, const std::string& path, const char* interface, const char* method) {
  sd_bus_message* call = nullptr;
  return Message(sd_bus_message_new_method_call(bus, &call, name, path.c_str(), interface, method) < 0 ? nullptr : call);
}

Slot send(sd_bus* bus, const Message& call, sd_bus_message_handler_t handler, void* part) {
  sd_bus_slot* slot = nullptr;
  return Slot(!call || sd_bus_call_async(bus, &slot, call.get(), handler, part, 0) < 0 ? nullptr : slot);
}

void send(sd_bus* bus, const Message& call) {
  if (call) sd_bus_call_async(bus, nullptr, call.get(), unheard, nullptr, 0);
}

Slot listen(sd_bus* bus, const char* name, const std::string& path, const char* interface, const char* signal, sd_bus_message_handler_t handler, void* part) {
  sd_bus_slot* slot = nullptr;
  return Slot(sd_bus_match_signal_async(bus, &slot, name, path.c_str(), interface, signal, handler, unheard, part) < 0 ? nullptr : slot);
}

void append_option(sd_bus_message* message, const char* key, const std::string& value) { sd_bus_message_append(message, "{sv}", key, "s", value.c_str()); }

void append_option(sd_bus_message* message, const char* key, bool value) { sd_bus_message_append(message, "{sv}", key, "b", value ? 1 : 0); }

std::string request_path(sd_bus* bus, const std::string& token) {
  const char* name = nullptr;
  if (sd_bus_get_unique_name(bus, &name) < 0) return {};
  std::string sender = name + 1;  // without the colon
  std::ranges::replace(sender, '.', '_');
  return std::string(kPortalPath) + "/request/" + sender + "/" + token;
}

std::string new_token() {
  std::random_device random;
  return "foreword" + std::to_string(random()) + std::to_string(random());
}

}  // namespace foreword::app

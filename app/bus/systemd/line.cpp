#include "app/bus/systemd/line.h"

#include <time.h>

#include <algorithm>
#include <random>

#include "app/bus/desktop_bus.h"

namespace foreword::app {
namespace {

constexpr int kMostAtOnce = 64;  // messages between two looks at the waker

}  // namespace

bool is_local(std::string_view address) {
  if (address.empty()) return false;
  while (!address.empty()) {
    if (!address.starts_with("unix:")) return false;
    address.remove_prefix(std::min(address.find(';'), address.size() - 1) + 1);
  }
  return true;
}

Bus open_bus(const std::string& address) {
  sd_bus* made = nullptr;
  if (!is_local(address) || sd_bus_new(&made) < 0) return nullptr;
  Bus bus(made);
  constexpr std::uint64_t kAnswerMicroseconds = kAnswerSeconds * std::uint64_t{1'000'000};
  const bool begun = sd_bus_set_address(made, address.c_str()) >= 0 && sd_bus_set_bus_client(made, 1) >= 0 && sd_bus_set_method_call_timeout(made, kAnswerMicroseconds) >= 0 && sd_bus_start(made) >= 0;
  return begun ? std::move(bus) : nullptr;
}

bool deal(sd_bus* bus) {
  for (int i = 0; i < kMostAtOnce; ++i) {
    const int result = sd_bus_process(bus, nullptr);
    if (result <= 0) return result == 0;
  }
  return true;
}

std::uint64_t now_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

Slot listen_owner(sd_bus* bus, const char* name, sd_bus_message_handler_t handler, void* part) {
  sd_bus_slot* made = nullptr;
  const std::string match = std::string("type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='") + name + "'";
  return Slot(sd_bus_add_match_async(bus, &made, match.c_str(), handler, unheard, part) < 0 ? nullptr : made);
}

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

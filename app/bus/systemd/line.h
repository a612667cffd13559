#pragma once
// What the parts of this plugin share of sd-bus: owners, and calls that are not waited for. A call that comes to nothing calls back, too, with an error.

#include <systemd/sd-bus.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace foreword::app {

inline constexpr const char* kPortal = "org.freedesktop.portal.Desktop";
inline constexpr const char* kPortalPath = "/org/freedesktop/portal/desktop";
inline constexpr const char* kRequest = "org.freedesktop.portal.Request";

struct SlotFree {
  void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
/// While it lives, its callback may come.
using Slot = std::unique_ptr<sd_bus_slot, SlotFree>;

struct MessageFree {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, MessageFree>;

/// Without a flush, which would wait for a bus that hangs.
struct BusFree {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, BusFree>;

/// Whether nothing else than sockets of this computer are named; an empty address names none.
bool is_local(std::string_view address);
/// A connection that is being made; null: there is nothing to connect to, or it would be asked over a network or by starting a program.
Bus open_bus(const std::string& address);
/// Deals with what has come. False: there is no bus any more.
bool deal(sd_bus* bus);
/// On the steady clock.
std::uint64_t now_microseconds();

/// A member function as sd-bus calls back.
template <auto kMethod, class Part>
int heard(sd_bus_message* message, void* part, sd_bus_error*) {
  (static_cast<Part*>(part)->*kMethod)(message);
  return 0;
}

/// A handler that wants nothing of an answer.
inline int unheard(sd_bus_message*, void*, sd_bus_error*) { return 0; }

/// What follows a call to one object. Null: there is no memory, or no bus any more.
Message new_call(sd_bus* bus, const char* name, const std::string& path, const char* interface, const char* method);
/// Its answer comes to `handler` as long as the slot lives. Null: it was not sent, and nothing will come.
Slot send(sd_bus* bus, const Message& call, sd_bus_message_handler_t handler, void* part);
/// Without caring what comes of it.
void send(sd_bus* bus, const Message& call);
/// A signal of the object, from now on.
Slot listen(sd_bus* bus, const char* name, const std::string& path, const char* interface, const char* signal, sd_bus_message_handler_t handler, void* part);

/// Tells `handler` when another program takes or leaves this name.
Slot listen_owner(sd_bus* bus, const char* name, sd_bus_message_handler_t handler, void* part);

/// Appends {sv} entries to an open a{sv}.
void append_option(sd_bus_message* message, const char* key, const std::string& value);
void append_option(sd_bus_message* message, const char* key, bool value);

/// Where the portal will put the request with this token, so that its answer can be listened to before it is asked.
std::string request_path(sd_bus* bus, const std::string& token);
/// That nobody else would guess.
std::string new_token();

}  // namespace foreword::app

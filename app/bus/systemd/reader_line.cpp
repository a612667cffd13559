#include "app/bus/systemd/reader_line.h"

#include <cstdlib>
#include <string_view>

namespace foreword::app {
namespace {

constexpr const char *kBus = "org.a11y.Bus", *kBusPath = "/org/a11y/bus", *kStatus = "org.a11y.Status", *kProperties = "org.freedesktop.DBus.Properties";

/// That is only wanted of who is there already.
Message new_question(sd_bus* bus, const char* interface, const char* method) {
  Message call = new_call(bus, kBus, kBusPath, interface, method);
  if (call) sd_bus_message_set_auto_start(call.get(), 0);
  return call;
}

bool is_wanted(sd_bus_message* answer) {
  bool wanted = false;
  if (sd_bus_message_enter_container(answer, 'a', "{sv}") <= 0) return false;
  while (sd_bus_message_enter_container(answer, 'e', "sv") > 0) {
    const char* name = nullptr;
    int value = 0;
    if (sd_bus_message_read(answer, "s", &name) <= 0) return false;
    const bool of_interest = std::string_view(name) == "IsEnabled" || std::string_view(name) == "ScreenReaderEnabled";
    if (!of_interest || sd_bus_message_read(answer, "v", "b", &value) <= 0) value = 0, sd_bus_message_skip(answer, "v");
    wanted = wanted || value != 0;
    if (sd_bus_message_exit_container(answer) < 0) return false;
  }
  return wanted;
}

}  // namespace

ReaderLine::ReaderLine(sd_bus* session, BusListener& listener) : session_(session), listener_(listener) {
  owner_ = listen_owner(session, kBus, heard<&ReaderLine::ask, ReaderLine>, this);
  changes_ = listen(session, kBus, kBusPath, kProperties, "PropertiesChanged", heard<&ReaderLine::ask, ReaderLine>, this);
  ask(nullptr);
}

void ReaderLine::ask(sd_bus_message*) {
  const Message call = new_question(session_, kProperties, "GetAll");
  if (call) sd_bus_message_append(call.get(), "s", kStatus);
  call_ = send(session_, call, heard<&ReaderLine::told, ReaderLine>, this);
}

void ReaderLine::told(sd_bus_message* answer) {
  if (sd_bus_message_is_method_error(answer, nullptr) > 0 || !is_wanted(answer)) return close();
  if (!bus_) call_ = send(session_, new_question(session_, kBus, "GetAddress"), heard<&ReaderLine::open, ReaderLine>, this);
}

/// AT_SPI_BUS_ADDRESS is for another bus than the desktop's.
void ReaderLine::open(sd_bus_message* answer) {
  const char *named = std::getenv("AT_SPI_BUS_ADDRESS"), *address = "";
  if (sd_bus_message_is_method_error(answer, nullptr) > 0 || sd_bus_message_read(answer, "s", &address) <= 0) address = "";
  bus_ = open_bus(named != nullptr && *named != '\0' ? named : address);
}

void ReaderLine::serve() {
  if (!bus_) return;
  if (!deal(bus_.get())) return close();
  if (objects_ || sd_bus_is_ready(bus_.get()) <= 0) return;
  objects_.emplace(bus_.get(), [&listener = listener_](const AccessibleWish& wish) { listener.wished(wish); });
  listener_.reader(true);
}

void ReaderLine::close() {
  const bool had = objects_.has_value();
  objects_.reset();
  bus_.reset();
  if (had) listener_.reader(false);
}

void ReaderLine::show(const std::shared_ptr<const AccessibleWindow>& window) {
  if (objects_) objects_->show(*window);
}

void ReaderLine::say(const std::string& sentence) {
  if (objects_) objects_->say(sentence);
}

}  // namespace foreword::app

#include "app/bus/systemd/notices.h"

#include <cstring>
#include <utility>

namespace foreword::app {
namespace {

constexpr const char *kNotifications = "org.freedesktop.Notifications", *kNotificationsPath = "/org/freedesktop/Notifications";
constexpr const char* kDefault = "default";  // the action of a click on the notification itself
constexpr std::uint32_t kSuspend = 4;

}  // namespace

Announcer::Announcer(sd_bus* bus, std::function<void()> clicked) : bus_(bus), clicked_(std::move(clicked)) {
  actions_ = listen(bus, kNotifications, kNotificationsPath, kNotifications, "ActionInvoked", heard<&Announcer::acted, Announcer>, this);
}

void Announcer::announce(const std::string& sentence) {
  wanted_ = !sentence.empty();
  if (!wanted_) return withdraw();
  const Message call = new_call(bus_, kNotifications, kNotificationsPath, kNotifications, "Notify");
  if (call) sd_bus_message_append(call.get(), "susssasa{sv}i", "Foreword", shown_, "foreword", sentence.c_str(), "", 2, kDefault, "Show", 1, "desktop-entry", "s", "foreword", -1);
  call_ = send(bus_, call, heard<&Announcer::shown, Announcer>, this);
}

void Announcer::shown(sd_bus_message* answer) {
  if (sd_bus_message_is_method_error(answer, nullptr) > 0 || sd_bus_message_read(answer, "u", &shown_) <= 0) shown_ = 0;
  if (!wanted_) withdraw();  // meanwhile
}

void Announcer::withdraw() {
  if (shown_ == 0) return;
  const Message call = new_call(bus_, kNotifications, kNotificationsPath, kNotifications, "CloseNotification");
  if (call) sd_bus_message_append(call.get(), "u", std::exchange(shown_, 0));
  send(bus_, call);
}

void Announcer::acted(sd_bus_message* signal) {
  std::uint32_t id = 0;
  const char* action = nullptr;
  if (sd_bus_message_read(signal, "us", &id, &action) > 0 && id != 0 && id == shown_ && std::strcmp(action, kDefault) == 0) clicked_();
}

void Waker::keep_awake(bool on, const std::string& reason) {
  wanted_ = on;
  reason_ = reason;
  settle();
}

void Waker::settle() {
  if (asking_) return;
  if (wanted_ && handle_.empty()) {
    const Message call = new_call(bus_, kPortal, kPortalPath, "org.freedesktop.portal.Inhibit", "Inhibit");
    if (call) sd_bus_message_append(call.get(), "sua{sv}", "", kSuspend, 2, "handle_token", "s", new_token().c_str(), "reason", "s", reason_.c_str());
    call_ = send(bus_, call, heard<&Waker::held, Waker>, this);
    asking_ = call_ != nullptr;
  } else if (!wanted_ && !handle_.empty()) {
    send(bus_, new_call(bus_, kPortal, std::exchange(handle_, {}), kRequest, "Close"));
  }
}

/// Whoever cannot is not asked again until there is something new to stay awake for.
void Waker::held(sd_bus_message* answer) {
  asking_ = false;
  const char* handle = nullptr;
  if (sd_bus_message_is_method_error(answer, nullptr) > 0 || sd_bus_message_read(answer, "o", &handle) <= 0) return;
  handle_ = handle;
  settle();
}

}  // namespace foreword::app

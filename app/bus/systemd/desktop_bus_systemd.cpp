// The plugin foreword_desktop_bus.so: the desktop by sd-bus (libsystemd), which reads and checks every message by its signature, and reaches no further
// than a socket on this computer. Documentation: https://flatpak.github.io/xdg-desktop-portal, https://specifications.freedesktop.org/notification-spec.

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/bus/desktop_bus.h"
#include "app/bus/systemd/file_asker.h"
#include "app/bus/systemd/line.h"
#include "app/bus/systemd/looks_reader.h"
#include "app/bus/systemd/notices.h"
#include "app/bus/systemd/reader_line.h"

namespace foreword::app {
namespace {

constexpr std::uint64_t kAnswerMicroseconds = kAnswerSeconds * std::uint64_t{1'000'000};

/// As a path stands in an address.
std::string escaped(std::string_view path) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view("-_/.").find(c) != std::string_view::npos;
    plain ? text += c : text.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return text;
}

/// Of the session's bus; empty: there is none.
std::string bus_address() {
  const char *named = std::getenv("DBUS_SESSION_BUS_ADDRESS"), *runtime = std::getenv("XDG_RUNTIME_DIR");
  return named != nullptr && *named != '\0' ? named : runtime != nullptr && *runtime == '/' ? "unix:path=" + escaped(runtime) + "/bus" : std::string();
}

/// What is spoken of, once there is a connection.
struct Talk {
  Talk(sd_bus* bus, BusListener& listener)
      : looks(bus, [&listener](const Looks& now) { listener.looks(now); }),
        files(bus, {.there = [&listener](bool there) { listener.dialogs(there); }, .answered = [&listener](const FileAnswer& answer) { listener.answered(answer); }}),
        announcer(bus, [&listener] { listener.clicked(); }),
        waker(bus),
        reader(bus, listener) {
    portal = listen_owner(bus, kPortal, heard<&Talk::portal_changed, Talk>, this);
    begin();
  }
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;

  void begin() {
    looks.read();
    files.look();
  }
  /// It has come or gone. One that is started because something is asked of it is asked twice.
  void portal_changed(sd_bus_message* signal) {
    const char *name = nullptr, *before = nullptr, *now = nullptr;
    if (sd_bus_message_read(signal, "sss", &name, &before, &now) <= 0) return;
    if (*before != '\0') {
      files.give_up();
      waker.portal_gone();
    }
    if (*now == '\0') return;
    begin();
    waker.settle();
  }

  LooksReader looks;
  FileAsker files;
  Announcer announcer;
  Waker waker;
  ReaderLine reader;
  Slot portal{};
};

class SystemdBus final : public DesktopBus {
 public:
  explicit SystemdBus(BusListener& listener) : listener_(listener), bus_(open_bus(bus_address())), give_up_at_(now_microseconds() + kAnswerMicroseconds) {}

  BusState serve(int waker) override {
    if (!bus_ || !deal(bus_.get())) return lose();
    if (talk_) talk_->reader.serve();
    if (!talk_) {
      if (sd_bus_is_ready(bus_.get()) > 0) {
        talk_.emplace(bus_.get(), listener_);
      } else if (now_microseconds() > give_up_at_) {
        return lose();
      }
    }
    wait(waker);
    return talk_ ? BusState::connected : BusState::connecting;
  }
  void ask(const FileQuestion& question) override { talk_->files.ask(question); }
  void announce(const std::string& sentence) override { talk_->announcer.announce(sentence); }
  void keep_awake(bool on, const std::string& reason) override { talk_->waker.keep_awake(on, reason); }
  void show(const std::shared_ptr<const AccessibleWindow>& window) override { talk_->reader.show(window); }
  void say(const std::string& sentence) override { talk_->reader.say(sentence); }

 private:
  void wait(int waker) {
    std::uint64_t until = talk_ ? UINT64_MAX : give_up_at_;
    std::vector<pollfd> fds{{waker, POLLIN, 0}};
    for (sd_bus* bus : {bus_.get(), talk_ ? talk_->reader.bus() : nullptr}) {
      std::uint64_t next = 0;
      if (bus == nullptr) continue;
      if (sd_bus_get_timeout(bus, &next) >= 0) until = std::min(until, next);
      fds.push_back({sd_bus_get_fd(bus), static_cast<short>(std::max(sd_bus_get_events(bus), 0)), 0});
    }
    const std::uint64_t now = now_microseconds();
    const int milliseconds = until == UINT64_MAX ? -1 : until <= now ? 0 : static_cast<int>(std::min<std::uint64_t>((until - now) / 1000 + 1, 60'000));
    poll(fds.data(), fds.size(), milliseconds);
  }

  BusState lose() {
    if (talk_) talk_->files.give_up();
    talk_.reset();
    bus_.reset();
    return BusState::lost;
  }

  BusListener& listener_;
  Bus bus_;
  std::uint64_t give_up_at_;  // while it is being connected, on the steady clock
  std::optional<Talk> talk_;  // before the bus, whose slots it holds
};

}  // namespace
}  // namespace foreword::app

extern "C" __attribute__((visibility("default"))) foreword::app::DesktopBus* foreword_desktop_bus(const char* version, foreword::app::BusListener& listener) {
  if (std::strcmp(version, FOREWORD_VERSION) != 0) return nullptr;
  return new foreword::app::SystemdBus(listener);
}

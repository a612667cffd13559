// The plugin foreword_desktop_bus.so: the desktop by sd-bus (libsystemd), which reads and checks every message by its signature, and reaches no further
// than a socket on this computer. Documentation: https://flatpak.github.io/xdg-desktop-portal, https://specifications.freedesktop.org/notification-spec.

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "app/bus/desktop_bus.h"
#include "app/bus/systemd/file_asker.h"
#include "app/bus/systemd/line.h"
#include "app/bus/systemd/looks_reader.h"
#include "app/bus/systemd/notices.h"

namespace foreword::app {
namespace {

constexpr std::uint64_t kAnswerMicroseconds = kAnswerSeconds * std::uint64_t{1'000'000};
constexpr int kMostAtOnce = 64;  // messages between two looks at the waker

std::uint64_t now_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

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

/// Of the session's bus; empty: there is none, or it would be asked over a network or by starting a program.
std::string bus_address() {
  const char *named = std::getenv("DBUS_SESSION_BUS_ADDRESS"), *runtime = std::getenv("XDG_RUNTIME_DIR");
  const std::string address = named != nullptr && *named != '\0' ? named : runtime != nullptr && *runtime == '/' ? "unix:path=" + escaped(runtime) + "/bus" : std::string();
  for (std::string_view rest = address; !rest.empty();) {
    if (!rest.starts_with("unix:")) return {};
    rest.remove_prefix(std::min(rest.find(';'), rest.size() - 1) + 1);
  }
  return address;
}

/// Without a flush, which would wait for a bus that hangs.
struct BusFree {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, BusFree>;

/// A connection that is being made; null: there is nothing to connect to.
Bus connect() {
  const std::string address = bus_address();
  sd_bus* made = nullptr;
  if (address.empty() || sd_bus_new(&made) < 0) return nullptr;
  Bus bus(made);
  const bool begun = sd_bus_set_address(made, address.c_str()) >= 0 && sd_bus_set_bus_client(made, 1) >= 0 && sd_bus_set_method_call_timeout(made, kAnswerMicroseconds) >= 0 && sd_bus_start(made) >= 0;
  return begun ? std::move(bus) : nullptr;
}

/// What is spoken of, once there is a connection.
struct Talk {
  Talk(sd_bus* bus, BusListener& listener)
      : looks(bus, [&listener](const Looks& now) { listener.looks(now); }),
        files(bus, {.there = [&listener](bool there) { listener.dialogs(there); }, .answered = [&listener](const FileAnswer& answer) { listener.answered(answer); }}),
        announcer(bus, [&listener] { listener.clicked(); }),
        waker(bus) {
    sd_bus_slot* made = nullptr;
    const std::string match = std::string("type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='") + kPortal + "'";
    if (sd_bus_add_match_async(bus, &made, match.c_str(), heard<&Talk::portal_changed, Talk>, unheard, this) >= 0) portal.reset(made);
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
  Slot portal{};
};

class SystemdBus final : public DesktopBus {
 public:
  explicit SystemdBus(BusListener& listener) : listener_(listener), bus_(connect()), give_up_at_(now_microseconds() + kAnswerMicroseconds) {}

  BusState serve(int waker) override {
    if (!bus_ || !deal()) return lose();
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

 private:
  /// With what has come. False: there is no bus any more.
  bool deal() {
    for (int i = 0; i < kMostAtOnce; ++i) {
      const int result = sd_bus_process(bus_.get(), nullptr);
      if (result <= 0) return result == 0;
    }
    return true;
  }

  void wait(int waker) {
    std::uint64_t until = 0;
    if (sd_bus_get_timeout(bus_.get(), &until) < 0) until = UINT64_MAX;
    if (!talk_) until = std::min(until, give_up_at_);
    const std::uint64_t now = now_microseconds();
    const int milliseconds = until == UINT64_MAX ? -1 : until <= now ? 0 : static_cast<int>(std::min<std::uint64_t>((until - now) / 1000 + 1, 60'000));
    pollfd fds[] = {{sd_bus_get_fd(bus_.get()), static_cast<short>(std::max(sd_bus_get_events(bus_.get()), 0)), 0}, {waker, POLLIN, 0}};
    poll(fds, std::size(fds), milliseconds);
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

#pragma once
// The desktop as the program speaks with it over D-Bus, without a library: what the plugin foreword_desktop_bus.so (systemd/) implements. The program
// itself is linked with nothing that could open a socket. All of it is used on one thread, the bus desk's (bus_desk.h).

#include <cstdint>
#include <memory>
#include <string>

#include "app/bus/accessible.h"
#include "app/bus/file_question.h"
#include "app/bus/looks.h"

namespace foreword::app {

/// What the desktop says, on the thread that serves.
class BusListener {
 public:
  virtual ~BusListener() = default;
  /// Once the desktop has answered, or will not; and whenever something has changed.
  virtual void looks(const Looks& looks) = 0;
  /// Whether the desktop has dialogs that choose files.
  virtual void dialogs(bool there) = 0;
  /// Each question once.
  virtual void answered(const FileAnswer& answer) = 0;
  /// The user has clicked what was announced.
  virtual void clicked() = 0;
  /// Whether there is a screen reader, or something like it, that wants to be shown the window; said when it changes.
  virtual void reader(bool there) = 0;
  /// Its user wants something of an item that was shown.
  virtual void wished(const AccessibleWish& wish) = 0;
};

enum class BusState : std::uint8_t {
  connecting,
  connected,  // only now may anything be asked
  lost,       // for good; questions that were open have been answered
};

class DesktopBus {
 public:
  virtual ~DesktopBus() = default;
  /// Deals with what has come, and waits for more until `waker` can be read (it is not), or as long as the bus asks for.
  virtual BusState serve(int waker) = 0;
  /// A dialog; only one that has never opened is unavailable after kAnswerSeconds, else the user may take all their time.
  virtual void ask(const FileQuestion& question) = 0;
  /// A notification in the place of the one before. Empty: takes that back.
  virtual void announce(const std::string& sentence) = 0;
  /// The computer does not go to sleep by itself until it may again, or this ends. `reason`: a sentence for the user.
  virtual void keep_awake(bool on, const std::string& reason) = 0;
  /// The window as it stands now, for a reader. Without one nothing is kept of it.
  virtual void show(const std::shared_ptr<const AccessibleWindow>& window) = 0;
  /// A sentence that the reader says once. Without one nothing happens.
  virtual void say(const std::string& sentence) = 0;
};

/// What the plugin exports: the caller owns the result. `version` is FOREWORD_VERSION of who asks; another one's gets null. Never waits.
/// `listener` must outlive it.
inline constexpr const char* kBusEntry = "foreword_desktop_bus";
using BusEntry = DesktopBus* (*)(const char* version, BusListener& listener);

/// For whatever the bus or the desktop has to answer by itself.
inline constexpr int kAnswerSeconds = 5;

}  // namespace foreword::app

#pragma once
// What feeds this computer, as Linux tells it below /sys (its documents ABI/testing/sysfs-class-power and sysfs-platform_profile).
// Any thread; reading may take as long as a driver likes, so never on the window's.

#include <filesystem>

namespace foreword::app {

struct Power {
  bool on_battery = false;  // nothing feeds it from outside, and a battery of its own runs down
  bool saver = false;       // the user, or the desktop for him, asks to be sparing
  bool operator==(const Power&) const = default;
};

/// `sys`: where /sys is mounted. What is not there or cannot be read counts as fed from outside, and as no saver.
Power read_power(const std::filesystem::path& sys = "/sys");

}  // namespace foreword::app

#include "app/power.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>

namespace foreword::app {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kOutside{"Mains", "USB", "Wireless"};
constexpr std::array<std::string_view, 2> kStores{"Battery", "UPS"};
/// Files that hold this word while power is to be saved: the firmware's profile, and what processors are told to prefer.
constexpr std::array<std::array<std::string_view, 2>, 2> kSavers{{{"firmware/acpi/platform_profile", "low-power"},
                                                                  {"devices/system/cpu/cpu0/cpufreq/energy_performance_preference", "power"}}};

/// The first word of a small file; empty: there is none.
std::string word_in(const fs::path& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

Power read_power(const fs::path& sys) {
  bool fed = false, runs_down = false;
  std::error_code error;
  for (fs::directory_iterator supply(sys / "class/power_supply", error), end; !error && supply != end; supply.increment(error)) {
    const fs::path& path = supply->path();
    if (word_in(path / "scope") == "Device") continue;  // a mouse's or a headset's
    const std::string type = word_in(path / "type"), online = word_in(path / "online");
    fed = fed || (is_one_of(kOutside, type) && !online.empty() && online != "0");
    runs_down = runs_down || (is_one_of(kStores, type) && word_in(path / "status") == "Discharging");
  }
  return {runs_down && !fed, std::ranges::any_of(kSavers, [&](const auto& saver) { return word_in(sys / saver[0]) == saver[1]; })};
}

}  // namespace foreword::app

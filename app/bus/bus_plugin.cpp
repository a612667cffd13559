#include "app/bus/bus_plugin.h"

#include <filesystem>
#include <system_error>

#include "engine/base/plugin.h"

namespace foreword::app {
namespace {

constexpr Plugin kPlugin{"FOREWORD_DESKTOP_BUS_PLUGIN", "foreword_desktop_bus.so", kBusEntry, "The way to the desktop", "This build of Foreword has no way to the desktop", "it is made where libsystemd-dev is installed"};

}  // namespace

Result<std::unique_ptr<DesktopBus>> open_desktop_bus(BusListener& listener) {
  FW_ASSIGN(const OpenPlugin plugin, open_plugin(kPlugin));
  std::unique_ptr<DesktopBus> bus(reinterpret_cast<BusEntry>(plugin.entry)(FOREWORD_VERSION, listener));
  if (!bus) return plugin_of_another_version(plugin.file);
  return bus;
}

bool has_desktop_bus() {
  std::error_code ignored;
  return std::filesystem::is_regular_file(plugin_place(kPlugin.named_by, kPlugin.name), ignored);
}

}  // namespace foreword::app

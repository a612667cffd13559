#pragma once
// Finds and opens the plugin that speaks with the desktop.

#include <memory>

#include "app/bus/desktop_bus.h"
#include "engine/base/result.h"

namespace foreword::app {

/// From lib/foreword/plugins beside the program or one folder above it, or from where FOREWORD_DESKTOP_BUS_PLUGIN says. `not_found`: this build
/// has none; `unsupported`: it cannot be loaded, or is of another version.
Result<std::unique_ptr<DesktopBus>> open_desktop_bus(BusListener& listener);
/// Whether this build has one.
bool has_desktop_bus();

}  // namespace foreword::app

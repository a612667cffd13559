#pragma once
// Finds and opens the plugin that gets from the web. There is no other way to it, and none that is not recorded.

#include <memory>

#include "app/download/recorded_web.h"
#include "engine/base/result.h"

namespace foreword::app {

/// From lib/foreword/plugins beside the program or one folder above it, or from where FOREWORD_DOWNLOAD_PLUGIN says. `not_found`: this build
/// has none; `unsupported`: it cannot be loaded, or is of another version.
Result<std::unique_ptr<Web>> open_web(const WebSettings& settings, Recorder recorder);

}  // namespace foreword::app

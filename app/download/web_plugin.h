#pragma once
// Finds and opens the plugin that gets from the web.

#include <memory>

#include "app/download/web.h"
#include "engine/base/result.h"

namespace foreword::app {

/// From lib/foreword/plugins beside the program or one folder above it, or from where FOREWORD_DOWNLOAD_PLUGIN says. `not_found`: this build
/// has none; `unsupported`: it cannot be loaded, or is of another version.
Result<std::unique_ptr<Web>> open_web(const WebSettings& settings);

}  // namespace foreword::app

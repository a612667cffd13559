#pragma once
// Finds and opens the plugin that speaks HTTP.

#include <memory>

#include "app/server/http.h"
#include "engine/base/result.h"

namespace foreword::app {

/// From lib/foreword/plugins beside the program or one folder above it, or from where FOREWORD_SERVER_PLUGIN says. `not_found`: this build
/// has none; `unsupported`: it cannot be loaded, or is of another version.
Result<std::unique_ptr<HttpServer>> open_http_server();

}  // namespace foreword::app

#include "app/server/http_plugin.h"

#include "engine/base/plugin.h"

namespace foreword::app {
namespace {

constexpr Plugin kPlugin{"FOREWORD_SERVER_PLUGIN", "foreword_server.so", kHttpEntry, "The server", "This build of Foreword has no server", "it is made where libcpp-httplib-dev is installed"};

}  // namespace

Result<std::unique_ptr<HttpServer>> open_http_server() {
  FW_ASSIGN(const OpenPlugin plugin, open_plugin(kPlugin));
  std::unique_ptr<HttpServer> server(reinterpret_cast<HttpEntry>(plugin.entry)(FOREWORD_VERSION));
  if (!server) return plugin_of_another_version(plugin.file);
  return server;
}

}  // namespace foreword::app

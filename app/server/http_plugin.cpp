#include "app/server/http_plugin.h"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>

#include "engine/base/plugin.h"

namespace foreword::app {

Result<std::unique_ptr<HttpServer>> open_http_server() {
  std::error_code error;
  // A name without a folder would be looked for among the system's libraries.
  const std::string file = std::filesystem::absolute(plugin_place("FOREWORD_SERVER_PLUGIN", "foreword_server.so"), error).string();
  if (!std::filesystem::is_regular_file(file, error)) {
    return Error{ErrorCode::not_found, "This build of Foreword has no server (" + file + " is not there); it is made where libcpp-httplib-dev is installed."};
  }
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays: its code may run until the program ends
  if (library == nullptr) {
    const char* reason = dlerror();
    return Error{ErrorCode::unsupported, "The server cannot be loaded (" + std::string(reason == nullptr ? file : reason) + "); install Foreword anew."};
  }
  const auto entry = reinterpret_cast<HttpEntry>(dlsym(library, kHttpEntry));
  std::unique_ptr<HttpServer> server(entry == nullptr ? nullptr : entry(FOREWORD_VERSION));
  if (!server) return Error{ErrorCode::unsupported, file + " belongs to another version of Foreword; install both from one package."};
  return server;
}

}  // namespace foreword::app

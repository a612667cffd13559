#include "app/download/web_plugin.h"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>

#include "engine/base/plugin.h"

namespace foreword::app {

Result<std::unique_ptr<Web>> open_web(const WebSettings& settings, Recorder recorder) {
  std::error_code error;
  // A name without a folder would be looked for among the system's libraries.
  const std::string file = std::filesystem::absolute(plugin_place("FOREWORD_DOWNLOAD_PLUGIN", "foreword_download.so"), error).string();
  if (!std::filesystem::is_regular_file(file, error)) {
    return Error{ErrorCode::not_found, "This build of Foreword cannot download (" + file + " is not there); it can where libcurl4-openssl-dev is installed."};
  }
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays: its code may run until the program ends
  if (library == nullptr) {
    const char* reason = dlerror();
    return Error{ErrorCode::unsupported, "The downloader cannot be loaded (" + std::string(reason == nullptr ? file : reason) + "); install Foreword anew."};
  }
  const auto entry = reinterpret_cast<WebEntry>(dlsym(library, kWebEntry));
  std::unique_ptr<Web> web(entry == nullptr ? nullptr : entry(FOREWORD_VERSION, settings));
  if (!web) return Error{ErrorCode::unsupported, file + " belongs to another version of Foreword; install both from one package."};
  return std::unique_ptr<Web>(std::make_unique<RecordedWeb>(std::move(web), std::move(recorder)));
}

}  // namespace foreword::app

#include "app/download/web_plugin.h"

#include "engine/base/plugin.h"

namespace foreword::app {
namespace {

constexpr Plugin kPlugin{"FOREWORD_DOWNLOAD_PLUGIN", "foreword_download.so", kWebEntry, "The downloader", "This build of Foreword cannot download", "it can where libcurl4-openssl-dev is installed"};

}  // namespace

Result<std::unique_ptr<Web>> open_web(const WebSettings& settings, Recorder recorder) {
  FW_ASSIGN(const OpenPlugin plugin, open_plugin(kPlugin));
  std::unique_ptr<Web> web(reinterpret_cast<WebEntry>(plugin.entry)(FOREWORD_VERSION, settings));
  if (!web) return plugin_of_another_version(plugin.file);
  return std::unique_ptr<Web>(std::make_unique<RecordedWeb>(std::move(web), std::move(recorder)));
}

}  // namespace foreword::app

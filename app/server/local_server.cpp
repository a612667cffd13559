#include "app/server/local_server.h"

#include <utility>

#include "app/server/http_plugin.h"

namespace foreword::app {

Result<std::string> LocalServer::start(ApiOptions options) {
  FW_ASSIGN(auto http, open_http_server());
  std::string trouble;
  const int port = http->bind(address_, port_, trouble);
  if (port == 0) return Error{ErrorCode::io, "The server cannot take " + address_ + ":" + std::to_string(port_) + " (" + trouble + "); another program, or another Foreword, may have it."};
  api_ = std::make_unique<Api>(desk_, std::move(options));
  http_ = std::move(http);
  desk_.accept(true);
  thread_ = std::thread([this] { http_->run([this](const HttpRequest& request) { return api_->answer(request); }); });
  const bool v6 = address_.find(':') != address_.npos;
  return "http://" + (v6 ? "[" + address_ + "]" : address_) + ":" + std::to_string(port) + "/v1";
}

void LocalServer::stop() {
  if (!http_) return;
  desk_.accept(false);
  http_->stop();
  thread_.join();
  http_.reset();
  api_.reset();
}

}  // namespace foreword::app

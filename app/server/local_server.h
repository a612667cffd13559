#pragma once
// The local server as a whole, on or off: HTTP on an address, and answers through a desk that its owner has.

#include <memory>
#include <string>
#include <thread>

#include "app/server/api.h"
#include "app/server/http.h"
#include "engine/base/result.h"

namespace foreword::app {

class LocalServer {
 public:
  /// `desk` must outlive it.
  LocalServer(ServerDesk& desk, std::string address, int port) : desk_(desk), address_(std::move(address)), port_(port) {}
  ~LocalServer() { stop(); }
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  /// Where it answers from now on: "http://127.0.0.1:3673/v1". It must be off. `not_found`, `unsupported`: the plugin cannot be had;
  /// `io`: somebody else has the address.
  Result<std::string> start(ApiOptions options);
  /// All requests end; waits until they have. Nothing if it is off.
  void stop();

 private:
  ServerDesk& desk_;
  std::string address_;
  int port_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> http_;
  std::thread thread_;
};

}  // namespace foreword::app

#pragma once
// HTTP as the local server needs it, without a library: what the plugin foreword_server.so (http_httplib.cpp) implements, and who
// answers stands on. The program itself is linked with nothing that could open a socket.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foreword::app {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // "/v1/models", without a query
  std::string body;
  std::function<std::string(const char* name)> header;  // its value, whatever the name's case; empty: it is not there
};

/// Where the body of an answer goes that comes piece by piece.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  /// Sends at once. False: whoever asked has gone.
  virtual bool write(std::string_view bytes) = 0;
  virtual bool gone() = 0;
};

struct HttpReply {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  HttpHeaders headers = {};
  /// If there is one, it writes the body, on the thread that answers. False: the answer is cut off, and the other side sees that it is.
  std::function<bool(HttpSink&)> stream = {};
};

class HttpServer {
 public:
  /// Called on many threads at once.
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  virtual ~HttpServer() = default;
  /// Takes the address, "127.0.0.1", and port, 0: any free one. The port; 0: `trouble` says why not.
  virtual int bind(const std::string& address, int port, std::string& trouble) = 0;
  /// Answers until stop(). Once, after bind().
  virtual void run(Handler handler) = 0;
  /// Any other thread, once run() has been called or is about to be. No new request is taken; run() returns when those that are being answered are over.
  virtual void stop() = 0;
};

/// What the plugin exports: the caller owns the result. `version` is FOREWORD_VERSION of who asks; another one's gets null.
inline constexpr const char* kHttpEntry = "foreword_http_server";
using HttpEntry = HttpServer* (*)(const char* version);

/// Bytes that a request may have.
inline constexpr std::size_t kMostRequestBytes = 32 << 20;
/// Connections that are looked at at once; others wait.
inline constexpr int kHttpThreads = 32;

}  // namespace foreword::app

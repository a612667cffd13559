// The plugin that speaks HTTP, by cpp-httplib. The only place that includes it.

#include <httplib.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "app/server/http.h"

namespace foreword::app {
namespace {

constexpr int kReadSeconds = 30, kWriteSeconds = 30;  // that the other side may be silent in the middle of a request, or not take what is sent
constexpr int kIdleSeconds = 1;                       // that a connection is kept for another request
constexpr std::size_t kMostRequests = 1000;           // of one connection

class Sink final : public HttpSink {
 public:
  explicit Sink(httplib::DataSink& sink) : sink_(sink) {}
  bool write(std::string_view bytes) override { return sink_.write(bytes.data(), bytes.size()); }
  bool gone() override { return !sink_.is_writable(); }

 private:
  httplib::DataSink& sink_;
};

void send(HttpReply&& reply, httplib::Response& response) {
  response.status = reply.status;
  for (const auto& [name, value] : reply.headers) response.set_header(name, value);
  if (!reply.stream) {
    response.set_content(reply.body, reply.type);
    return;
  }
  response.set_chunked_content_provider(reply.type, [stream = std::move(reply.stream)](std::size_t, httplib::DataSink& sink) {
    Sink out(sink);
    if (!stream(out)) return false;
    sink.done();
    return true;
  });
}

class Httplib final : public HttpServer {
 public:
  int bind(const std::string& address, int port, std::string& trouble) override {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kHttpThreads); };
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_timeout(kIdleSeconds);
    server_.set_keep_alive_max_count(kMostRequests);
    server_.set_read_timeout(kReadSeconds);
    server_.set_write_timeout(kWriteSeconds);
    server_.set_payload_max_length(kMostRequestBytes);
    // Not its own choice, SO_REUSEPORT: two programs would share the port.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    errno = 0;
    if (port == 0) port = server_.bind_to_any_port(address);
    else if (!server_.bind_to_port(address, port)) port = 0;
    if (port > 0) return port;
    trouble = errno != 0 ? std::strerror(errno) : "no such address";
    return 0;
  }

  void run(Handler handler) override {
    const auto answer = [&handler](const httplib::Request& from, httplib::Response& response) {
      send(handler({from.method, from.path, from.body, [&from](const char* name) { return from.get_header_value(name); }}), response);
    };
    server_.Get("/.*", answer).Post("/.*", answer).Put("/.*", answer).Patch("/.*", answer).Delete("/.*", answer).Options("/.*", answer);
    server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return;  // it is ours
      const char* sentence = response.status == 413 ? "The request is larger than 32 MB." : "This is no request that the server understands.";
      response.set_content(std::string(R"({"error":{"message":")") + sentence + R"(","type":"invalid_request_error","code":null}})", "application/json");
    });
    server_.set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
      response.status = 500;
      response.set_content(R"({"error":{"message":"There is not enough memory for this request.","type":"server_error","code":null}})", "application/json");
    });
    server_.listen_after_bind();
    over_ = true;
  }

  /// The library forgets a stop that comes before it listens.
  void stop() override {
    while (!server_.is_running() && !over_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    server_.stop();
  }

 private:
  std::atomic<bool> over_ = false;
  httplib::Server server_;
};

}  // namespace
}  // namespace foreword::app

extern "C" __attribute__((visibility("default"))) foreword::app::HttpServer* foreword_http_server(const char* version) {
  return std::strcmp(version, FOREWORD_VERSION) == 0 ? new foreword::app::Httplib : nullptr;
}

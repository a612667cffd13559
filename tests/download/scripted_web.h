#pragma once
// A web that the test plays: one file on a server with its faults, or answers one by one; a clock that stands still while nobody waits.

#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "app/download/client.h"
#include "app/download/web.h"

namespace foreword::app::test {

/// Not SHA-256, but another one for other bytes.
class FakeDigest final : public WebDigest {
 public:
  explicit FakeDigest(std::size_t length) : length_(length) {}
  void add(std::string_view bytes) override {
    for (const unsigned char byte : bytes) state_ = (state_ ^ byte) * 1099511628211ULL;
  }
  std::string hex() override {
    std::string text;
    for (std::uint64_t x = state_; text.size() < length_; x = x * 6364136223846793005ULL + 1) text += "0123456789abcdef"[x >> 60];
    return text;
  }
  static std::string sha256(std::string_view bytes) {
    FakeDigest digest(64);
    digest.add(bytes);
    return digest.hex();
  }

 private:
  std::size_t length_;
  std::uint64_t state_ = 14695981039346656037ULL;
};

class FakeWeb : public Web {
 public:
  using Answer = std::function<WebOutcome(const WebRequest&, WebSink&)>;

  WebOutcome get(const WebRequest& request, WebSink& sink) override {
    requests.push_back(request);
    if (!next.empty()) {
      const Answer answer = std::move(next.front());
      next.pop_front();
      return answer(request, sink);
    }
    return usual ? usual(request, sink) : WebOutcome{WebEnd::unreachable, "nobody is there"};
  }
  std::unique_ptr<WebDigest> digest(DigestKind kind) override {
    return kind == DigestKind::none ? nullptr : std::make_unique<FakeDigest>(kind == DigestKind::sha256 ? 64 : 40);
  }
  static std::string header(const WebRequest& request, std::string_view name) { return header_of(request.headers, name); }

  std::vector<WebRequest> requests;
  std::deque<Answer> next;  // before the usual one
  Answer usual;
};

inline WebOutcome send(WebSink& sink, int status, const WebHeaders& headers, std::string_view body, std::size_t piece = 1 << 16) {
  if (!sink.head(status, headers)) return {WebEnd::stopped};
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size()))) {
    if (!sink.wanted() || !sink.body(body.substr(0, piece))) return {WebEnd::stopped};
  }
  return {};
}
inline FakeWeb::Answer says(int status, WebHeaders headers = {}, std::string body = {}) {
  return [=](const WebRequest&, WebSink& sink) { return send(sink, status, headers, body); };
}

/// A file as a good server sends it; `most` bytes of it, then the connection breaks. Tagged "ETAG".
inline FakeWeb::Answer file(std::string bytes, std::size_t piece = 1 << 16, std::size_t most = std::string::npos, std::string etag = "\"one\"") {
  return [=](const WebRequest& request, WebSink& sink) -> WebOutcome {
    const std::string range = FakeWeb::header(request, "Range"), if_range = FakeWeb::header(request, "If-Range");
    std::size_t first = range.empty() || (!if_range.empty() && if_range != etag) ? 0 : static_cast<std::size_t>(std::stoul(range.substr(6)));
    const bool part = !range.empty() && (if_range.empty() || if_range == etag);
    const std::string total = std::to_string(bytes.size());
    if (part && first >= bytes.size()) return send(sink, 416, {{"content-range", "bytes */" + total}}, "");
    std::size_t end = bytes.size();
    if (part && range.back() != '-') end = std::min<std::size_t>(end, std::stoul(range.substr(range.find('-') + 1)) + 1);
    WebHeaders headers{{"content-length", std::to_string(end - first)}, {"etag", etag}};
    if (part) headers.emplace_back("content-range", "bytes " + std::to_string(first) + "-" + std::to_string(end - 1) + "/" + total);
    const std::string_view body = std::string_view(bytes).substr(first, end - first);
    const WebOutcome sent = send(sink, part ? 206 : 200, headers, body.substr(0, most), piece);
    return sent.end == WebEnd::whole && body.size() > most ? WebOutcome{WebEnd::broken, "connection reset"} : sent;
  };
}

struct FakeTime {
  double now = 1000;
  std::vector<double> waits;
  bool stopped = false;
  int stop_after_waits = 1000;

  Surroundings surroundings() {
    return {.now = [this] { return now; },
            .unix_now = [] { return std::int64_t{784111777}; },  // Sun, 06 Nov 1994 08:49:37 GMT
            .chance = [] { return 0.5; },
            .stopped = [this] { return stopped; },
            .wait =
                [this](double seconds) {
                  waits.push_back(seconds);
                  now += seconds;
                  if (static_cast<int>(waits.size()) >= stop_after_waits) stopped = true;
                }};
  }
};

}  // namespace foreword::app::test

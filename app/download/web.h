#pragma once
// Getting from the web as downloads need it, without a library: what the plugin foreword_download.so (web_curl.cpp) implements, and what the
// rest of this room stands on. The program itself is linked with nothing that could open a socket.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace foreword::app {

using WebHeaders = std::vector<std::pair<std::string, std::string>>;

struct WebRequest {
  std::string url;  // http or https, printable ASCII
  WebHeaders headers;
  std::string purpose{};  // for people, not for the other side: "Downloading model.gguf"
};

/// Where an answer goes. Called on the thread that asks.
class WebSink {
 public:
  virtual ~WebSink() = default;
  /// Once, before the body; names in small letters. False: no more of it is wanted.
  virtual bool head(int status, const WebHeaders& headers) = 0;
  /// False: no more of it is wanted.
  virtual bool body(std::string_view bytes) = 0;
  /// Asked about once a second, also while nothing comes. False: stop.
  virtual bool wanted() = 0;
};

enum class WebEnd : std::uint8_t {
  whole,        // the answer came to its end
  stopped,      // the sink wanted no more
  unreachable,  // no such host, or it takes no connection
  broken,       // the connection ended before the answer did
  silent,       // nothing came for kSilentSeconds
  untrusted,    // the other side's certificate could not be checked
  unusable,     // what came is no HTTP
};
struct WebOutcome {
  WebEnd end = WebEnd::whole;
  std::string reason{};  // of what went wrong, without a full stop
  std::int64_t sent = -1;  // bytes of the request as HTTP, without what encrypts it; -1: unknown
};

enum class DigestKind : std::uint8_t {
  none,
  sha256,
  git_sha1,  // of "blob SIZE\0" and the bytes, as Git names files
};
class WebDigest {
 public:
  virtual ~WebDigest() = default;
  virtual void add(std::string_view bytes) = 0;
  /// Small letters. Once, and nothing after it.
  virtual std::string hex() = 0;
};

/// One thread at a time.
class Web {
 public:
  virtual ~Web() = default;
  /// One request, no redirect followed. Proxies by HTTPS_PROXY, NO_PROXY and their like.
  virtual WebOutcome get(const WebRequest& request, WebSink& sink) = 0;
  /// Plain SHA-1 for `git_sha1`; the caller adds the beginning. Null: `none`.
  virtual std::unique_ptr<WebDigest> digest(DigestKind kind) = 0;
};

struct WebSettings {
  std::string certificates, certificate_folder;  // instead of the system's; empty: those
};

/// What the plugin exports: the caller owns the result. `version` is FOREWORD_VERSION of who asks; another one's gets null.
inline constexpr const char* kWebEntry = "foreword_web";
using WebEntry = Web* (*)(const char* version, const WebSettings& settings);

/// To connect, and between two bytes.
inline constexpr long kSilentSeconds = 10;

}  // namespace foreword::app

#pragma once
// Asking the web: redirects, who gets the token, what is asked again and when, and the sentences for what went wrong. One thread at a time.

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "app/download/hub.h"
#include "app/download/retry.h"
#include "app/download/web.h"
#include "engine/base/result.h"

namespace foreword::app {

/// Time and chance, and whether the user still wants it.
struct Surroundings {
  std::function<double()> now;              // seconds of a clock that only goes on
  std::function<std::int64_t()> unix_now;   // seconds
  std::function<double()> chance;           // 0 <= x < 1
  std::function<bool()> stopped;            // any moment
  std::function<void(double seconds)> wait;  // less if it is stopped meanwhile
};
/// The system's; stopped once `stop` is true, which outlives the result.
Surroundings real_surroundings(const std::atomic<bool>& stop);

/// What is asked for, in sentences.
struct WebSubject {
  std::string what;    // "model.gguf of ORG/REPO"
  std::string page{};  // where the hub shows it to people; empty: it is no page of the hub's
  std::string doing{};  // what is done by asking: "Downloading model.gguf of ORG/REPO"
};

/// `name` in small letters; empty: it is not there.
std::string header_of(const WebHeaders& headers, std::string_view name);
/// "bytes 100-199/5000"; nothing: it is no such header.
struct ContentRange {
  std::int64_t first = 0;
  std::int64_t total = -1;  // bytes of the whole file; -1: not said
};
std::optional<ContentRange> content_range(std::string_view header);
/// A header's number of bytes; -1: it is none.
std::int64_t byte_count(std::string_view text);

/// Of the last request of a chain of redirects.
struct WebAnswer {
  WebOutcome outcome{};
  int status = 0;  // 0: there was none
  WebHeaders headers{};
  Url at{};
  bool elsewhere = false;  // another host answered than the one asked, by a redirect

  std::string header(std::string_view name) const { return header_of(headers, name); }
  bool is_good() const { return outcome.end == WebEnd::whole && (status == 200 || status == 206); }
};

class Client {
 public:
  /// `web` outlives it.
  Client(Web& web, HubSettings settings, Surroundings around);

  /// Once. Redirects are followed, never from https to http; the sink gets the last answer, whatever its status. `unsupported`: offline; a
  /// redirect that is not followed. `cancelled`.
  Result<WebAnswer> ask(const Url& url, const WebHeaders& headers, const WebSubject& subject, WebSink& sink);
  /// A whole text, again and again by kAsking. `io`: `most` bytes are exceeded, or it cannot be had.
  Result<std::string> text(const Url& url, std::size_t most, const WebSubject& subject);

  const HubSettings& settings() const { return settings_; }
  const Surroundings& around() const { return around_; }
  Web& web() { return web_; }

 private:
  Web& web_;
  HubSettings settings_;
  Surroundings around_;
};

/// Failures in a row of one wish.
class Retries {
 public:
  Retries(const Client& client, const RetryRules& rules) : client_(client), rules_(rules) {}
  /// Something came.
  void progress() { n_failures_ = 0; }
  /// Waits until it is worth another try. Else why not: it would end the same way, it was tried often enough, or `cancelled`.
  Result<void> after(const WebAnswer& answer, const WebSubject& subject);

 private:
  const Client& client_;
  RetryRules rules_;
  int n_failures_ = 0;
};

/// What a person does about an answer that is none: log in, accept a licence, look at the name, try later.
Error sentence_for(const WebAnswer& answer, const WebSubject& subject, bool has_token);
Error stopped_error();

/// The beginning of a file on the web, without the rest: asked for in pieces, until `enough` says of all bytes so far that they are, or the file
/// ends, or `most` bytes are there; more than half of which may be needless. Any file; a server that knows no ranges is cut off.
Result<std::string> fetch_head(Client& client, const Url& url, const WebSubject& subject, const std::function<bool(std::string_view)>& enough,
                               std::size_t most = 64 << 20);

}  // namespace foreword::app

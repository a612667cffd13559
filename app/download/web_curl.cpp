// The plugin that gets from the web, by libcurl, and digests what came, by the library that libcurl stands on anyway. The only place that
// includes them.

#include <curl/curl.h>
#include <openssl/evp.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "app/download/web.h"

namespace foreword::app {
namespace {

constexpr std::size_t kMostHeaderBytes = 64 << 10;  // of an answer
constexpr long kBufferBytes = 256 << 10;

struct EndRow {
  CURLcode code;
  WebEnd end;
};
/// What is not here has broken off.
constexpr EndRow kEnds[] = {
    {CURLE_OK, WebEnd::whole},
    {CURLE_COULDNT_RESOLVE_HOST, WebEnd::unreachable},
    {CURLE_COULDNT_RESOLVE_PROXY, WebEnd::unreachable},
    {CURLE_COULDNT_CONNECT, WebEnd::unreachable},
    {CURLE_OPERATION_TIMEDOUT, WebEnd::silent},
    {CURLE_PEER_FAILED_VERIFICATION, WebEnd::untrusted},
    {CURLE_SSL_CACERT_BADFILE, WebEnd::untrusted},
    {CURLE_SSL_ISSUER_ERROR, WebEnd::untrusted},
    {CURLE_UNSUPPORTED_PROTOCOL, WebEnd::unusable},
    {CURLE_URL_MALFORMAT, WebEnd::unusable},
    {CURLE_WEIRD_SERVER_REPLY, WebEnd::unusable},
};

WebEnd end_of(CURLcode code) {
  for (const EndRow& row : kEnds) {
    if (row.code == code) return row.end;
  }
  return WebEnd::broken;
}

/// The head of one answer, line by line.
class Exchange {
 public:
  explicit Exchange(WebSink& sink) : sink_(sink) {}

  bool line(std::string_view text) {
    if (told_) return true;  // what follows the body
    bytes_ += text.size();
    if (bytes_ > kMostHeaderBytes) return spoil();
    while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
    if (text.starts_with("HTTP/")) {
      const std::size_t space = text.find(' ');
      status_ = space == text.npos ? 0 : std::atoi(std::string(text.substr(space + 1, 3)).c_str());
      headers_.clear();
      return true;
    }
    if (text.empty()) return status_ < 200 || tell();  // 1xx: the answer is still to come
    const std::size_t colon = text.find(':');
    if (colon == text.npos) return true;
    std::string name(text.substr(0, colon));
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    text.remove_prefix(colon + 1);
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    headers_.emplace_back(std::move(name), text);
    return true;
  }
  bool body(std::string_view bytes) {
    const bool more = told_ && sink_.body(bytes);
    stopped_ |= !more;
    last_ = Clock::now();
    return more;
  }
  bool wanted() {
    const bool more = sink_.wanted();
    stopped_ |= !more;
    silent_ |= told_ && Clock::now() - last_ > std::chrono::seconds(kSilentSeconds);
    return more && !silent_;
  }

  bool stopped() const { return stopped_; }
  bool silent() const { return silent_; }
  bool spoilt() const { return spoilt_ || !told_; }

 private:
  using Clock = std::chrono::steady_clock;

  bool tell() {
    told_ = true;
    last_ = Clock::now();
    const bool more = sink_.head(status_, headers_);
    stopped_ |= !more;
    return more;
  }
  bool spoil() {
    spoilt_ = true;
    return false;
  }

  WebSink& sink_;
  WebHeaders headers_;
  std::size_t bytes_ = 0;
  int status_ = 0;
  bool told_ = false, stopped_ = false, spoilt_ = false, silent_ = false;
  Clock::time_point last_{};  // byte of the body
};

extern "C" std::size_t take_line(char* bytes, std::size_t, std::size_t n, void* exchange) {
  return static_cast<Exchange*>(exchange)->line({bytes, n}) ? n : 0;
}
extern "C" std::size_t take_body(char* bytes, std::size_t, std::size_t n, void* exchange) {
  return static_cast<Exchange*>(exchange)->body({bytes, n}) ? n : 0;
}
extern "C" int ask_whether_wanted(void* exchange, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(exchange)->wanted() ? 0 : 1;
}

class Digest final : public WebDigest {
 public:
  explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, kind, nullptr); }
  ~Digest() override { EVP_MD_CTX_free(context_); }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void add(std::string_view bytes) override { EVP_DigestUpdate(context_, bytes.data(), bytes.size()); }
  std::string hex() override {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned n = 0;
    EVP_DigestFinal_ex(context_, bytes.data(), &n);
    std::string text;
    for (unsigned i = 0; i < n; ++i) text += "0123456789abcdef"[bytes[i] >> 4], text += "0123456789abcdef"[bytes[i] & 15];
    return text;
  }

 private:
  EVP_MD_CTX* context_;
};

/// A connection that the other side has closed is an error here, not a signal that ends the program; of what this thread writes meanwhile, too.
class PipeSignalHeld {
 public:
  PipeSignalHeld() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~PipeSignalHeld() {
    const timespec at_once{0, 0};
    while (!was_pending_ && sigtimedwait(&pipe_, nullptr, &at_once) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  PipeSignalHeld(const PipeSignalHeld&) = delete;
  PipeSignalHeld& operator=(const PipeSignalHeld&) = delete;

 private:
  sigset_t pipe_{}, before_{};
  bool was_pending_ = false;
};

class Curl final : public Web {
 public:
  explicit Curl(WebSettings settings) : settings_(std::move(settings)) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    handle_ = curl_easy_init();
  }
  ~Curl() override {
    curl_easy_cleanup(handle_);
    curl_global_cleanup();
  }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;

  WebOutcome get(const WebRequest& request, WebSink& sink) override {
    if (handle_ == nullptr) return {WebEnd::broken, "there is not enough memory"};
    Exchange exchange(sink);
    curl_easy_reset(handle_);  // connections stay
    char reason[CURL_ERROR_SIZE] = "";
    curl_slist* lines = nullptr;
    for (const auto& [name, value] : request.headers) lines = curl_slist_append(lines, (name + ": " + value).c_str());
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_HTTPHEADER, lines);
    set(CURLOPT_USERAGENT, "foreword/" FOREWORD_VERSION);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, kSilentSeconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);  // until the head is there; it is slow to see silence after speed
    set(CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
    set(CURLOPT_BUFFERSIZE, kBufferBytes);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!settings_.certificates.empty()) set(CURLOPT_CAINFO, settings_.certificates.c_str());
    if (!settings_.certificate_folder.empty()) set(CURLOPT_CAPATH, settings_.certificate_folder.c_str());
    set(CURLOPT_HEADERFUNCTION, take_line);
    set(CURLOPT_HEADERDATA, &exchange);
    set(CURLOPT_WRITEFUNCTION, take_body);
    set(CURLOPT_WRITEDATA, &exchange);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, ask_whether_wanted);
    set(CURLOPT_XFERINFODATA, &exchange);
    set(CURLOPT_ERRORBUFFER, reason);
    const PipeSignalHeld held;
    const CURLcode code = curl_easy_perform(handle_);
    WebOutcome outcome = outcome_of(exchange, code, reason);
    if (long sent = 0; curl_easy_getinfo(handle_, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK) outcome.sent = sent;
    curl_easy_setopt(handle_, CURLOPT_ERRORBUFFER, nullptr);
    curl_slist_free_all(lines);
    return outcome;
  }

  std::unique_ptr<WebDigest> digest(DigestKind kind) override {
    if (kind == DigestKind::none) return nullptr;
    return std::make_unique<Digest>(kind == DigestKind::sha256 ? EVP_sha256() : EVP_sha1());
  }

 private:
  static WebOutcome outcome_of(const Exchange& exchange, CURLcode code, const char* reason) {
    if (exchange.stopped()) return {WebEnd::stopped};
    if (exchange.silent()) return {WebEnd::silent, "nothing came for " + std::to_string(kSilentSeconds) + " seconds"};
    if (code == CURLE_OK && !exchange.spoilt()) return {WebEnd::whole};
    if (code == CURLE_OK || code == CURLE_WRITE_ERROR) return {WebEnd::unusable, "its answer is no HTTP"};
    return {end_of(code), reason[0] != '\0' ? reason : curl_easy_strerror(code)};
  }
  template <class Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(handle_, option, value);
  }

  WebSettings settings_;
  CURL* handle_ = nullptr;
};

}  // namespace
}  // namespace foreword::app

extern "C" __attribute__((visibility("default"))) foreword::app::Web* foreword_web(const char* version, const foreword::app::WebSettings& settings) {
  return std::strcmp(version, FOREWORD_VERSION) == 0 ? new foreword::app::Curl(settings) : nullptr;
}

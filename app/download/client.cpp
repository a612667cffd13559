#include "app/download/client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "engine/base/chance.h"

namespace foreword::app {
namespace {

constexpr int kMostRedirects = 10;
constexpr int kRedirects[] = {301, 302, 303, 307, 308};
constexpr std::size_t kMostRedirectBody = 64 << 10;  // bytes that are read so that the connection can be used again
constexpr std::size_t kFirstPiece = 1 << 20;
constexpr double kLookSeconds = 0.05;  // whether a wait was stopped

/// Passes an answer on unless it is a redirect.
class Hop final : public WebSink {
 public:
  Hop(WebAnswer& answer, WebSink& sink, const Surroundings& around) : answer_(answer), sink_(sink), around_(around) {}

  bool head(int status, const WebHeaders& headers) override {
    answer_.status = status;
    answer_.headers = headers;
    redirected_ = std::ranges::find(kRedirects, status) != std::end(kRedirects) && !answer_.header("location").empty();
    return redirected_ || sink_.head(status, headers);
  }
  bool body(std::string_view bytes) override {
    if (!redirected_) return sink_.body(bytes);
    n_skipped_ += bytes.size();
    return n_skipped_ <= kMostRedirectBody;
  }
  bool wanted() override { return !around_.stopped() && (redirected_ || sink_.wanted()); }

  bool redirected() const { return redirected_; }

 private:
  WebAnswer& answer_;
  WebSink& sink_;
  const Surroundings& around_;
  std::size_t n_skipped_ = 0;
  bool redirected_ = false;
};

class TextSink final : public WebSink {
 public:
  explicit TextSink(std::size_t most) : most_(most) {}
  bool head(int status, const WebHeaders&) override {
    text_.clear();
    return status == 200;
  }
  bool body(std::string_view bytes) override {
    if (bytes.size() > most_ - text_.size()) return too_long_ = true, false;
    text_ += bytes;
    return true;
  }
  bool wanted() override { return true; }

  bool too_long() const { return too_long_; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::size_t most_;
  bool too_long_ = false;
};

/// Adds to the bytes from the beginning until there are enough for now.
class HeadSink final : public WebSink {
 public:
  HeadSink(std::string& text, std::size_t until) : text_(text), until_(until) {}
  bool head(int status, const WebHeaders& headers) override {
    n_skip_ = status == 200 ? text_.size() : 0;  // it begins at the beginning whatever was asked for
    const auto range = content_range(header_of(headers, "content-range"));
    return status == 200 || (status == 206 && range && range->first == static_cast<std::int64_t>(text_.size()));
  }
  bool body(std::string_view bytes) override {
    const std::size_t skipped = std::min(n_skip_, bytes.size());
    n_skip_ -= skipped;
    bytes.remove_prefix(skipped);
    text_ += bytes.substr(0, until_ - text_.size());
    return text_.size() < until_;
  }
  bool wanted() override { return true; }

 private:
  std::string& text_;
  std::size_t until_, n_skip_ = 0;
};

bool worth_another_try(const WebAnswer& answer) {
  switch (answer.outcome.end) {
    case WebEnd::unreachable:
    case WebEnd::broken:
    case WebEnd::silent: return true;
    case WebEnd::untrusted:
    case WebEnd::unusable: return false;
    case WebEnd::whole:
    case WebEnd::stopped: break;
  }
  if (answer.status == 200 || answer.status == 206 || may_pass(answer.status)) return true;  // too little of it came
  return answer.elsewhere && (answer.status == 401 || answer.status == 403 || answer.status == 410);  // the signed address has expired
}

}  // namespace

Surroundings real_surroundings(const std::atomic<bool>& stop) {
  using Clock = std::chrono::steady_clock;
  const auto now = [] { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); };
  return {
      .now = now,
      .unix_now = [] { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count(); },
      .chance = [] { return static_cast<double>(any_number() >> 11) / static_cast<double>(1ULL << 53); },
      .stopped = [&stop] { return stop.load(std::memory_order_relaxed); },
      .wait =
          [&stop, now](double seconds) {
            const double end = now() + seconds;
            for (double left = seconds; left > 0 && !stop.load(std::memory_order_relaxed); left = end - now()) {
              std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, kLookSeconds)));
            }
          },
  };
}

std::string header_of(const WebHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::int64_t byte_count(std::string_view text) {
  std::int64_t count = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() && end == text.data() + text.size() && count >= 0 ? count : -1;
}

std::optional<ContentRange> content_range(std::string_view header) {
  constexpr std::string_view kUnit = "bytes ";
  const std::size_t line = header.find('-'), slash = header.find('/');
  if (!header.starts_with(kUnit) || line == header.npos || slash == header.npos || slash < line) return std::nullopt;
  const ContentRange range{byte_count(header.substr(kUnit.size(), line - kUnit.size())), byte_count(header.substr(slash + 1))};
  return range.first < 0 ? std::nullopt : std::optional(range);
}

Client::Client(Web& web, HubSettings settings, Surroundings around) : web_(web), settings_(std::move(settings)), around_(std::move(around)) {}

Result<WebAnswer> Client::ask(const Url& url, const WebHeaders& headers, const WebSubject& subject, WebSink& sink) {
  if (settings_.offline) return Error{ErrorCode::unsupported, "HF_HUB_OFFLINE is set, so nothing was asked of the network; unset it to download."};
  WebAnswer answer;
  answer.at = url;
  for (int n_redirects = 0; n_redirects <= kMostRedirects; ++n_redirects) {
    if (around_.stopped()) return stopped_error();
    WebRequest request{answer.at.text(), headers, subject.doing};
    if (!settings_.token.empty() && answer.at.origin() == settings_.endpoint.origin()) request.headers.emplace_back("Authorization", "Bearer " + settings_.token);
    answer.status = 0;
    answer.headers.clear();
    Hop hop(answer, sink, around_);
    answer.outcome = web_.get(request, hop);
    if (around_.stopped()) return stopped_error();
    if (!hop.redirected()) return answer;
    FW_ASSIGN(Url next, follow(answer.at, answer.header("location")));
    if (answer.at.scheme == "https" && next.scheme != "https") {
      return Error{ErrorCode::unsupported, answer.at.host + " leads on to " + next.host + " without encryption, which is not followed."};
    }
    answer.elsewhere = next.origin() != url.origin();
    answer.at = std::move(next);
  }
  return Error{ErrorCode::unsupported, url.host + " leads on and on, " + std::to_string(kMostRedirects) + " times; try again later."};
}

Result<std::string> Client::text(const Url& url, std::size_t most, const WebSubject& subject) {
  Retries retries(*this, kAsking);
  for (;;) {
    TextSink sink(most);
    FW_ASSIGN(const WebAnswer answer, ask(url, {}, subject, sink));
    if (sink.too_long()) return Error{ErrorCode::io, "What " + answer.at.host + " says of " + subject.what + " is too long, more than " + std::to_string(most >> 20) + " MiB."};
    if (answer.is_good()) return sink.take();
    FW_TRY(retries.after(answer, subject));
  }
}

Result<void> Retries::after(const WebAnswer& answer, const WebSubject& subject) {
  const Surroundings& around = client_.around();
  ++n_failures_;
  const auto asked = retry_after_seconds(answer.header("retry-after"), around.unix_now());
  const auto wait = worth_another_try(answer) ? wait_before_retry(rules_, n_failures_, asked, around.chance()) : std::nullopt;
  if (!wait) return sentence_for(answer, subject, !client_.settings().token.empty());
  around.wait(*wait);
  if (around.stopped()) return stopped_error();
  return {};
}

Result<std::string> fetch_head(Client& client, const Url& url, const WebSubject& subject, const std::function<bool(std::string_view)>& enough, std::size_t most) {
  std::string text;
  Retries retries(client, kAsking);
  for (std::size_t until = std::min(kFirstPiece, most);;) {
    const std::size_t before = text.size();
    HeadSink sink(text, until);
    FW_ASSIGN(const WebAnswer answer, client.ask(url, {{"Range", "bytes=" + std::to_string(before) + "-" + std::to_string(until - 1)}}, subject, sink));
    if (text.size() > before) retries.progress();
    if (text.size() == until) {
      if (until == most || enough(text)) return text;
      until = std::min(until * 2, most);
    } else if (answer.status == 416 || answer.is_good()) {
      return text;  // the file has no more
    } else {
      FW_TRY(retries.after(answer, subject));
    }
  }
}

}  // namespace foreword::app

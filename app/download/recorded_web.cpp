#include "app/download/recorded_web.h"

#include <chrono>
#include <utility>

#include "app/download/url.h"
#include "engine/base/chance.h"

namespace foreword::app {
namespace {

/// Passes an answer on and counts it.
class Counting final : public WebSink {
 public:
  Counting(WebSink& sink, Asked& asked, const Recorder& recorder) : sink_(sink), asked_(asked), recorder_(recorder) {}

  bool head(int status, const WebHeaders& headers) override {
    asked_.status = status;
    return sink_.head(status, headers);
  }
  bool body(std::string_view bytes) override {
    asked_.received += static_cast<std::int64_t>(bytes.size());
    if (asked_.received - told_ >= kTellBytes) told_ = asked_.received, recorder_.tell(asked_);
    return sink_.body(bytes);
  }
  bool wanted() override { return sink_.wanted(); }

 private:
  WebSink& sink_;
  Asked& asked_;
  const Recorder& recorder_;
  std::int64_t told_ = 0;
};

}  // namespace

Recorder recorder(std::function<void(const Asked&)> tell) {
  using Clock = std::chrono::system_clock;
  return {.tell = std::move(tell), .now_ms = [] { return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count(); }, .any_number = any_number};
}

WebOutcome RecordedWeb::get(const WebRequest& request, WebSink& sink) {
  const auto url = parse_url(request.url);
  Asked asked{.id = recorder_.any_number(), .at_ms = recorder_.now_ms(), .host = url ? url->host : "an address that is none", .purpose = request.purpose};
  recorder_.tell(asked);
  Counting counting(sink, asked, recorder_);
  WebOutcome outcome = web_->get(request, counting);
  asked.ended = true;
  asked.end = outcome.end;
  asked.sent = outcome.sent;
  recorder_.tell(asked);
  return outcome;
}

}  // namespace foreword::app

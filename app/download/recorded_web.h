#pragma once
// A web of which every request is told. open_web() gives no other one, so nothing is asked of anybody without it.

#include <cstdint>
#include <functional>
#include <memory>

#include "app/download/asked.h"

namespace foreword::app {

/// Who hears of requests, on the thread that asks: when one begins, each kTellBytes of its answer, and when it has ended. Waits for nobody.
struct Recorder {
  std::function<void(const Asked&)> tell;
  std::function<std::int64_t()> now_ms;     // since 1970
  std::function<std::uint64_t()> any_number;
};
/// With the system's clock and chance.
Recorder recorder(std::function<void(const Asked&)> tell);

inline constexpr std::int64_t kTellBytes = 64 << 20;

class RecordedWeb final : public Web {
 public:
  RecordedWeb(std::unique_ptr<Web> web, Recorder recorder) : web_(std::move(web)), recorder_(std::move(recorder)) {}

  WebOutcome get(const WebRequest& request, WebSink& sink) override;
  std::unique_ptr<WebDigest> digest(DigestKind kind) override { return web_->digest(kind); }

 private:
  std::unique_ptr<Web> web_;
  Recorder recorder_;
};

}  // namespace foreword::app

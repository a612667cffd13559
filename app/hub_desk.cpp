#include "app/hub_desk.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <system_error>

#include "app/download/hub_client.h"
#include "app/download/web_plugin.h"
#include "app/hub_answers.h"
#include "engine/base/plugin.h"

namespace foreword::app {
namespace {

constexpr std::chrono::milliseconds kTellEach{200};

}  // namespace

HubDesk::HubDesk(std::filesystem::path models, Ledger ledger, Mailbox<Afterwards>& outbox, OnAsked on_asked)
    : models_(std::move(models)), ledger_(std::move(ledger)), outbox_(outbox), on_asked_(std::move(on_asked)), asks_(outbox), gets_(outbox) {}

Result<HubDesk::Line> HubDesk::open_line(const std::atomic<bool>& stop) const {
  FW_ASSIGN(HubSettings settings, hub_settings([](const char* name) { return std::getenv(name); }));
  Line line;
  FW_ASSIGN(line.web, open_web(settings.web, recorder([this](const Asked& asked) {
                                 const auto written = ledger_.write(asked);
                                 on_asked_(asked, written ? std::string() : written.error().message);
                               })));
  line.client = std::make_unique<Client>(*line.web, std::move(settings), real_surroundings(stop));
  return line;
}

Result<std::filesystem::path> HubDesk::get_now(const GetOrder& order, const std::atomic<bool>& stop) const {
  if (stop) return stopped_error();
  FW_ASSIGN(const Line line, open_line(stop));
  FW_ASSIGN(const Target target, read_target(order.target, line.client->settings()));
  FW_ASSIGN(DownloadPlan plan, plan_of(*line.client, target, models_, {}));
  DownloadEvents events;
  events.progress = [&, told = std::chrono::steady_clock::time_point()](const DownloadProgress& progress) mutable {
    const auto now = std::chrono::steady_clock::now();
    if (now - told < kTellEach) return;
    told = now;
    const GetProgress one{progress.done, progress.total, progress.bytes_per_second, progress.phase == DownloadPhase::checking, progress.phase == DownloadPhase::waiting};
    outbox_.push([tell = order.on_progress, one] { tell(one); });
  };
  events.note = [&](const std::string& sentence) { outbox_.push([tell = order.on_note, sentence] { tell(sentence); }); };
  events.limit = [this] { return limit_.load(std::memory_order_relaxed); };
  FW_ASSIGN(const auto files, Download(*line.client, std::move(plan), std::move(events)).run());
  return files.front().path;
}

void HubDesk::end() {
  if (asking_) *asking_ = true;
  if (getting_) *getting_ = true;
  waiting_.clear();
  asks_.end();
  gets_.end();
}

void HubDesk::ask(HubAsk ask, std::function<void(HubAnswer)> tell) {
  if (asking_) *asking_ = true;
  asking_ = std::make_shared<std::atomic<bool>>(false);
  asks_.send([this, ask = std::move(ask), tell = std::move(tell), stop = asking_]() -> Afterwards {
    const auto say = [&](HubAnswer answer) {
      outbox_.push([tell, stop, answer = std::move(answer)]() mutable {
        if (!*stop) tell(std::move(answer));
      });
    };
    if (*stop) return [] {};
    const auto line = open_line(*stop);
    if (line) answer_for(*line->client, ask, say);
    else say({.problem = line.error().message});
    return [] {};
  });
}

void HubDesk::get(GetOrder order) {
  waiting_.push_back(std::move(order));
  go_on();
}

/// The first that waits, once nothing else is being downloaded.
void HubDesk::go_on() {
  if (getting_ || waiting_.empty()) return;
  getting_ = std::make_shared<std::atomic<bool>>(false);
  got_ = waiting_.front().id;
  gets_.send([this, order = std::move(waiting_.front()), stop = getting_]() -> Afterwards {
    return [this, end = order.on_end, result = get_now(order, *stop)] {
      getting_.reset();
      end(result);
      go_on();
    };
  });
  waiting_.pop_front();
}

void HubDesk::next(std::int64_t id) {
  const auto one = std::ranges::find(waiting_, id, &GetOrder::id);
  if (one != waiting_.end()) std::rotate(waiting_.begin(), one, one + 1);
}

void HubDesk::stop(std::int64_t id) {
  if (getting_ && got_ == id) *getting_ = true;
  const auto one = std::ranges::find(waiting_, id, &GetOrder::id);
  if (one == waiting_.end()) return;
  outbox_.push([end = std::move(one->on_end)] { end(stopped_error()); });
  waiting_.erase(one);
}

bool can_download() {
  std::error_code ignored;
  return std::filesystem::is_regular_file(plugin_place("FOREWORD_DOWNLOAD_PLUGIN", "foreword_download.so"), ignored);
}

}  // namespace foreword::app

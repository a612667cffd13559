#include "app/hub_desk.h"

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

/// A way to the hub, opened anew for each order: the plugin is loaded, and the environment read, only when something is asked.
struct Line {
  std::unique_ptr<Web> web;
  std::unique_ptr<Client> client;
};
Result<Line> open_line(const Ledger& ledger, const std::atomic<bool>& stop) {
  FW_ASSIGN(HubSettings settings, hub_settings([](const char* name) { return std::getenv(name); }));
  Line line;
  FW_ASSIGN(line.web, open_web(settings.web, recorder([ledger](const Asked& asked) { (void)ledger.write(asked); })));
  line.client = std::make_unique<Client>(*line.web, std::move(settings), real_surroundings(stop));
  return line;
}

Result<std::filesystem::path> get_now(const GetOrder& order, const std::filesystem::path& models, const Ledger& ledger, Mailbox<Afterwards>& outbox, const std::atomic<bool>& stop) {
  if (stop) return stopped_error();
  FW_ASSIGN(const Line line, open_line(ledger, stop));
  FW_ASSIGN(const Target target, read_target(order.target, line.client->settings()));
  FW_ASSIGN(DownloadPlan plan, plan_of(*line.client, target, models, {}));
  DownloadEvents events;
  events.progress = [&, told = std::chrono::steady_clock::time_point()](const DownloadProgress& progress) mutable {
    const auto now = std::chrono::steady_clock::now();
    if (now - told < kTellEach) return;
    told = now;
    const GetProgress one{progress.done, progress.total, progress.bytes_per_second, progress.phase == DownloadPhase::checking, progress.phase == DownloadPhase::waiting};
    outbox.push([tell = order.on_progress, one] { tell(one); });
  };
  events.note = [&](const std::string& sentence) { outbox.push([tell = order.on_note, sentence] { tell(sentence); }); };
  FW_ASSIGN(const auto files, Download(*line.client, std::move(plan), std::move(events)).run());
  return files.front().path;
}

}  // namespace

HubDesk::HubDesk(std::filesystem::path models, Ledger ledger, Mailbox<Afterwards>& outbox) : models_(std::move(models)), ledger_(std::move(ledger)), outbox_(outbox), asks_(outbox), gets_(outbox) {}

void HubDesk::end() {
  if (asking_) *asking_ = true;
  for (const auto& [id, stop] : getting_) *stop = true;
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
    const auto line = open_line(ledger_, *stop);
    if (line) answer_for(*line->client, ask, say);
    else say({.problem = line.error().message});
    return [] {};
  });
}

void HubDesk::get(GetOrder order) {
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  getting_[order.id] = stop;
  gets_.send([this, order = std::move(order), stop]() -> Afterwards {
    return [this, end = order.on_end, id = order.id, result = get_now(order, models_, ledger_, outbox_, *stop)] {
      getting_.erase(id);
      end(result);
    };
  });
}

void HubDesk::stop(std::int64_t id) {
  if (const auto found = getting_.find(id); found != getting_.end()) *found->second = true;
}

bool can_download() {
  std::error_code ignored;
  return std::filesystem::is_regular_file(plugin_place("FOREWORD_DOWNLOAD_PLUGIN", "foreword_download.so"), ignored);
}

}  // namespace foreword::app

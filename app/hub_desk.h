#pragma once
// The window's way to the hub: what is asked of it, and what is downloaded, each on a thread of its own. Whoever asks hears by closures that are
// done on its own thread (side_desk.h).

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/download/ledger.h"
#include "app/side_desk.h"
#include "engine/base/result.h"
#include "engine/fit.h"

namespace foreword::app {

struct HubAsk {
  std::string text;  // words, ORG/REPO[:QUANT], or an address
  engine::ModelOptions options;  // by which it is judged whether a model fits; without a book
  std::optional<engine::MemoryThere> memory;  // nothing: it is not
};
/// A model that can be downloaded.
struct HubModel {
  std::string target;  // that names it alone, and its state: what read_target() reads
  std::string name{}, quant{};
  std::int64_t bytes = -1;  // -1: unknown
  std::optional<engine::Fit> fit{};
};
struct HubFind {
  std::string repository;
  std::int64_t downloads = 0;
  bool gated = false;  // its licence has to be accepted on the hub's page
};
/// One of the lists is empty.
struct HubAnswer {
  std::string about{};  // the repository whose models these are; empty: a search
  std::vector<HubFind> finds{};
  std::vector<HubModel> models{};
  std::string problem{};  // a sentence; empty: none
  bool last = true;     // else the same comes again with more
};

struct GetProgress {
  std::int64_t done = 0, total = -1;  // bytes; -1: unknown
  double bytes_per_second = 0;        // 0: unknown
  bool checking = false, waiting = false;  // what is there is read; a failure is waited out
};
struct GetOrder {
  std::int64_t id = 0;  // chosen by whoever asks; greater than all before
  std::string target;
  std::function<void(const GetProgress&)> on_progress;  // some times a second
  std::function<void(const std::string& note)> on_note;
  std::function<void(const Result<std::filesystem::path>&)> on_end;  // the file to open; `cancelled`: it was stopped
};

class HubDesk {
 public:
  /// Downloads go below `models`. `outbox` must outlive it.
  HubDesk(std::filesystem::path models, Ledger ledger, Mailbox<Afterwards>& outbox);
  /// Stops what runs, and joins; closures that are still to be done stay in the outbox.
  ~HubDesk() { end(); }
  HubDesk(const HubDesk&) = delete;
  HubDesk& operator=(const HubDesk&) = delete;
  void end();

  /// All of these: one thread, and none waits. What was asked before is given up; it tells nothing any more.
  void ask(HubAsk ask, std::function<void(HubAnswer)> tell);
  /// One after another.
  void get(GetOrder order);
  void stop(std::int64_t id);

 private:
  using Stop = std::shared_ptr<std::atomic<bool>>;

  std::filesystem::path models_;
  Ledger ledger_;
  Mailbox<Afterwards>& outbox_;
  Stop asking_;
  std::map<std::int64_t, Stop> getting_;
  SideDesk asks_, gets_;
};

/// Whether this build can reach the hub.
bool can_download();

}  // namespace foreword::app

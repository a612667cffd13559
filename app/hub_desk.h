#pragma once
// The window's way to the hub: what is asked of it, and what is downloaded, each on a thread of its own. Whoever asks hears by closures that are
// done on its own thread (side_desk.h).

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/download/client.h"
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
  /// Hears of every request, on the thread of whoever asks, after it was written down; `problem`: why it could not be, empty: it was.
  using OnAsked = std::function<void(const Asked&, const std::string& problem)>;

  /// Downloads go below `models`. `outbox` must outlive it.
  HubDesk(std::filesystem::path models, Ledger ledger, Mailbox<Afterwards>& outbox, OnAsked on_asked);
  /// Stops what runs, and joins; closures that are still to be done stay in the outbox.
  ~HubDesk() { end(); }
  HubDesk(const HubDesk&) = delete;
  HubDesk& operator=(const HubDesk&) = delete;
  void end();

  /// All of these: one thread, and none waits. What was asked before is given up; it tells nothing any more.
  void ask(HubAsk ask, std::function<void(HubAnswer)> tell);
  /// One after another, in the order in which they came.
  void get(GetOrder order);
  /// One that waits goes before the others that do.
  void next(std::int64_t id);
  void stop(std::int64_t id);
  /// Bytes that a download may take in a second, from now on; 0: as many as come.
  void limit(std::int64_t bytes_per_second) { limit_ = bytes_per_second; }

 private:
  using Stop = std::shared_ptr<std::atomic<bool>>;
  /// A way to the hub, opened anew for each order: the plugin is loaded, and the environment read, only when something is asked.
  struct Line {
    std::unique_ptr<Web> web;
    std::unique_ptr<Client> client;
  };

  Result<Line> open_line(const std::atomic<bool>& stop) const;
  Result<std::filesystem::path> get_now(const GetOrder& order, const std::atomic<bool>& stop) const;
  void go_on();

  std::filesystem::path models_;
  Ledger ledger_;
  Mailbox<Afterwards>& outbox_;
  OnAsked on_asked_;
  std::atomic<std::int64_t> limit_{0};
  Stop asking_;
  std::deque<GetOrder> waiting_;
  Stop getting_;               // of the one that is being downloaded; null: none is
  std::int64_t got_ = 0;       // its number
  SideDesk asks_, gets_;
};

/// Whether this build can reach the hub.
bool can_download();

}  // namespace foreword::app

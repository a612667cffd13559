#pragma once
// The controller's part for the hub: what is asked of it, what is downloaded, what is not downloaded yet, and which requests were made. Fills its
// part of the ViewState; its owner carries events to it. Main thread.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/download/unfinished.h"
#include "app/hub_desk.h"
#include "app/network_page.h"
#include "app/side_desk.h"
#include "engine/fit.h"
#include "ui/view_state.h"

namespace foreword::app {

/// The ways to the hub and to the disk. Without `ask` this build has none.
struct HubWays {
  /// Asks the hub; `tell` is called on this thread, once or more often.
  std::function<void(HubAsk, std::function<void(HubAnswer)> tell)> ask = {};
  /// Downloads a model, after those that were ordered before; its closures are called on this thread.
  std::function<void(GetOrder)> get = {};
  /// Of one that waits: before the others. Of one that has not ended: gives it up.
  std::function<void(std::int64_t id)> next = {}, stop = {};
  /// Bytes that downloads may take in a second, from now on; 0: as many as come.
  std::function<void(std::int64_t)> limit = {};
  /// What has begun to be downloaded and was not; called by side work alone, like the next two. Empty: nothing is known.
  std::function<std::vector<Unfinished>()> find_unfinished = {};
  std::function<Ledger::Page()> read_ledger = {};
  std::function<Result<void>()> clear_ledger = {};
};

class HubPart {
 public:
  /// What it needs of the controller.
  struct Around {
    std::function<HubAsk(std::string text)> question;  // with which models are judged
    std::function<std::int64_t()> now_ms;              // since 1970
    std::function<void(SideWork)> aside;
    std::function<void(ui::NoticeKind, std::string)> notify;
    std::function<void()> model_came;  // there is one more on this computer
    std::function<void()> downloads_changed;  // one has ended
  };
  /// `view` must outlive it.
  HubPart(ui::ViewState& view, HubWays ways, Around around);

  /// Whether this build can ask the hub at all.
  bool exists() const { return static_cast<bool>(ways_.ask); }
  /// What was not finished is listed. Nothing goes on by itself: the user may be on the road.
  void start();
  /// As it is set. Off: nothing is asked, and what is being asked or downloaded ends.
  void allow(bool network);
  void limit(std::int64_t bytes_per_second);
  void know_memory(const engine::MemoryThere& memory);
  void on_asked(const Asked& asked, const std::string& problem);

  void handle(ui::AskHub&& event);
  void handle(ui::DownloadModel&& event);
  void handle(ui::StopDownload&& event);
  void handle(ui::TryDownloadAgain&& event);
  void handle(ui::DownloadNext&& event);
  void handle(ui::ShowNetwork&& event);
  void handle(ui::ClearNetwork&& event);

 private:
  struct Getting {
    std::int64_t id = 0;
    std::string target;
  };

  void show_answer(HubAnswer answer);
  void show_known_models();
  void show_unfinished(const std::vector<Unfinished>& found);
  void show_network();
  ui::DownloadView& list_download(const std::string& target, const std::string& name);
  void order_download(std::int64_t id);
  void end_download(std::int64_t id, const Result<std::filesystem::path>& end);
  ui::DownloadView* download(std::int64_t id);

  ui::ViewState& view_;
  HubWays ways_;
  Around around_;
  NetworkPage network_;
  std::optional<engine::MemoryThere> memory_;  // as it was last
  std::vector<HubModel> models_;      // beside view_.hub.rows
  std::uint64_t question_ = 0;        // the last one
  std::vector<Getting> downloads_;    // of view_.downloads, which are in the order in which they come
  std::int64_t next_download_ = 0;
  std::int64_t limit_ = 0;            // as it is set
};

}  // namespace foreword::app

#include "app/hub_part.h"

#include <algorithm>
#include <utility>

#include "app/fit_view.h"
#include "app/known_models.h"
#include "app/words.h"
#include "ui/status_line.h"

namespace foreword::app {

namespace {

std::string progress_words(const GetProgress& progress) {
  if (progress.checking) return "Looking at what came before: " + ui::bytes_words(progress.done);
  if (progress.waiting) return "Waiting to try again, " + ui::bytes_words(progress.done) + " are there";
  std::string words = progress.total > 0 ? ui::bytes_words(progress.done) + " of " + ui::bytes_words(progress.total) : ui::bytes_words(progress.done);
  if (progress.bytes_per_second <= 0) return words;
  words += ", " + size_words(static_cast<std::int64_t>(progress.bytes_per_second)) + "/s";
  if (progress.total > progress.done) words += ", " + about_seconds(static_cast<double>(progress.total - progress.done) / progress.bytes_per_second);
  return words;
}

}  // namespace

HubPart::HubPart(ui::ViewState& view, HubWays ways, Around around) : view_(view), ways_(std::move(ways)), around_(std::move(around)) { view_.hub.can_ask = exists(); }

void HubPart::start() {
  if (!ways_.find_unfinished) return;
  around_.aside([this, find = ways_.find_unfinished]() -> Afterwards {
    return [this, found = find()] { show_unfinished(found); };
  });
}

void HubPart::allow(bool network) {
  const bool can_ask = exists() && network;
  if (std::exchange(view_.hub.can_ask, can_ask) == can_ask) return;
  show_known_models();
  if (can_ask) return;
  ++question_;
  view_.hub = {};
  models_.clear();
  for (const Getting& one : downloads_) ways_.stop(one.id);
}

void HubPart::limit(std::int64_t bytes_per_second) {
  if (ways_.limit && std::exchange(limit_, bytes_per_second) != bytes_per_second) ways_.limit(bytes_per_second);
}

void HubPart::know_memory(const engine::MemoryThere& memory) {
  memory_ = memory;
  show_known_models();
}

// ---- What the hub is asked ------------------------------------------------------------------------------------------

void HubPart::handle(ui::AskHub&& e) {
  if (!view_.hub.can_ask) return;
  view_.hub = {.can_ask = true, .asking = !e.text.empty()};
  models_.clear();
  const std::uint64_t question = ++question_;
  if (e.text.empty()) return;
  ways_.ask(around_.question(std::move(e.text)), [this, question](HubAnswer answer) {
    if (question == question_) show_answer(std::move(answer));
  });
}

void HubPart::show_answer(HubAnswer answer) {
  ui::HubView& hub = view_.hub;
  hub = {.can_ask = true, .asking = !answer.last, .about = std::move(answer.about), .problem = std::move(answer.problem)};
  for (HubFind& find : answer.finds) {
    std::string detail = count_words(find.downloads, "download") + (find.gated ? ", asks for its licence to be accepted" : "");
    hub.rows.push_back({.name = find.repository, .detail = std::move(detail), .repository = find.repository});
  }
  for (const HubModel& model : answer.models) {
    std::string detail = model.bytes > 0 ? ui::bytes_words(model.bytes) : std::string("Size unknown");
    if (!model.quant.empty()) detail = model.quant + ", " + detail;
    ui::HubRow& row = hub.rows.emplace_back(ui::HubRow{.name = model.name, .detail = std::move(detail), .repository = {}});
    if (model.fit) row.fit = fit_view(*model.fit);
  }
  models_ = std::move(answer.models);
}

// ---- What is downloaded ---------------------------------------------------------------------------------------------

void HubPart::handle(ui::DownloadModel&& e) {
  if (e.row >= models_.size()) return;
  const HubModel& model = models_[e.row];
  const auto same = std::ranges::find(downloads_, model.target, &Getting::target);
  if (same != downloads_.end()) return handle(ui::TryDownloadAgain{same->id});
  order_download(list_download(model.target, model.name).id);
}

ui::DownloadView& HubPart::list_download(const std::string& target, const std::string& name) {
  downloads_.push_back({++next_download_, target});
  return view_.downloads.emplace_back(ui::DownloadView{.id = next_download_, .name = name, .detail = {}});
}

void HubPart::show_known_models() {
  view_.known_models.clear();
  if (!view_.hub.can_ask || !memory_) return;
  for (const KnownModel& model : known_models()) {
    view_.known_models.push_back({std::string(model.name), ui::bytes_words(model.bytes) + ", licence " + std::string(model.licence), std::string(model.target), fit_view(rough_fit(model, *memory_))});
  }
}

void HubPart::show_unfinished(const std::vector<Unfinished>& found) {
  for (const Unfinished& one : found) {
    if (std::ranges::find(downloads_, one.target, &Getting::target) != downloads_.end()) continue;
    ui::DownloadView& view = list_download(one.target, one.name);
    view.state = ui::DownloadState::failed;
    view.detail = ui::bytes_words(one.done) + (one.total > 0 ? " of " + ui::bytes_words(one.total) : std::string()) + " are there; click to go on";
  }
}

void HubPart::handle(ui::TryDownloadAgain&& e) {
  const auto* view = download(e.id);
  if (view == nullptr || view->state != ui::DownloadState::failed) return;
  if (!view_.hub.can_ask) return around_.notify(ui::NoticeKind::info, "This goes on once \u201cLook for models on Hugging Face\u201d is on in the settings (Ctrl+,).");
  order_download(e.id);
}

/// A closure that tells of one that has left the list finds nothing.
void HubPart::order_download(std::int64_t id) {
  const auto getting = std::ranges::find(downloads_, id, &Getting::id);
  ui::DownloadView& view = *download(id);
  view.state = ui::DownloadState::waiting;
  view.detail = "Waiting for its turn";
  ways_.get({.id = id,
                  .target = getting->target,
                  .on_progress = [this, id](const GetProgress& progress) {
                    ui::DownloadView* const now = download(id);
                    if (now == nullptr) return;
                    now->state = ui::DownloadState::running;
                    now->detail = progress_words(progress);
                    now->share = progress.total > 0 && !progress.checking ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : -1;
                  },
                  .on_note = [this](const std::string& note) { around_.notify(ui::NoticeKind::info, note); },
                  .on_end = [this, id](const Result<std::filesystem::path>& end) { end_download(id, end); }});
}

void HubPart::end_download(std::int64_t id, const Result<std::filesystem::path>& end) {
  ui::DownloadView* const view = download(id);
  if (view == nullptr) return;
  view->state = end ? ui::DownloadState::done : ui::DownloadState::failed;
  view->share = -1;
  around_.downloads_changed();
  view->path = end ? end->string() : std::string();
  view->detail = end ? "Downloaded; click to open it" : end.error().message;
  if (!end && end.error().code != ErrorCode::cancelled) return around_.notify(ui::NoticeKind::error, view->name + " was not downloaded: " + end.error().message);
  if (!end) return;
  around_.notify(ui::NoticeKind::info, view->name + " has been downloaded; open it with Ctrl+O.");
  around_.model_came();
}

void HubPart::handle(ui::StopDownload&& e) {
  const auto* view = download(e.id);
  if (view == nullptr) return;
  if (view->state == ui::DownloadState::waiting || view->state == ui::DownloadState::running) ways_.stop(e.id);
  std::erase_if(view_.downloads, [&](const ui::DownloadView& one) { return one.id == e.id; });
  std::erase_if(downloads_, [&](const Getting& one) { return one.id == e.id; });
}

/// Behind what runs, before what waits.
void HubPart::handle(ui::DownloadNext&& e) {
  std::vector<ui::DownloadView>& all = view_.downloads;
  const auto one = std::ranges::find(all, e.id, &ui::DownloadView::id), first = std::ranges::find(all, ui::DownloadState::waiting, &ui::DownloadView::state);
  if (one == all.end() || one->state != ui::DownloadState::waiting || one == first) return;
  ways_.next(e.id);
  std::rotate(first, one, one + 1);
}

ui::DownloadView* HubPart::download(std::int64_t id) {
  const auto found = std::ranges::find(view_.downloads, id, &ui::DownloadView::id);
  return found == view_.downloads.end() ? nullptr : &*found;
}

// ---- What was asked of the internet ---------------------------------------------------------------------------------

void HubPart::on_asked(const Asked& asked, const std::string& problem) {
  network_.add(asked, problem);
  if (view_.network.known) show_network();
}

void HubPart::handle(ui::ShowNetwork&&) {
  if (!ways_.read_ledger) return;
  around_.aside([this, read = ways_.read_ledger]() -> Afterwards {
    return [this, page = read()]() mutable {
      network_.take(std::move(page));
      show_network();
    };
  });
}

void HubPart::handle(ui::ClearNetwork&&) {
  if (!ways_.clear_ledger) return;
  around_.aside([this, clear = ways_.clear_ledger, read = ways_.read_ledger]() -> Afterwards {
    return [this, cleared = clear(), page = read()]() mutable {
      if (!cleared) around_.notify(ui::NoticeKind::error, cleared.error().message);
      else network_.forget();
      network_.take(std::move(page));
      show_network();
    };
  });
}

void HubPart::show_network() { view_.network = network_.view(around_.now_ms()); }

}  // namespace foreword::app

// The controller and what is downloaded.

#include <algorithm>
#include <utility>

#include "app/controller.h"
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

/// Off: nothing is asked, and what is being asked or downloaded ends.
void Controller::switch_network() {
  const bool can_ask = out_.ask_hub && network_;
  if (std::exchange(view_.hub.can_ask, can_ask) == can_ask) return;
  show_known_models();
  if (can_ask) return;
  ++hub_question_;
  view_.hub = {};
  hub_models_.clear();
  for (const Getting& one : downloads_) out_.stop_getting(one.id);
}

void Controller::handle(ui::AskHub&& e) {
  if (!view_.hub.can_ask) return;
  view_.hub = {.can_ask = true, .asking = !e.text.empty()};
  hub_models_.clear();
  const std::uint64_t question = ++hub_question_;
  if (e.text.empty()) return;
  HubAsk ask{std::move(e.text), options_.model, memory_};
  ask.options.kv_book.reset();
  out_.ask_hub(std::move(ask), [this, question](HubAnswer answer) {
    if (question == hub_question_) show_answer(std::move(answer));
  });
}

void Controller::show_answer(HubAnswer answer) {
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
  hub_models_ = std::move(answer.models);
}

void Controller::handle(ui::DownloadModel&& e) {
  if (e.row >= hub_models_.size()) return;
  const HubModel& model = hub_models_[e.row];
  const auto same = std::ranges::find(downloads_, model.target, &Getting::target);
  if (same != downloads_.end()) return handle(ui::TryDownloadAgain{same->id});
  order_download(list_download(model.target, model.name).id);
}

ui::DownloadView& Controller::list_download(const std::string& target, const std::string& name) {
  downloads_.push_back({++next_download_, target});
  return view_.downloads.emplace_back(ui::DownloadView{.id = next_download_, .name = name, .detail = {}});
}

void Controller::find_unfinished() {
  if (!out_.find_unfinished) return;
  aside([this, find = out_.find_unfinished]() -> Afterwards {
    return [this, found = find()] { show_unfinished(found); };
  });
}

void Controller::show_known_models() {
  view_.known_models.clear();
  if (!view_.hub.can_ask || !memory_) return;
  for (const KnownModel& model : known_models()) {
    view_.known_models.push_back({std::string(model.name), ui::bytes_words(model.bytes) + ", licence " + std::string(model.licence), std::string(model.target), fit_view(rough_fit(model, *memory_))});
  }
}

/// Nothing goes on by itself: the user may be on the road.
void Controller::show_unfinished(const std::vector<Unfinished>& found) {
  for (const Unfinished& one : found) {
    if (std::ranges::find(downloads_, one.target, &Getting::target) != downloads_.end()) continue;
    ui::DownloadView& view = list_download(one.target, one.name);
    view.state = ui::DownloadState::failed;
    view.detail = ui::bytes_words(one.done) + (one.total > 0 ? " of " + ui::bytes_words(one.total) : std::string()) + " are there; click to go on";
  }
}

void Controller::handle(ui::TryDownloadAgain&& e) {
  const auto* view = download(e.id);
  if (view == nullptr || view->state != ui::DownloadState::failed) return;
  if (!view_.hub.can_ask) return notify(ui::NoticeKind::info, "This goes on once \u201cLook for models on Hugging Face\u201d is on in the settings (Ctrl+,).");
  order_download(e.id);
}

/// A closure that tells of one that has left the list finds nothing.
void Controller::order_download(std::int64_t id) {
  const auto getting = std::ranges::find(downloads_, id, &Getting::id);
  ui::DownloadView& view = *download(id);
  view.state = ui::DownloadState::waiting;
  view.detail = "Waiting for its turn";
  out_.get_model({.id = id,
                  .target = getting->target,
                  .on_progress = [this, id](const GetProgress& progress) {
                    ui::DownloadView* const now = download(id);
                    if (now == nullptr) return;
                    now->state = ui::DownloadState::running;
                    now->detail = progress_words(progress);
                    now->share = progress.total > 0 && !progress.checking ? static_cast<double>(progress.done) / static_cast<double>(progress.total) : -1;
                  },
                  .on_note = [this](const std::string& note) { notify(ui::NoticeKind::info, note); },
                  .on_end = [this, id](const Result<std::filesystem::path>& end) { end_download(id, end); }});
}

void Controller::end_download(std::int64_t id, const Result<std::filesystem::path>& end) {
  ui::DownloadView* const view = download(id);
  if (view == nullptr) return;
  view->state = end ? ui::DownloadState::done : ui::DownloadState::failed;
  view->share = -1;
  stay_awake();
  view->path = end ? end->string() : std::string();
  view->detail = end ? "Downloaded; click to open it" : end.error().message;
  if (!end && end.error().code != ErrorCode::cancelled) return notify(ui::NoticeKind::error, view->name + " was not downloaded: " + end.error().message);
  if (!end) return;
  notify(ui::NoticeKind::info, view->name + " has been downloaded; open it with Ctrl+O.");
  handle(ui::FindModels{});
}

void Controller::handle(ui::StopDownload&& e) {
  const auto* view = download(e.id);
  if (view == nullptr) return;
  if (view->state == ui::DownloadState::waiting || view->state == ui::DownloadState::running) out_.stop_getting(e.id);
  std::erase_if(view_.downloads, [&](const ui::DownloadView& one) { return one.id == e.id; });
  std::erase_if(downloads_, [&](const Getting& one) { return one.id == e.id; });
}

ui::DownloadView* Controller::download(std::int64_t id) {
  const auto found = std::ranges::find(view_.downloads, id, &ui::DownloadView::id);
  return found == view_.downloads.end() ? nullptr : &*found;
}

}  // namespace foreword::app

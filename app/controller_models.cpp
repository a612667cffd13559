// The controller and the models that are on this computer already.

#include <algorithm>
#include <utility>

#include "app/controller.h"
#include "app/fit_view.h"
#include "ui/status_line.h"

namespace foreword::app {

/// Beside the models that were opened before, which have a list of their own.
void Controller::handle(ui::FindModels&&) {
  if (!out_.find_models || view_.finding_models) return;
  view_.finding_models = true;
  unjudged_ = true;
  memory_.reset();
  out_.engine(engine::LookAtMemory{options_.model});
  std::vector<std::filesystem::path> known;
  for (const ui::RecentModel& model : view_.recent_models) known.emplace_back(model.path);
  aside([this, find = out_.find_models, known = std::move(known)]() -> Afterwards {
    return [this, found = find(known)]() mutable { show_found(std::move(found)); };
  });
}

void Controller::show_found(FoundModels found) {
  view_.finding_models = false;
  view_.found_models.clear();
  view_.found_note = found.unreadable.empty() ? std::string() : found.unreadable.front();
  for (FoundModel& model : found.models) {
    if (std::ranges::find(view_.recent_models, model.path.string(), &ui::RecentModel::path) != view_.recent_models.end()) continue;  // opened meanwhile
    const bool can_open = model.problem.empty();
    std::string detail = ui::bytes_words(model.bytes) + ", " + (model.owner.empty() ? "in " + model.path.parent_path().string() : "from " + model.owner);
    view_.found_models.push_back({model.path.string(), std::move(model.name), can_open ? std::move(detail) : std::move(model.problem), can_open});
  }
  std::ranges::stable_partition(view_.found_models, &ui::FoundModel::can_open);
  judge_models();
}

void Controller::handle(engine::MemoryThere&& e) {
  memory_ = std::move(e);
  judge_models();
  hub_.know_memory(*memory_);
}

/// Once the models and the memory are known: files are read for it, so it comes after the list.
void Controller::judge_models() {
  if (!out_.fit_of || view_.finding_models || !memory_ || !std::exchange(unjudged_, false)) return;
  std::vector<std::string> paths;
  for (const ui::RecentModel& model : view_.recent_models) paths.push_back(model.path);
  for (const ui::FoundModel& model : view_.found_models) {
    if (model.can_open) paths.push_back(model.path);
  }
  engine::ModelOptions options = options_.model;
  options.kv_book.reset();
  aside([this, fit_of = out_.fit_of, paths = std::move(paths), options = std::move(options), memory = *memory_]() -> Afterwards {
    std::map<std::string, ui::ModelFit> fits;
    for (const std::string& path : paths) {
      if (const auto fit = fit_of(path, options, memory)) fits[path] = fit_view(*fit);
    }
    return [this, fits = std::move(fits)] { show_fits(fits); };
  });
}

HubAsk Controller::hub_question(std::string text) const {
  HubAsk ask{std::move(text), options_.model, memory_};
  ask.options.kv_book.reset();
  return ask;
}

/// What fits comes first.
void Controller::show_fits(const std::map<std::string, ui::ModelFit>& fits) {
  const auto take = [&fits](auto& models) {
    for (auto& model : models) {
      if (const auto fit = fits.find(model.path); fit != fits.end()) model.fit = fit->second;
    }
  };
  take(view_.recent_models);
  take(view_.found_models);
  std::ranges::stable_sort(view_.found_models, {}, [](const ui::FoundModel& model) { return std::pair(!model.can_open, model.fit.level); });
}

}  // namespace foreword::app

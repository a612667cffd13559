// The controller and the models that are on this computer already.

#include <algorithm>
#include <utility>

#include "app/controller.h"
#include "ui/status_line.h"

namespace foreword::app {

/// Beside the models that were opened before, which have a list of their own.
void Controller::handle(ui::FindModels&&) {
  if (!out_.find_models || view_.finding_models) return;
  view_.finding_models = true;
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
}

}  // namespace foreword::app

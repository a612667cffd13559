#pragma once
// Sets drafting up for a model: which drafters, and what passes of several rows cost on this device. Engine desk only.

#include <functional>
#include <memory>
#include <optional>

#include "engine/answer_writer.h"
#include "engine/second_model.h"

namespace foreword::engine {

/// The second model that the options name, and who drafts with it or without.
struct Drafters {
  std::unique_ptr<SecondModel> second;
  std::optional<Drafting> drafting;
};
/// Where the options let the second model fail, or memory suffices for the model alone, it is left out, which is logged. Else as open_drafting, and
/// what SecondModel::open says.
Result<Drafters> open_drafters(LoadedModel& model, const ModelOptions& options, const std::function<bool()>& go_on = {});

/// Nothing if the options say that nothing drafts. second: may be null; outlives the result. `invalid_argument` names a drafter that
/// does not exist, or a second model that is missing for the one named "model". `cancelled`: go_on, asked where it takes long, said no.
Result<std::optional<Drafting>> open_drafting(LoadedModel& model, SecondModel* second, const ModelOptions& options, const std::function<bool()>& go_on = {});

}  // namespace foreword::engine

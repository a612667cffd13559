#include "engine/drafting.h"

#include <algorithm>
#include <chrono>

#include "engine/speculative/top_tokens.h"

namespace foreword::engine {
namespace {

using Clock = std::chrono::steady_clock;

// Measuring ends here, so that a model is open soon; larger steps are then not drafted for. Enough for eight rows of a model
// whose pass takes a tenth of a second.
constexpr double kMeasuringSeconds = 0.7;
// For the choice of layers, where the model drafts for itself.
constexpr double kChoosingSeconds = 2;
// The fastest of several counts, since what else the machine does only adds; of slow passes one has to do.
constexpr int kPasses = 3;
constexpr double kSlowPass = 0.02;
constexpr int kMostRows = 64;

double now() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }

Result<void> measure_cost(LoadedModel& model, CostModel& cost) {
  KvCache& cache = model.cache();
  const SequenceId sequence = cache.add_sequence();
  const double begin = now();
  Result<void> result;
  Batch batch;
  std::vector<Guess> best_tokens;
  for (const int n : CostModel::row_counts(static_cast<int>(std::min<std::int64_t>({kMostRows, model.forward().max_rows(), model.model().context})))) {
    if (now() - begin > kMeasuringSeconds) break;
    double best = 1e9;
    batch.clear();
    for (int i = 0; i < n; ++i) batch.add(i % static_cast<int>(model.tokenizer()->size()), sequence, i - 1, true);
    // The very first pass is not counted: it fetches the weights.
    for (int pass = n == 1 ? -1 : 0; pass < kPasses && result; ++pass) {
      const double start = now();
      // With what the drafters do for each row.
      result = model.forward().run(batch, [&](std::int64_t, std::span<const float> logits) { top_tokens(logits, kBestOfRow, best_tokens); });
      if (pass >= 0) best = std::min(best, now() - start);
      if (pass >= 0 && best > kSlowPass) break;
    }
    if (!result) break;
    cost.measure(n, best);
  }
  cache.remove_sequence(sequence);
  return result;
}

}  // namespace

Result<std::optional<Drafting>> open_drafting(LoadedModel& model, SecondModel* second, const ModelOptions& options) {
  const std::vector<std::string_view> names(options.draft.begin(), options.draft.end());
  if (std::ranges::find(names, "model") != names.end() && second == nullptr) {
    return Error{ErrorCode::invalid_argument, "The drafter \"model\" needs a file: --draft model=FILE."};
  }
  std::unique_ptr<SelfDraft> self;
  if (std::ranges::find(names, "skip") != names.end()) {
    FW_ASSIGN(self, SelfDraft::open(model, kChoosingSeconds));
  }
  FW_ASSIGN(auto members, Speculation::members(names, {static_cast<std::int32_t>(model.tokenizer()->size()), second, self.get()}));
  if (members.empty()) return std::optional<Drafting>();
  std::optional<Drafting> drafting(Drafting{std::move(self), Speculation({.mode = options.verify}, std::move(members), now)});
  FW_TRY(measure_cost(model, drafting->speculation.cost()));
  return drafting;
}

}  // namespace foreword::engine

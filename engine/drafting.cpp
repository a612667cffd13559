#include "engine/drafting.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "engine/base/log.h"
#include "engine/rehearsal.h"
#include "engine/speculative/top_tokens.h"

namespace foreword::engine {
namespace {

using Clock = std::chrono::steady_clock;

// Measuring ends here, so that a model is open soon; larger steps are then not drafted for. Enough for eight rows of a model
// whose pass takes a tenth of a second.
constexpr double kMeasuringSeconds = 0.7;
// For the choice of layers, where the model drafts for itself.
constexpr double kChoosingSeconds = 2;
// For learning what a second model is worth.
constexpr double kRehearsingSeconds = .25;
// The fastest of several counts, since what else the machine does only adds: of short passes many, of slow ones one has to do.
constexpr int kPasses = 3, kMostPasses = 30;
constexpr double kShortSeconds = .0015, kSlowPass = .02;
constexpr double kLeastSeconds = 1e-9;  // a coarse clock may not move
constexpr int kMostRows = 64;
constexpr int kReadAtOnce = 32;  // by a second model
// Tokens before the rows: within a page, as on the average; fewer where reading them takes long, for there they make no difference.
constexpr int kDepth = 40, kDepthStep = 8;
constexpr double kReadingSeconds = .05;

double now() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }

/// row_counts: rising. wish: of each row's logits.
Result<void> measure_cost(LoadedModel& model, std::span<const int> row_counts, LogitWish wish, CostModel& cost) {
  KvCache& cache = model.cache();
  const SequenceId sequence = cache.add_sequence();
  Batch batch;
  LargeLogits large;
  std::vector<Candidate> best_tokens;
  const auto token = [&](int i) { return i % static_cast<int>(model.tokenizer()->size()); };
  Result<void> result;
  // Something to look back at. The first pass also fetches the weights.
  const double start_of_text = now();
  const int step = static_cast<int>(std::min<std::int64_t>({kDepthStep, model.forward().max_rows(), model.model().context / kDepthStep}));
  const auto deepest = static_cast<int>(std::min<std::int64_t>(kDepth, model.model().context / 2));
  for (int depth = 0; step > 0 && result && depth + step <= deepest && (depth == 0 || now() < start_of_text + kReadingSeconds); depth += step) {
    batch.clear();
    for (int i = 0; i < step; ++i) batch.add(token(depth + i), sequence, i - 1, false);
    result = model.forward().run(batch, [](std::int64_t, std::span<const float>) {});
    if (result) result = cache.commit(sequence, step);
  }
  const double begin = now();
  const std::int64_t room = std::min(model.forward().max_rows(), model.model().context - cache.length(sequence));
  // Twice, for while the first counts are measured a thread of the device may still be asleep, or kept off by the system.
  std::vector<double> best(row_counts.size(), 1e9);
  for (int sweep = 0; sweep < 2; ++sweep) {
    for (std::size_t i = 0; i < row_counts.size(); ++i) {
      const int n = row_counts[i];
      if (!result || n > room || now() - begin > kMeasuringSeconds || (sweep > 0 && best[i] > kSlowPass)) break;
      batch.clear();
      for (int r = 0; r < n; ++r) batch.add(token(r), sequence, r == 0 ? -1 : (r - 1) / 2, wish);  // a tree, as drafts are
      const double first = now();
      for (int pass = 0; result && (pass < kPasses || (pass < kMostPasses && now() < first + kShortSeconds)); ++pass) {
        const double start = now();
        // With what the drafters do for each row that is not the text's own.
        result = model.forward().run(batch, [&](std::int64_t row, const LogitRow& logits) {
          if (row > 0) best_of_row(logits, kBestOfRow, large, best_tokens);
        });
        if (result) best[i] = std::min(best[i], now() - start);
        if (best[i] > kSlowPass) break;
      }
    }
  }
  for (std::size_t i = 0; result && i < best.size() && best[i] < 1e9; ++i) cost.measure(row_counts[i], std::max(best[i], kLeastSeconds));
  cache.remove_sequence(sequence);
  return result;
}

}  // namespace

Result<std::optional<Drafting>> open_drafting(LoadedModel& model, SecondModel* second, const ModelOptions& options, const std::function<bool()>& go_on) {
  const std::vector<std::string_view> names(options.draft.begin(), options.draft.end());
  if (std::ranges::find(names, "model") != names.end() && second == nullptr) {
    return Error{ErrorCode::invalid_argument, "The drafter \"model\" needs a file: --draft model=FILE."};
  }
  std::unique_ptr<SelfDraft> self;
  if (std::ranges::find(names, "skip") != names.end()) {
    FW_ASSIGN(self, SelfDraft::open(model, [end = now() + kChoosingSeconds] { return now() < end; }, go_on));
  }
  FW_ASSIGN(auto members, Speculation::members(names, {static_cast<std::int32_t>(model.tokenizer()->size()), second, self.get()}));
  if (members.empty()) return std::optional<Drafting>();
  std::optional<Drafting> drafting(Drafting{std::move(self), Speculation({.mode = options.verify, .least_nodes = options.draft_min}, std::move(members), now)});
  const LogitWish best = LogitWish::best(kBestOfRow);
  FW_TRY(measure_cost(model, CostModel::row_counts(kMostRows), best, drafting->speculation.cost()));
  if (second != nullptr) {
    CostModel level, reading;
    FW_TRY(measure_cost(second->model(), std::array{1}, best, level));
    FW_TRY(measure_cost(second->model(), std::array{kReadAtOnce}, false, reading));
    if (go_on && !go_on()) return Error{ErrorCode::cancelled, "Drafting was given up."};
    if (level.known() && reading.known()) drafting->speculation.expect("model", {level.seconds(1), reading.seconds(kReadAtOnce) / kReadAtOnce});
    FW_TRY(rehearse(model, *second, kRehearsingSeconds, drafting->speculation));
  }
  return drafting;
}

Result<Drafters> open_drafters(LoadedModel& model, const ModelOptions& options, const std::function<bool()>& go_on) {
  Drafters drafters;
  Result<void> failed;
  if (!options.draft_model.empty()) {
    auto second = SecondModel::open(options.draft_model, options, model, [&](double) { return !go_on || go_on(); });
    if (second) drafters.second = std::move(*second);
    else failed = std::move(second.error());
  }
  if (failed) {
    auto drafting = open_drafting(model, drafters.second.get(), options, go_on);
    if (drafting) drafters.drafting = std::move(*drafting);
    else failed = std::move(drafting.error());
  }
  if (failed) return drafters;
  const ErrorCode why = failed.error().code;
  const bool is_second = !options.draft_model.empty() && why != ErrorCode::cancelled;
  if (!is_second || (!options.draft_model_optional && (why != ErrorCode::out_of_memory || !drafters.second))) return std::move(failed.error());
  log(LogLevel::warning, failed.error().message + " Answers go without the draft model.");
  ModelOptions alone = options;
  alone.draft_model.clear();
  drafters.second.reset();  // its memory is what may be missing
  std::erase(alone.draft, "model");
  return open_drafters(model, alone, go_on);
}

}  // namespace foreword::engine

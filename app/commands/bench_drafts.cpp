#include "app/commands/bench_drafts.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>

#include "engine/autocomplete/draft_job.h"

namespace foreword::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kText =
    " We went to the market in the morning and bought some bread and a bag of apples and fresh fish for dinner and then we went home by the "
    "river and talked about the plans for the summer and the people that we wanted to see again before the end of the year";

struct JobTime {
  double seconds = 0;
  std::int64_t passes = 0;
};

Result<JobTime> timed_job(engine::LoadedModel& model, const engine::TokenBytes& bytes, engine::SequenceId prefix,
                          std::span<const float> logits, const engine::DraftLimits& limits) {
  const auto start = Clock::now();
  engine::DraftJob job(*model.tokenizer(), bytes, model.cache(), limits);
  FW_TRY(job.branch(prefix, logits, {}));
  engine::Batch batch;
  std::int64_t passes = 0;
  for (; job.running(); ++passes) {
    batch.clear();
    FW_TRY(job.add_rows(batch));
    FW_TRY(model.forward().run(batch, [&](std::int64_t row, std::span<const float> row_logits) { job.take(row, row_logits); }));
    FW_TRY(job.end_step());
  }
  return JobTime{std::chrono::duration<double>(Clock::now() - start).count(), std::max<std::int64_t>(1, passes)};
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

Result<std::vector<DraftFigures>> bench_drafts(engine::LoadedModel& model, engine::SequenceId sequence, std::int64_t depth,
                                               std::span<const std::int64_t> counts, std::int64_t n_tokens, std::int64_t repetitions) {
  if (model.tokenizer() == nullptr) return Error{ErrorCode::unsupported, "Drafts need a vocabulary, and this file has none."};
  const engine::TokenBytes bytes(*model.tokenizer());
  const auto n = static_cast<std::size_t>(std::max<std::int64_t>(1, depth));
  std::vector<engine::TokenId> text;
  while (text.size() < n) {
    const auto more = model.tokenizer()->encode(kText, {});
    text.insert(text.end(), more.begin(), more.end());
  }
  text.resize(n);
  model.cache().truncate(sequence, 0);
  std::vector<float> logits;
  FW_TRY(model.read(sequence, text, [&](std::int64_t i) { return i + 1 == std::ssize(text); },
                    [&](std::int64_t, std::span<const float> row) { logits.assign(row.begin(), row.end()); }));
  std::vector<std::vector<double>> seconds(counts.size()), per_pass(counts.size());
  for (std::int64_t turn = 0; turn <= repetitions; ++turn) {  // the first is for warming up
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const engine::DraftLimits limits{.count = static_cast<std::int32_t>(counts[i]), .max_tokens = n_tokens, .least_share = 0};
      FW_ASSIGN(const JobTime time, timed_job(model, bytes, sequence, logits, limits));
      if (turn == 0) continue;
      seconds[i].push_back(time.seconds);
      per_pass[i].push_back(time.seconds / static_cast<double>(time.passes));
    }
  }
  std::vector<DraftFigures> figures;
  for (std::size_t i = 0; i < counts.size(); ++i) figures.push_back({counts[i], median(seconds[i]), median(per_pass[i])});
  return figures;
}

void print(std::span<const DraftFigures> figures, std::int64_t n_tokens) {
  for (const DraftFigures& each : figures) {
    std::printf("  %3lld drafts     %8.2f ms for at most %lld tokens each, %.2f ms a pass, %.2f times the first\n",
                static_cast<long long>(each.n_drafts), each.seconds * 1e3, static_cast<long long>(n_tokens),
                each.seconds_per_pass * 1e3, each.seconds_per_pass / figures.front().seconds_per_pass);
  }
}

Report report_of(std::span<const DraftFigures> figures) {
  Report report;
  for (const DraftFigures& each : figures) {
    report.set(std::to_string(each.n_drafts), Report().set("seconds", each.seconds).set("seconds_per_pass", each.seconds_per_pass));
  }
  return report;
}

}  // namespace foreword::app

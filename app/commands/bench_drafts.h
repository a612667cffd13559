#pragma once
// What several suggestions cost over one: whole jobs of k drafts behind one prefix, alternating with jobs of one.

#include <cstdint>
#include <span>
#include <vector>

#include "app/report.h"
#include "engine/base/result.h"
#include "engine/loaded_model.h"

namespace foreword::app {

struct DraftFigures {
  std::int64_t n_drafts = 0;
  double seconds = 0;            // of a whole job, the prefix being read already: median
  double seconds_per_token = 0;  // of the longest draft
};

/// Jobs for each of `counts`, in turns; drafts of `n_tokens` that nothing ends earlier. The sequence holds at least one
/// token, whose row is read anew before each job and not timed.
Result<std::vector<DraftFigures>> bench_drafts(engine::LoadedModel& model, engine::SequenceId prefix, engine::TokenId last,
                                               std::span<const std::int64_t> counts, std::int64_t n_tokens, std::int64_t repetitions);

void print(std::span<const DraftFigures> figures, std::int64_t n_tokens);
Report report_of(std::span<const DraftFigures> figures);

}  // namespace foreword::app

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
  double seconds_per_pass = 0;  // the first token of a draft needs none
};

/// Jobs for each of `counts`, in turns, behind `depth` tokens (at least one is read) of an English text whose sentences are
/// longer than drafts of `n_tokens`, written into `sequence` from its beginning.
Result<std::vector<DraftFigures>> bench_drafts(engine::LoadedModel& model, engine::SequenceId sequence, std::int64_t depth,
                                               std::span<const std::int64_t> counts, std::int64_t n_tokens, std::int64_t repetitions);

void print(std::span<const DraftFigures> figures, std::int64_t n_tokens);
Report report_of(std::span<const DraftFigures> figures);

}  // namespace foreword::app

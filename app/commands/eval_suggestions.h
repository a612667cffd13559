#pragma once
// The part of `foreword eval` about suggestions: how often they are right, what they save, and which way of making them is best.

#include <array>
#include <cstdint>
#include <vector>

#include "app/eval_drafts.h"
#include "app/progress.h"
#include "app/report.h"

namespace foreword::app {

struct SuggestionOptions {
  std::int64_t cases = 20;     // of each kind; 0: suggestions are not judged
  std::int64_t length = 40;    // characters typed behind each cut
  double least_score = -1.2;   // nats a token, of drafts that are sure
  double deadline = 0;         // of a job, in passes of one row; 0: none
  bool all_methods = false;
  bool own_texts = false;      // the typist has written the other texts of the kind before (A35)
  std::uint64_t seed = 1;
};

struct SuggestionResult {
  DraftWay way;
  std::array<DraftScore, kEvalKinds.size()> kinds;
  DraftScore all;
};

Result<std::vector<SuggestionResult>> eval_suggestions(engine::LoadedModel& model, const std::vector<EvalRecord>& records,
                                                       const SuggestionOptions& options, ProgressLine& progress);

void print(const std::vector<SuggestionResult>& results, const SuggestionOptions& options);
std::vector<Report> reports_of(const std::vector<SuggestionResult>& results);

}  // namespace foreword::app

#pragma once

#include <vector>

#include "engine/sampling/large_logits.h"
#include "engine/sampling/logit_row.h"
#include "engine/speculative/tree_builder.h"

namespace foreword::engine {

/// The k largest logits, best first, ties to the lower id. -inf and NaN are left out.
void best_of_row(const LogitRow& logits, int k, LargeLogits& large, std::vector<Candidate>& best);
/// The same with their softmax among themselves.
void top_tokens(const LogitRow& logits, int k, LargeLogits& large, std::vector<Guess>& best);

}  // namespace foreword::engine

#pragma once

#include <vector>

#include "engine/sampling/large_logits.h"
#include "engine/sampling/logit_row.h"
#include "engine/speculative/tree_builder.h"

namespace foreword::engine {

/// p: logits, best first; becomes their softmax.
void weigh_tokens(std::vector<Guess>& best);
/// The k largest logits, best first, ties to the lower id, with their softmax among themselves. -inf and NaN are left out.
void top_tokens(const LogitRow& logits, int k, LargeLogits& large, std::vector<Guess>& best);

}  // namespace foreword::engine

#pragma once

#include <vector>

#include "engine/sampling/logit_row.h"
#include "engine/speculative/tree_builder.h"

namespace foreword::engine {

/// The k largest logits, best first, ties to the lower id, with their softmax among themselves. -inf and NaN are left out.
void top_tokens(const LogitRow& logits, int k, std::vector<Guess>& best);

}  // namespace foreword::engine

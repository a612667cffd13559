#pragma once

#include <span>
#include <vector>

#include "engine/sampling/large_logits.h"
#include "engine/speculative/tree_builder.h"

namespace foreword::engine {

/// p: logits, best first; becomes their softmax.
void weigh_tokens(std::vector<Guess>& best);
/// The k largest logits, best first, ties to the lower id, with their softmax among themselves. -inf and NaN are left out.
void top_tokens(std::span<const float> logits, int k, LargeLogits& large, std::vector<Guess>& best);

}  // namespace foreword::engine

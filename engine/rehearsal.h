#pragma once
// How well a second model guesses what the first one chooses, before it drafts for the first time: both read the beginning of a text of
// our own, and what would have been drafted behind each token is held against what would have been chosen, greedily and with noise. So
// its guesses are believed as they deserve from the first answer on, and answers may be short. Engine desk only.

#include "engine/loaded_model.h"
#include "engine/second_model.h"
#include "engine/speculative/speculation.h"

namespace foreword::engine {

/// Takes about so many seconds; nothing is learnt where that is too little for a few tokens. The costs of the model's passes are known to
/// the speculation already.
Result<void> rehearse(LoadedModel& model, SecondModel& second, double seconds, Speculation& speculation);

}  // namespace foreword::engine

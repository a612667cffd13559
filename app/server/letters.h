#pragma once
// From a request to what the engine is sent. Pure, but for seeds by chance.

#include <vector>

#include "app/server/requests.h"
#include "engine/session.h"

namespace foreword::app {

/// One for each answer: prompt by prompt, of each with seeds one after another. same_seed: a request that names no seed gets that of `request.sampling`.
std::vector<engine::Generate> letters_of(const ApiRequest& request, bool same_seed);

}  // namespace foreword::app

#pragma once
// How an answer was drawn, as the JSON that is stored with it: with it, the same model and the same chat, it can be drawn again.

#include <cstdint>
#include <optional>
#include <string>

#include "engine/sampling/sampler.h"

namespace foreword::app {

/// {"max_tokens":200,"seed":7,"temperature":0.8,"think":true,...}: every step of sampler_params(). max_tokens: -1, none, is left out; so is
/// think where the model did as its template has it.
std::string message_settings(const engine::SamplingParams& sampling, std::int64_t max_tokens, std::optional<bool> thinking);

}  // namespace foreword::app

#pragma once
// How an answer is drawn: in words, and as the JSON that is stored with it: with it, the same model and the same chat, it can be drawn again.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "engine/sampling_advice.h"

namespace foreword::app {

/// Without the digits that a float does not have: 0.8, not 0.800000011920929.
double rounded(double value);

/// {"max_tokens":200,"seed":7,"temperature":0.8,"think":true,...}: every step of sampler_params(). max_tokens: -1, none, is left out; so is
/// think where the model did as its template has it.
std::string message_settings(const engine::SamplingParams& sampling, std::int64_t max_tokens, std::optional<bool> thinking);

/// "Answers are drawn as the model's file recommends: temperature 0.6, top-k 20."; empty if it recommends nothing that is not named.
std::string advice_words(std::span<const engine::SamplerValue> advice, std::span<const engine::SamplerParam* const> named);

}  // namespace foreword::app

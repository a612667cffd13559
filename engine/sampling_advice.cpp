#include "engine/sampling_advice.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/base/log.h"

namespace foreword::engine {
namespace {

constexpr std::string_view kKeys = "general.sampling.";

/// A key's last part, the row of sampler_params() that it stands for, and the least that files write: what lies below that row's minimum
/// means the same as the minimum.
struct Row {
  std::string_view key, param;
  double least;
};
constexpr Row kRows[] = {{"temp", "temperature", 0}, {"top_k", "top_k", -1},
                         {"top_p", "top_p", 0},      {"min_p", "min_p", 0},
                         {"penalty_repeat", "repeat_penalty", 0.01}, {"penalty_last_n", "penalty_window", -1}};
/// Steps that this sampler does not have, by the keys that switch them on. `sequence`, an order of steps, is not followed either.
constexpr std::string_view kUnknownSteps[] = {"xtc_probability", "mirostat"};

std::string key_of(std::string_view name) { return std::string(kKeys) + std::string(name); }

/// Whole numbers stay whole.
bool can_be(const SamplerParam& param, double value) {
  SamplingParams params;
  param.set(params, value);
  return std::abs(param.get(params) - value) <= 1e-6 * std::abs(value);
}

}  // namespace

std::vector<SamplerValue> sampling_advice(const Metadata& metadata) {
  std::vector<SamplerValue> advice;
  for (const SamplerParam& param : sampler_params()) {
    const auto* row = std::ranges::find(kRows, param.name, &Row::param);
    if (row == std::end(kRows)) continue;
    const auto found = metadata.real(key_of(row->key));
    if (found && !found->has_value()) continue;
    if (found && **found >= row->least && **found <= param.maximum && can_be(param, **found)) advice.push_back({&param, std::max(**found, param.minimum)});
    else log(LogLevel::warning, "the file recommends a value for " + key_of(row->key) + " that cannot be used; the usual one is used instead");
  }
  for (const std::string_view step : kUnknownSteps) {
    const auto found = metadata.real(key_of(step));
    if (found && found->value_or(0) > 0) log(LogLevel::warning, "the file recommends " + key_of(step) + ", a step that this version does not have; it is left out");
  }
  return advice;
}

SamplingParams advised(SamplingParams params, std::span<const SamplerValue> advice, std::span<const SamplerParam* const> named) {
  for (const SamplerValue& each : advice) {
    if (std::ranges::find(named, each.param) == named.end()) each.param->set(params, each.value);
  }
  return params;
}

}  // namespace foreword::engine

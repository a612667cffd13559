#pragma once
// How the maker of a model would have its answers drawn (general.sampling.* of its file): what holds for whatever nobody has named.

#include <span>
#include <vector>

#include "engine/gguf/gguf.h"
#include "engine/sampling/sampler.h"

namespace foreword::engine {

/// A value for one of the rows of sampler_params().
struct SamplerValue {
  const SamplerParam* param;
  double value;
};

/// In the order of those rows. What cannot be used, and steps that the sampler does not have, are left out with one warning each.
std::vector<SamplerValue> sampling_advice(const Metadata& metadata);

/// `params` with the values of the rows that are not `named`.
SamplingParams advised(SamplingParams params, std::span<const SamplerValue> advice, std::span<const SamplerParam* const> named);

}  // namespace foreword::engine

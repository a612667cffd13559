#include "app/message_settings.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace foreword::app {
namespace {

/// Without the digits that a float does not have: 0.8, not 0.800000011920929.
double rounded(double value) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.7g", value);
  return std::strtod(buffer.data(), nullptr);
}

}  // namespace

std::string message_settings(const engine::SamplingParams& sampling, std::int64_t max_tokens, std::optional<bool> thinking) {
  nlohmann::json object;
  for (const engine::SamplerParam& param : engine::sampler_params()) object[std::string(param.name)] = rounded(param.get(sampling));
  object["seed"] = sampling.seed;
  if (max_tokens >= 0) object["max_tokens"] = max_tokens;
  if (thinking) object["think"] = *thinking;
  return object.dump();
}

}  // namespace foreword::app

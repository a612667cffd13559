#include "app/message_settings.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace foreword::app {
namespace {

std::string words_of(double value) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.7g", value);
  return buffer.data();
}

}  // namespace

double rounded(double value) { return std::strtod(words_of(value).c_str(), nullptr); }

std::string message_settings(const engine::SamplingParams& sampling, std::int64_t max_tokens, std::optional<bool> thinking) {
  nlohmann::json object;
  for (const engine::SamplerParam& param : engine::sampler_params()) object[std::string(param.name)] = rounded(param.get(sampling));
  object["seed"] = sampling.seed;
  if (max_tokens >= 0) object["max_tokens"] = max_tokens;
  if (thinking) object["think"] = *thinking;
  return object.dump();
}

std::string advice_words(std::span<const engine::SamplerValue> advice, std::span<const engine::SamplerParam* const> named) {
  std::string words;
  for (const auto& [param, value] : advice) {
    if (std::ranges::find(named, param) == named.end()) words += (words.empty() ? "" : ", ") + std::string(param->flag.substr(2)) + " " + words_of(value);
  }
  return words.empty() ? words : "Answers are drawn as the model's file recommends: " + words + ".";
}

}  // namespace foreword::app

#include "app/chat_sampling.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

namespace foreword::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSampling = "sampling";
constexpr int kMostNested = 16;  // deeper JSON is not ours, and would be copied and written by recursion
constexpr double kLongestAnswer = 1e6, kLargestSeed = 999'999'999'999'999;  // the latter is exact, and has no exponent when it is written

struct Words {
  std::string_view key, label;
  double step;
  bool whole = false;
};
// Of the sampler's parameters.
constexpr Words kWords[] = {
    {"temperature", "Temperature", 0.1},
    {"top_k", "Top-k", 5, true},
    {"top_p", "Top-p", 0.05},
    {"min_p", "Min-p", 0.01},
    {"repeat_penalty", "Repeat penalty", 0.05},
    {"presence_penalty", "Presence penalty", 0.1},
    {"frequency_penalty", "Frequency penalty", 0.1},
    {"penalty_window", "Penalty window", 16, true},
    {"dry_multiplier", "DRY multiplier", 0.1},
    {"dry_base", "DRY base", 0.05},
    {"dry_allowed_length", "DRY allowed length", 1, true},
    {"dry_window", "DRY window", 64, true},
    {"momentum", "Momentum", 0.1},
};

std::vector<SamplingKind> make_kinds() {
  std::vector<SamplingKind> kinds;
  for (const engine::SamplerParam& param : engine::sampler_params()) {
    const auto* words = std::ranges::find(kWords, param.name, &Words::key);
    if (words == std::end(kWords)) continue;
    kinds.push_back({.key = param.name, .flag = param.flag, .label = words->label, .help = param.help, .minimum = param.minimum, .maximum = param.maximum,
                     .step = words->step, .start = param.standard, .whole = words->whole, .param = &param, .get = nullptr, .set = nullptr});
  }
  kinds.push_back({.key = "max_tokens", .flag = "--limit", .label = "Longest answer", .help = "In tokens; a longer one is cut off there, and can go on when you say so.",
                   .minimum = 1, .maximum = kLongestAnswer, .step = 100, .start = 500, .whole = true, .param = nullptr,
                   .get = [](const Drawing& d) { return d.max_tokens >= 0 ? std::optional(static_cast<double>(d.max_tokens)) : std::nullopt; },
                   .set = [](Drawing& d, double value) { d.max_tokens = static_cast<std::int64_t>(value); }});
  kinds.push_back({.key = "seed", .flag = "--seed", .label = "Seed", .help = "With one, the same question gets the same answer every time.",
                   .minimum = 0, .maximum = kLargestSeed, .step = 1, .start = 0, .whole = true, .param = nullptr,
                   .get = [](const Drawing& d) { return d.same_seed ? std::optional(static_cast<double>(d.sampling.seed)) : std::nullopt; },
                   .set = [](Drawing& d, double value) { d.sampling.seed = static_cast<std::uint64_t>(value), d.same_seed = true; }});
  return kinds;
}

}  // namespace

bool SamplingKind::holds(double value) const { return value >= minimum && value <= maximum && (!whole || value == std::floor(value)); }

std::span<const SamplingKind> sampling_kinds() {
  static const std::vector<SamplingKind> kKinds = make_kinds();
  return kKinds;
}

const SamplingKind* sampling_kind(std::string_view key) {
  const auto kinds = sampling_kinds();
  const auto kind = std::ranges::find(kinds, key, &SamplingKind::key);
  return kind == kinds.end() ? nullptr : &*kind;
}

bool named_by_flag(const SamplingKind& kind, const Drawing& usual, std::span<const engine::SamplerParam* const> named) {
  return kind.param != nullptr ? std::ranges::find(named, kind.param) != named.end() : kind.usual(usual).has_value();
}

Drawing drawing_for(const Drawing& usual, std::span<const engine::SamplerParam* const> named, const ChatSampling& chosen) {
  Drawing drawing = usual;
  for (const auto& [key, value] : chosen) {
    const SamplingKind* kind = sampling_kind(key);
    if (kind == nullptr || named_by_flag(*kind, usual, named)) continue;
    kind->param != nullptr ? kind->param->set(drawing.sampling, value) : kind->set(drawing, value);
  }
  return drawing;
}

Json settings_object(const std::string& json) {
  bool too_deep = false;
  Json object = Json::parse(json, [&](int depth, Json::parse_event_t, Json&) { return depth <= kMostNested || (too_deep = true, false); }, false);
  if (too_deep || !object.is_object()) object = Json::object();
  return object;
}

ChatSampling sampling_in(const Json& settings) {
  ChatSampling sampling;
  const auto stored = settings.find(kSampling);
  if (stored == settings.end() || !stored->is_object()) return sampling;
  for (const SamplingKind& kind : sampling_kinds()) {
    const auto value = stored->find(kind.key);
    if (value != stored->end() && value->is_number() && kind.holds(value->get<double>())) sampling.emplace(kind.key, value->get<double>());
  }
  return sampling;
}

ChatSampling read_chat_sampling(const std::string& settings) { return sampling_in(settings_object(settings)); }

void put_sampling(Json& settings, const ChatSampling& sampling) {
  Json object = Json::object();
  if (const auto stored = settings.find(kSampling); stored != settings.end() && stored->is_object()) object = *stored;
  for (const SamplingKind& kind : sampling_kinds()) object.erase(std::string(kind.key));
  for (const auto& [key, value] : sampling) {
    const SamplingKind* kind = sampling_kind(key);
    kind != nullptr && kind->whole ? object[key] = static_cast<std::int64_t>(value) : object[key] = value;
  }
  settings.erase(kSampling);
  if (!object.empty()) settings[kSampling] = std::move(object);
}

}  // namespace foreword::app

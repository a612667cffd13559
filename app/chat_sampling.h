#pragma once
// How answers shall be drawn where somebody wants it otherwise than usual: of one chat, or of new ones. Rows of one table: the sampler's own, the
// seed, and the longest answer. Pure.

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/sampling/sampler.h"

namespace foreword::app {

/// All that decides how an answer is drawn.
struct Drawing {
  engine::SamplingParams sampling{};
  std::int64_t max_tokens = -1;  // -1: until the model ends
  bool same_seed = false;        // else every answer gets another one
};

struct SamplingKind {
  std::string_view key;   // as it is stored: "top_p"
  std::string_view flag;  // of the command line
  std::string_view label, help;
  double minimum, maximum;
  double step;            // of a button that makes it larger or smaller
  double start;           // where that begins if there is no usual value
  bool whole;
  const engine::SamplerParam* param;  // null: none of the sampler's
  std::optional<double> (*get)(const Drawing&);  // of those; nothing: there is no usual value
  void (*set)(Drawing&, double);

  std::optional<double> usual(const Drawing& drawing) const { return param != nullptr ? param->get(drawing.sampling) : get(drawing); }
  bool holds(double value) const;
};
/// In the order in which they are shown.
std::span<const SamplingKind> sampling_kinds();
/// Null: there is none.
const SamplingKind* sampling_kind(std::string_view key);

/// What was chosen, by key; what is not there is as usual.
using ChatSampling = std::map<std::string, double, std::less<>>;

/// `usual` with what was chosen. What the command line names counts more: `named`, a seed, a longest answer.
Drawing drawing_for(const Drawing& usual, std::span<const engine::SamplerParam* const> named, const ChatSampling& chosen);
bool named_by_flag(const SamplingKind& kind, const Drawing& usual, std::span<const engine::SamplerParam* const> named);

/// A chat's settings as an object: empty where they are damaged, or nested beyond measure.
nlohmann::ordered_json settings_object(const std::string& json);
/// Its "sampling": what no row has, or its range does not hold, is as if it had never been chosen.
ChatSampling sampling_in(const nlohmann::ordered_json& settings);
ChatSampling read_chat_sampling(const std::string& settings);
/// Keys of others stay as they are.
void put_sampling(nlohmann::ordered_json& settings, const ChatSampling& sampling);

}  // namespace foreword::app

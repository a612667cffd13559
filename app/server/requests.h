#pragma once
// What is asked of the local server, out of the JSON of OpenAI's interface and some of llama.cpp's names. What we cannot do is refused, never
// left out in silence, where it would change the answer. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/server/tools.h"
#include "engine/sampling/sampler.h"
#include "engine/session.h"

namespace foreword::app {

struct ApiRequest {
  /// A chat; texts to go on with, each by itself, some of them as token ids; what stands between two texts.
  using Text = std::variant<std::string, std::vector<engine::TokenId>>;
  std::variant<std::vector<engine::ChatMessage>, std::vector<Text>, engine::Infill> prompt;
  std::string answer_so_far;   // a chat's last message, where that is the beginning of the answer
  engine::SamplingParams sampling;
  bool seeded = false;         // else each answer gets a seed of its own
  std::int64_t max_tokens = -1;
  std::vector<std::string> stop;
  std::shared_ptr<const engine::Grammar> form;  // of the answer; null: any
  std::optional<bool> thinking;
  ToolOffer offer;             // of a chat
  int n = 1;                   // answers to each prompt
  bool stream = false, include_usage = false;
  bool echo = false;           // texts: the prompt comes first
  int chances = -1;            // as Generate::chances
  double most_seconds = 0;     // of writing, once a line has ended; 0: no limit
  std::vector<std::string> fields;  // of an infill's answer, the only ones that are wanted: "timings/prompt_n"; empty: all
};

/// A text, or token ids.
Result<ApiRequest::Text> read_text(const Json& prompt, const char* key);

/// Answers to one request, at most.
inline constexpr int kMostChoices = 16;

/// `usual`: what counts where the request does not say. Errors are sentences about the request: `unsupported` if it is right and we cannot do it.
Result<ApiRequest> read_chat_request(const std::string& json, const engine::SamplingParams& usual);
Result<ApiRequest> read_completion_request(const std::string& json, const engine::SamplingParams& usual);
/// llama.cpp's own, for editors.
Result<ApiRequest> read_infill_request(const std::string& json, const engine::SamplingParams& usual);

}  // namespace foreword::app

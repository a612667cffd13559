#pragma once
// What the local server says, as JSON of OpenAI's interface; "timings" and "reasoning_content" as llama.cpp's server has them. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/server/chances.h"
#include "app/server/desk.h"
#include "app/server/tools.h"
#include "engine/base/reasoning.h"
#include "engine/session.h"

namespace foreword::app {

/// Which interface was asked: OpenAI's chats and completions, llama.cpp's infill.
enum class ReplyShape : std::uint8_t { chat, text, infill };

/// What stands in every object of one request.
struct ReplyHead {
  ReplyShape shape = ReplyShape::chat;
  std::string id;    // "chatcmpl-..."
  std::int64_t created = 0;  // seconds since 1970
  std::string model;
  int n = 1;         // answers to each prompt, one behind the other
  std::vector<std::string> fields = {};  // of an infill's answer; empty: all
  int chances = -1;  // as Generate::chances
  std::string tools = {};  // of a chat, as Generate::tools
  bool several_calls = true;
};

/// One answer as it stands.
struct Choice {
  AnswerStream answer;     // of a chat
  std::string text;        // of a completion, or an infill
  CallGate gate = {};      // of a chat with tools
  std::vector<ToolCall> calls = {};  // at its end
  ChanceQueue coming = {};  // tokens whose text has not gone out
  std::vector<engine::TokenChances> chances = {};  // of the whole answer, or of the next piece
  std::optional<engine::GenerationStats> stats;  // at its end
};

/// "stop", "length" or "tool_calls".
const char* finish_reason(const Choice& choice);

/// The whole answer. Of an infill: an object, or a list of them if there are several.
std::string whole_reply(const ReplyHead& head, const std::vector<Choice>& choices);
/// A piece of answer `index`, with the chances of its tokens: of a chat what was thought and said, of a completion `said` alone. begin: it is the first one.
std::string piece_reply(const ReplyHead& head, std::size_t index, const AnswerStream::Part& part, const Choice& choice, bool begin);
/// The calls of answer `index`, in a piece of their own.
std::string calls_reply(const ReplyHead& head, std::size_t index, const Choice& choice);
/// Answer `index` has ended, and its stats are known.
std::string end_reply(const ReplyHead& head, std::size_t index, const Choice& choice);
/// All have; sent where it was asked for.
std::string usage_reply(const ReplyHead& head, const std::vector<Choice>& choices);

std::string models_reply(const engine::ModelSummary& model, std::int64_t created);
std::string health_reply();
/// As much of llama.cpp's as clients look at.
std::string props_reply(const engine::ModelSummary& model);
/// For Prometheus.
std::string metrics_reply(const ServerTotals& totals);

}  // namespace foreword::app

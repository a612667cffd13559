#pragma once
// Tools that a request offers to the model (OpenAI's "tools"), and the calls of them that an answer holds, in the ways in which models write
// them. Pure.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/server/fields.h"
#include "engine/grammar/grammar.h"
#include "engine/stop_filter.h"

namespace foreword::app {

struct ToolOffer {
  std::string tools;     // a JSON list, as Generate::tools; empty: none
  bool several = true;   // one answer may call more than one
  std::shared_ptr<const engine::Grammar> form;  // where one has to be called: an object with its name and arguments
};
/// Out of "tools", "tool_choice" and "parallel_tool_calls". Errors are sentences about the request; `unsupported` for parameters whose schema cannot be kept.
Result<ToolOffer> read_tools(const Json& body);

struct ToolCall {
  std::string id;         // nine letters and digits by chance, which is what Mistral's templates ask for
  std::string name;
  std::string arguments;  // JSON, an object where the model wrote one
};
struct AnswerWithCalls {
  std::string said;  // without the calls; what only looks like one is still there
  std::vector<ToolCall> calls;
};
/// said: an answer without its thoughts. tools: as above. Calls without marks count only if they are of one of these.
AnswerWithCalls split_calls(std::string_view said, std::string_view tools);

/// Lets through what is said, and holds back what may be a call until the end tells.
class CallGate {
 public:
  CallGate();
  /// More of what is said; what is safe to show.
  std::string push(std::string_view said);
  /// What was held back and is no call, and the calls. answer: all of it, thoughts and marks included, for calls that gpt-oss makes among its thoughts.
  AnswerWithCalls end(std::string_view tools, std::string_view answer) const;
  /// Bytes that were let through.
  std::size_t passed() const { return passed_; }

 private:
  std::string said_;
  std::size_t passed_ = 0;
  bool bare_ = false;  // it begins as JSON does
  engine::StopFilter marks_;
};

}  // namespace foreword::app

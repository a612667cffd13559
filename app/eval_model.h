#pragma once
// A loaded model asked for what `foreword eval` reports: how many nats it needs for a text, and what it writes when it
// always takes the likeliest token. Owns one sequence of the model's cache at a time. One thread.

#include <cstdint>
#include <ctime>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/eval_records.h"
#include "app/eval_text.h"
#include "engine/loaded_model.h"

namespace foreword::app {

/// Templates that write a date get this one, so that a report repeats: 1 January 2026.
std::tm fixed_day();

/// A record as the model reads it: ids without BOS, and what each counts for.
struct EvalTokens {
  std::vector<engine::TokenId> ids;
  std::vector<TokenShare> shares;
};

struct EvalScore {
  double nats = 0;          // of the counted tokens
  std::int64_t tokens = 0;  // counted
  std::int64_t bytes = 0;   // of the text that they stand for

  void add(const EvalScore& other);
  std::optional<double> bits_per_byte() const;   // nullopt: nothing was counted
  std::optional<double> nats_per_token() const;
};

class EvalModel {
 public:
  explicit EvalModel(engine::LoadedModel& model) : model_(model) {}

  /// A text is taken as it is. Turns go through the model's chat template without an answer's opening, and what came
  /// from the turns is measured: every turn of a chat, the answer of an edit. nullopt: the template refuses these
  /// turns, or the tokenizer changes the text so that no token can be given its bytes.
  std::optional<EvalTokens> tokens_of(const EvalRecord& record);

  /// Reads the record in windows of the context, each by itself.
  Result<EvalScore> score(const EvalTokens& tokens);

  /// The text that follows `opening`, at most n_tokens tokens long; shorter if the model ends it.
  Result<std::string> continuation(const std::string& opening, std::int64_t n_tokens);

  /// Whether the answer to an edit's request is the record's answer, white space aside; given up at the first
  /// difference. nullopt: request and answer do not fit the context, or the template refuses them.
  Result<std::optional<bool>> repairs(const EvalRecord& edit);

 private:
  const std::string& piece(engine::TokenId id);
  std::optional<std::vector<engine::TextSpan>> rendered(const EvalRecord& record) const;
  Result<std::vector<engine::TokenId>> write(std::span<const engine::TokenId> prompt, std::int64_t n_tokens,
                                             const std::function<bool(engine::TokenId)>& go_on);

  engine::LoadedModel& model_;
  std::vector<std::optional<std::string>> pieces_;  // by id, as they are needed
};

}  // namespace foreword::app

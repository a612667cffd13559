#pragma once
// What is told of a prompt besides its answer: how likely its tokens were, what it says as one vector, its tokens. Engine desk only.

#include <cstdint>
#include <ctime>
#include <functional>
#include <vector>

#include "engine/loaded_model.h"
#include "engine/session.h"
#include "engine/state_pool.h"

namespace foreword::engine {

/// For one request, while its prompt is read.
class PromptTeller {
 public:
  PromptTeller(const Model& model, const Tokenizer& tokenizer, const Generate& request);

  /// Whether every token of the prompt has to go through the model, known or not.
  bool reads_all() const { return chances_ || state_; }
  /// The text is read from its first token on, for the first time or again.
  void begin() { pool_.clear(); }
  /// Of the row of token `at`, of n in the prompt.
  LogitWish wish(std::int64_t at, std::int64_t n) const;
  /// That row. text: of which the prompt is the beginning.
  void take(std::int64_t at, const LogitRow& row, const std::vector<TokenId>& text);
  /// What came since the last step counts for nothing, or for good.
  void take_back();
  void end_step(const std::vector<TokenId>& text, const std::function<void(Event)>& say);
  /// The prompt has been read.
  void end(const std::function<void(Event)>& say) const;

 private:
  const Tokenizer& tokenizer_;
  std::uint64_t id_;
  int n_best_;
  bool chances_, state_;
  std::vector<TokenChances> next_;  // of the step
  std::int64_t n_told_ = 0, decoded_ = 0;  // tokens, and bytes of their text
  StreamDecoder decoder_;
  StatePool pool_;
};

/// The request's prompt as it is read; see encode_prompt() for errors.
Result<Prompt> encode_request(const LoadedModel& model, const Generate& request, const std::tm& now);
/// For a request that wants nothing but its tokens.
Result<PromptTold> tokens_of(const LoadedModel& model, const Generate& request, const std::tm& now);
/// Whether what is wanted can be had of this model; `unsupported` with a sentence.
Result<void> check_wanted(const LoadedModel& model, const Generate& request);

}  // namespace foreword::engine

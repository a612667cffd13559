#pragma once
// Suggestions as the engine desk makes them: the text before the caret behind the chat so far, as tokens whose beginning
// stays the same from key to key, and a job of drafts behind it. Engine desk only.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/autocomplete/draft_job.h"
#include "engine/kv/prefix_tree.h"
#include "engine/loaded_model.h"
#include "engine/session.h"
#include "engine/work.h"

namespace foreword::engine {

/// A chat's template text up to a user turn that is open behind these messages: what the prompt will begin with that has the turn.
/// `unsupported` if the template does not show where the user's turn begins.
Result<std::vector<TokenId>> encode_open_turn(const LoadedModel& loaded, const std::vector<ChatMessage>& messages, const std::tm& now,
                                              std::optional<bool> thinking);

/// The prompt of a suggestion and what of its end is taken back.
struct SuggestionPrompt {
  std::vector<TokenId> tokens;  // up to the caret, canonical
  HeldBack held;                // of them
};

/// Chat: the template's text up to a user turn that is open, then `before`; messages before the newest `most_context` tokens
/// are left out, whole ones, the system prompt stays; unless they have been read already, which costs nothing and leaves the
/// user's turn where the answer will want it. Raw: `before` behind the given text. `unsupported` if the template
/// does not show where the user's turn begins.
Result<SuggestionPrompt> encode_suggestion(LoadedModel& loaded, const TokenBytes& bytes, const Suggest& request,
                                           const std::tm& now);

/// One request from its first token to its last, and its drafts as long as they may be asked to go on.
class Suggestion final : public Work {
 public:
  using Clock = std::chrono::steady_clock;
  /// All must outlive the suggestion. own: what the user said before; may be null. say: gets the drafts whenever a word has been finished, and at the end.
  Suggestion(LoadedModel& loaded, const TokenBytes& bytes, const Ngrams* own, Suggest request, Clock::time_point arrived, std::function<void(Event)> say);

  std::uint64_t id() const { return request_.id; }
  /// Finds out what there is to read. Once, before the first step.
  void begin(const std::tm& now);
  bool begun() const { return phase_ != Phase::fresh; }
  /// Until the last event has been told.
  bool running() const { return phase_ != Phase::resting && phase_ != Phase::gone; }
  /// Ended without drafts that could go on.
  bool gone() const { return phase_ == Phase::gone; }

  Need need() const override;
  void add_rows(Batch& batch, const Room& room) override;
  void take(std::int64_t row, const LogitRow& logits) override;
  void end_step(const Pass& pass) override;

  /// Another end is told, once the drafts that are left have got there.
  void adjust(const AdjustDrafts& command);
  void cancel();
  void fail(const Error& error);

 private:
  enum class Phase : std::uint8_t { fresh, reading, settling, drafting, resting, gone };
  Result<void> open(const std::tm& now);
  Result<void> keep_rows();
  /// Behind the prompt: a held token that is certain, or the branches.
  Result<void> go_on();
  void tell_growth();
  void end(Phase phase, SuggestReason reason);
  Drafts drafts() const;

  LoadedModel& loaded_;
  const TokenBytes& bytes_;
  const Ngrams* own_;
  Ngrams here_;  // of the end of the text itself
  Suggest request_;
  Clock::time_point arrived_, drafting_since_{};
  std::function<void(Event)> say_;
  DraftJob job_;
  Drafts told_;
  Phase phase_ = Phase::fresh;
  SuggestionPrompt prompt_;
  std::string_view held_;         // of the prompt's end, what no token stands for yet
  PrefixTree::Text* text_ = nullptr;
  std::optional<TextInUse> in_use_;
  std::vector<float> logits_;     // of the text's last token
  TokenId settled_ = kNoToken;
  std::int64_t n_rows_ = 0;       // of this step
};

}  // namespace foreword::engine

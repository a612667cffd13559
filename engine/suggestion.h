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
#include "engine/loaded_model.h"
#include "engine/session.h"

namespace foreword::engine {

/// The prompt of a suggestion and what of its end is taken back.
struct SuggestionPrompt {
  std::vector<TokenId> tokens;  // up to the caret, canonical
  HeldBack held;                // of them
};

/// Chat: the template's text up to a user turn that is open, then `before`; messages before the newest `most_context` tokens
/// are left out, whole ones, the system prompt stays. Raw: `before` behind the given text. `unsupported` if the template
/// does not show where the user's turn begins.
Result<SuggestionPrompt> encode_suggestion(const LoadedModel& loaded, const TokenBytes& bytes, const Suggest& request,
                                           const std::tm& now);

/// One request from its first token to its last. Between steps it asks whether to go on, and tells what is new.
class Suggestion {
 public:
  using Clock = std::chrono::steady_clock;
  /// `go_on` runs between steps: false gives the request up. `tell` gets the drafts after each step that finished a word.
  Suggestion(LoadedModel& loaded, const TokenBytes& bytes, Suggest request, Clock::time_point arrived);

  /// Reads what is not known yet, opens the branches and runs them to their limits. False: given up.
  Result<bool> start(const std::tm& now, const std::function<bool()>& go_on, const std::function<void(const Drafts&)>& tell);
  /// Runs on what extend() or keep_only() left to do.
  Result<bool> resume(const std::function<bool()>& go_on, const std::function<void(const Drafts&)>& tell);

  std::uint64_t id() const { return request_.id; }
  void extend(std::int64_t max_tokens) { job_.extend(max_tokens); }
  void keep_only(std::span<const std::int32_t> ids) { job_.keep_only(ids); }
  /// As they are now.
  Drafts drafts() const;

 private:
  LoadedModel& loaded_;
  const TokenBytes& bytes_;
  Suggest request_;
  Clock::time_point arrived_;
  DraftJob job_;
  Drafts told_;
};

}  // namespace foreword::engine

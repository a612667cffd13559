#pragma once
// Writes one answer behind a prompt that has been read: chosen token by token, or several a pass where drafts allow it. The text
// is the same either way. Engine desk only.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/kv/prefix_tree.h"
#include "engine/loaded_model.h"
#include "engine/session.h"
#include "engine/speculative/speculation.h"
#include "engine/stop_filter.h"

namespace foreword::engine {

/// Drafting for one model, and the text that its drafters know.
struct Drafting {
  Speculation speculation;
  std::vector<TokenId> followed = {};
};

class AnswerWriter {
 public:
  struct Hooks {
    std::function<void(TextPiece)> say;
    std::function<bool()> stop_wanted;  // asked between passes
  };

  /// Everything named must outlive the writer. drafting: null where nothing is to be drafted.
  AnswerWriter(LoadedModel& model, Drafting* drafting, const Generate& request, Hooks hooks);

  /// prompt: all its tokens, which `known` holds; logits: of the last one, as long as a row is. arrived: when the request came.
  /// Fills in what stats says of the answer. `known` holds afterwards what the cache does.
  Result<void> write(const std::vector<TokenId>& prompt, std::span<const float> logits, PrefixTree::Text& known,
                     std::chrono::steady_clock::time_point arrived, GenerationStats& stats);

 private:
  using Clock = std::chrono::steady_clock;
  /// Whether another token may be chosen at all.
  bool may_go_on(std::int64_t length);
  /// A chosen token: said, unless it ends the answer. False: the answer ends.
  bool take(TokenId token, std::int64_t length);
  void follow(const std::vector<TokenId>& text);
  Result<VerifyResult> pass(std::vector<TokenId>& text, PrefixTree::Text& known);
  std::span<const float> named(std::span<const float> logits) const;

  LoadedModel& model_;
  const Tokenizer& tokenizer_;
  Drafting* drafting_;
  const Generate& request_;
  Hooks hooks_;
  Sampler sampler_;
  GenerationStats* stats_ = nullptr;
  std::optional<StreamDecoder> decoder_;
  std::optional<StopFilter> filter_;
  Clock::time_point arrived_{}, first_token_{};
  Batch batch_;
};

/// The text that a chat's last message asks to be given back with changes: what stands behind its first line or colon, if that
/// is long enough to be worth copying. Empty: none.
std::string text_to_edit(const Generate& request);

}  // namespace foreword::engine

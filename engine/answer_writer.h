#pragma once
// One answer from its request to its last event: reads the prompt as far as the KV cache does not know it, then writes, token by
// token or several a pass where drafts allow it. The text is the same either way, and the same whatever else runs in its
// passes. Engine desk only.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/grammar/answer_form.h"
#include "engine/kv/prefix_keeper.h"
#include "engine/kv/prefix_tree.h"
#include "engine/loaded_model.h"
#include "engine/prompt_teller.h"
#include "engine/self_draft.h"
#include "engine/session.h"
#include "engine/speculative/speculation.h"
#include "engine/stop_filter.h"
#include "engine/work.h"

namespace foreword::engine {

/// Drafting for one model, and the text that its drafters know. One text at a time.
struct Drafting {
  std::unique_ptr<SelfDraft> self = {};  // null: the model does not draft for itself
  Speculation speculation;
  std::vector<TokenId> followed = {};
};

class AnswerWriter final : public Work {
 public:
  using Clock = std::chrono::steady_clock;
  /// model must outlive the writer. say: gets the events. arrived: when the request came.
  AnswerWriter(LoadedModel& model, Generate request, Clock::time_point arrived, std::function<void(Event)> say);

  const Generate& request() const { return request_; }
  /// The prompt as tokens; before open(). `invalid_argument` if it is empty or does not fit into the context, or the answer has begun in another
  /// form than it is to have.
  Result<void> encode(const std::tm& now);
  /// Takes the text from those that are known; keeper: what it lacks comes back from there; null: from nowhere. Again after close().
  void open(PrefixKeeper* keeper);
  bool is_open() const { return known_ != nullptr; }
  /// Gives the text back, for want of room: after another open() the answer goes on, and what was lost is read again.
  void close();
  /// Was closed, and not since it is done.
  bool waits_for_room() const { return sent_away_; }
  /// What windowed layers would have to see of it has gone: after close() and open() it is read again.
  bool has_lost_its_beginning() const;
  /// The text becomes this chat's, if it is nobody's.
  void assign(TextOwner chat);
  bool restoring() const { return restoration_.has_value(); }
  /// One page of what comes back from the keeper, if it comes within so long.
  void restore(std::chrono::milliseconds patience);
  /// null: nothing is drafted from here on. Drafting is used for one answer at a time.
  void draft_with(Drafting* drafting);

  Need need() const override;
  void add_rows(Batch& batch, const Room& room) override;
  void take(std::int64_t row, const LogitRow& logits) override;
  void end_step(const Pass& pass) override;

  /// Ends now. The last event has been told then, whatever it is, and the text is given back.
  void stop();
  void fail(const Error& error);
  bool done() const { return done_; }

 private:
  std::int64_t n_unread() const { return std::ssize(text_) - std::ssize(known_->tokens); }
  void begin_reading();
  Result<void> begin_form();
  /// Why no token is left to choose.
  Error nothing_left() const;
  /// Whether another token may be chosen at all.
  bool may_go_on();
  /// A chosen token: said, unless it ends the answer. False: the answer ends.
  bool say_token(TokenId token, std::optional<TokenChances> chances);
  /// Tokens that were looked at, the one that ended the answer included.
  struct Said {
    std::size_t n = 0;
    bool ended = false;
  };
  Said say_tokens(std::span<const TokenId> tokens);
  /// What was chosen in a pass that did not come to its end: a device can fail between two groups of its rows.
  void take_back();
  /// The drafters know the text.
  void follow();
  void finish();
  /// The rows of the pass whose tokens belong to the text.
  void keep_rows(const VerifyResult& chosen);

  LoadedModel& model_;
  const Tokenizer& tokenizer_;
  Generate request_;
  std::function<void(Event)> say_;
  std::vector<TokenId> breakers_;
  Sampler sampler_;
  std::optional<AnswerForm> form_;
  StreamDecoder decoder_;
  StopFilter filter_;
  GenerationStats stats_;
  Clock::time_point arrived_, restoring_since_{}, reading_since_{}, first_token_{};

  std::string opening_;        // what the prompt has of the answer, until its first piece
  std::vector<TokenId> text_;  // prompt and every token that was chosen, also behind the end of the answer
  std::int64_t length_ = 0;    // of the text as far as the answer goes
  TextOwner owner_;
  PrefixTree::Text* known_ = nullptr;  // null: waits
  std::optional<TextInUse> in_use_;
  std::optional<PrefixKeeper::Restoration> restoration_;
  std::int64_t told_ = -1;     // of what came back
  bool started_ = false, done_ = false, sent_away_ = false;
  std::int64_t fresh_ = 0;     // tokens of the prompt that are read, not known

  std::int64_t decoded_ = 0;       // bytes of the answer's text, also those that stop texts hold back
  std::vector<TokenChances> chances_;  // of the step's choices, where they are wanted
  PromptTeller teller_;

  Drafting* drafting_ = nullptr;
  bool followed_ = false;                      // the drafters know this text
  SpeculationStats before_;                    // of the drafters, when they were lent
  // The step: chain rows from first_row_ on, then the tree's.
  std::int64_t first_row_ = 0, n_chain_ = 0;
  DraftTree alone_{0};
  const DraftTree* tree_ = nullptr;  // null: only a part of the prompt is read
  std::optional<Walk> walk_;
};

/// The text that a chat's last message asks to be given back with changes: what stands behind its first line or colon, if that
/// is long enough to be worth copying. Empty: none.
std::string text_to_edit(const Generate& request);

}  // namespace foreword::engine

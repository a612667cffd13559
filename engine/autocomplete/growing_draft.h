#pragma once
// One draft as it grows token by token, whatever made it: its text in whole words, its scores, and what ends it. And which
// tokens may come next. Engine desk only.

#include <span>
#include <string>
#include <vector>

#include "engine/autocomplete/draft.h"
#include "engine/autocomplete/ngrams.h"
#include "engine/autocomplete/token_bytes.h"

namespace foreword::engine {

/// What was said before, how much of it counts, and the tokens that a draft stands behind.
struct Remembered {
  const Ngrams* ngrams = nullptr;  // outlives the job
  double weight = 0;               // of it where a word begins, the rest is the model's
  bool leads = false;              // counts everywhere; else only for the first words of other drafts than the first
};

/// As suggestions use it: what the user said in other texts (null: nothing), and the end of the text itself, for which `here` is filled.
std::vector<Remembered> remembered_for(const Ngrams* own, std::span<const TokenId> text, Ngrams& here);

/// What all drafts of a job stand on.
struct DraftGround {
  const Tokenizer* tokenizer = nullptr;
  const TokenBytes* bytes = nullptr;
  DraftLimits limits = {};
  std::string held = {};  // bytes that every draft begins with and that are not part of its text
  std::vector<TokenId> before = {};           // the last tokens in front of these
  std::vector<Remembered> remembered = {};
};

/// The logits of what may follow a draft whose tokens have these bytes so far: those that agree with what is left of the held
/// bytes, else all that are not suppressed; the others -inf. `masked` is scratch that the result lies in.
std::span<const float> allowed(const DraftGround& ground, std::string_view bytes, std::span<const float> logits, std::vector<float>& masked);
/// What was said before about one place of a text.
struct Said {
  struct Source {
    double known = 0;                // of all that followed there
    std::vector<Ngrams::Next> next;
  };
  std::vector<Source> sources;       // by DraftGround::remembered
  std::span<const float> logits;     // the model's
  float log_sum = 0;                 // of those that were possible
};

class GrowingDraft {
 public:
  Draft draft;
  std::string bytes;             // of all tokens, the held ones in front
  std::vector<double> weights;   // of what was said before, within the word that the draft is in; by DraftGround::remembered
  double sum = 0;                // of log_probs
  double first_word = 0;         // log-prob of the first word's tokens, once it is known
  bool first_word_known = false;

  bool running() const { return draft.end == DraftEnd::running; }
  /// allowed(), with what was said before mixed in. aside: also what does not lead. said: what that was.
  std::span<const float> chances(const DraftGround& ground, bool aside, std::span<const float> logits, std::vector<float>& masked, Said& said) const;
  /// The token was chosen there: how far does it speak for what was said before? Bayes' rule; a word begins with the usual weights.
  void weigh(const DraftGround& ground, const Said& said, TokenId token);
  /// What a token does; a draft that ends here has its text already.
  void grow(const DraftGround& ground, TokenId token, float log_prob);
  /// Whether the token is so much less likely than those before it that the draft should end.
  bool is_unsure(const DraftGround& ground, float log_prob) const;
  /// Ends without a further token: the text as far as it is whole words.
  void end_unsure(const DraftGround& ground);
  void end_of_text(const DraftGround& ground) { finish(ground, DraftEnd::end_of_text, bytes.size()); }
  /// The text's bytes up to `end` of all, as far as they are whole characters: a draft ends where they can become none.
  std::string text_of(const DraftGround& ground, std::size_t end) const;

 private:
  void finish(const DraftGround& ground, DraftEnd end, std::size_t n_bytes);
  double sum_p_ = 0;             // of the probabilities
  std::size_t confident_ = 0;    // bytes up to the last word whose running mean was high enough
};

}  // namespace foreword::engine

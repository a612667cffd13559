#pragma once
// Holds one answer to a grammar. Where the next bytes leave no choice, they are written with the tokens that the tokenizer would take for
// them, since a model that is only kept from other letters spells names in pieces that it has never seen. Of a row of logits the likeliest few hundred tokens are tried one by one, which nearly always suffices
// for the choice; only where it does not, all that can stand there are found, by a walk through the vocabulary, and kept for the next
// time. Neither changes what is chosen.

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/grammar/token_trie.h"
#include "engine/sampling/large_logits.h"
#include "engine/sampling/token_rule.h"

namespace foreword::engine {

/// One thread. What it points to of itself is lost when it is moved, hence it is not.
class AnswerForm final : public TokenRule {
 public:
  AnswerForm(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie);
  AnswerForm(const AnswerForm&) = delete;
  AnswerForm& operator=(const AnswerForm&) = delete;

  /// What there is of the answer before its first token. False: it fits not.
  bool begin(std::string_view text);
  LogitRow allowed(const LogitRow& row) override;
  void take(std::int32_t token) override;
  bool finished() const override { return matcher_.must_end(state_); }
  void foresee(std::vector<std::int32_t>& tokens) override;
  /// Whether the answer may end where it stands.
  bool may_end() const { return matcher_.may_end(state_); }

  /// What was taken until now stays; what is taken later is forgotten by take_back().
  void keep();
  void take_back() { state_ = kept_; }

 private:
  /// Bytes that must come next, and the token that writes the first of them.
  struct Forced {
    Matcher::State at = -1;
    std::string bytes = {};
    std::int32_t token = kNoToken;  // there is none: whatever fits
  };
  const Forced& forced();
  std::string forced_bytes(Matcher::State state);
  bool allows(std::int32_t token);
  const TokenMask& mask();
  /// visit(token) for all that may come next, in no order.
  template <class Visit>
  void each_allowed(Visit visit);
  std::span<const float> masked();
  /// best_ becomes all that may come next, if they are not many.
  void list_all();

  std::shared_ptr<const TokenTrie> trie_;
  Matcher matcher_;
  Matcher::State state_, kept_;
  Forced forced_;
  std::unordered_map<Matcher::State, TokenMask> masks_;
  LargeLogits large_;
  LogitRow row_;
  std::vector<Candidate> best_;
  std::vector<float> masked_;
  std::function<std::span<const float>()> whole_;
};

}  // namespace foreword::engine

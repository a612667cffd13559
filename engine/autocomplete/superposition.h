#pragma once
// Superposed Decoding (Shen et al. 2024, arXiv 2405.18400), its arithmetic without a model: k drafts that all read one row of
// logits a step, which comes from one row whose embedding is a mixture of their last tokens. Approximate: the pass follows the
// leader, and the others are alternatives to it. Pure.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace foreword::engine {

struct SuperposedParams {
  double alpha = 0;           // weight of the n-grams
  double temperature = 0.06;  // above 0
  std::int32_t n = 9;         // tokens of the row that are looked at
};
/// As published for k drafts of about ten tokens; without n-grams n is 3k, and nothing is smoothed.
SuperposedParams superposed_params(std::int32_t k, bool has_ngrams);

struct TokenWeight {
  TokenId token = 0;
  double weight = 0;
};
/// softmax(logits / temperature), the n largest, renormalised; largest first, of equal ones the lower token. What is not finite is impossible.
std::vector<TokenWeight> sharpened(std::span<const float> logits, double temperature, std::int32_t n);

class Superposition {
 public:
  struct Line {
    std::vector<TokenId> ids;
    std::vector<double> scores;  // of each of them
    double score = 0;            // their sum
    double mean() const { return score / static_cast<double>(ids.size()); }
  };
  enum class Verdict : std::uint8_t { impossible, goes_on, ends };
  /// What a line would be with this token behind it.
  using Judge = std::function<Verdict(std::span<const TokenId> ids, TokenId next)>;
  /// What n-grams say of a token behind a line: a chance, 0 if they never saw it.
  using NgramChance = std::function<double(std::span<const TokenId> ids, TokenId next)>;

  /// The logits of what may follow a line, the others -inf; nothing: those of the row as they are. Good until the next call.
  using Allowed = std::function<std::optional<std::span<const float>>(std::span<const TokenId> ids)>;

  Superposition(std::int32_t k, const SuperposedParams& params, Judge judge, NgramChance ngrams = {});

  /// One row of logits: of the prefix's last token at first, then of the mixture. Leaves at most k lines that go on.
  void step(std::span<const float> logits, const Allowed& allowed = {});
  /// What the next row reads: the last tokens of the lines that go on, each once; weights add up to 1.
  std::vector<TokenWeight> mixture() const;
  const std::vector<Line>& alive() const { return alive_; }
  /// All lines, best mean score first, k of them at most.
  std::vector<Line> ranked() const;

 private:
  double smoothed(double log_p, double chance) const;
  std::int32_t k_;
  SuperposedParams params_;
  Judge judge_;
  NgramChance ngrams_;
  std::vector<Line> alive_{Line{}}, finished_;
};

}  // namespace foreword::engine

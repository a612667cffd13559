#pragma once
// From logits to one token. Steps run in a fixed order (penalties, DRY, top-k, top-p, min-p, temperature), then the token is
// drawn by the Gumbel-max rule with counter-based noise, so the same seed gives the same text whatever else runs. Momentum
// decoding takes the place of what follows DRY. All of it looks at nothing but the logits and the text so far.
// Steps are rows of one table (sampler_params()): name, range, default, help; the command line and later the settings
// panel read them from there.

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/sampling/large_logits.h"
#include "engine/sampling/logit_row.h"

namespace foreword::engine {

/// What is added to a token's logit before everything else; -infinity: it is never chosen.
struct TokenBias {
  std::int32_t token;
  float add;
};

struct SamplingParams {
  float temperature = 0.8F;       // 0 = greedy
  std::int32_t top_k = 40;        // 0 = off
  float top_p = 0.95F;            // 1 = off
  float min_p = 0.05F;            // 0 = off
  float repeat_penalty = 1.0F;    // 1 = off; divides positive logits, multiplies negative ones (Keskar et al. 2019)
  float presence_penalty = 0.0F;  // subtracted once for every token that occurs in the window
  float frequency_penalty = 0.0F;  // subtracted as often as it occurs there
  std::int32_t penalty_window = 64;  // tokens of history that the penalties look at; 0 = none, -1 = all
  float dry_multiplier = 0.0F;    // 0 = off; see dry_lengths()
  float dry_base = 1.75F;
  std::int32_t dry_allowed_length = 2;
  std::int32_t dry_window = -1;   // tokens of history; 0 = none, -1 = all
  float momentum = 0.0F;          // alpha; 0 = off; see momentum_choice()
  std::uint64_t seed = 0;
  std::vector<TokenBias> bias = {};

  /// Whether no noise decides.
  bool greedy() const { return temperature <= 0 || momentum > 0; }
};

/// One adjustable number, for command line, settings and saved values.
struct SamplerParam {
  std::string_view name;   // as in settings: "top_p"
  std::string_view flag;   // on the command line: "--top-p"
  double minimum, maximum, standard;
  std::string_view help;
  std::string_view source;
  double (*get)(const SamplingParams&);
  void (*set)(SamplingParams&, double);
};
std::span<const SamplerParam> sampler_params();

/// Uniform in (0, 1) for token `token` at conversation index `index`: word (token & 3) of
/// Philox4x32-10(key = seed, counter = {index, token >> 2, stream, 0}) (Salmon et al. 2011).
double philox_uniform(std::uint64_t seed, std::uint32_t index, std::uint32_t token, std::uint32_t stream = 0);

/// Gumbel noise at (index, token): -log(-log u). One function for choosing tokens and for guessing what will be chosen.
double gumbel_noise(std::uint64_t seed, std::uint32_t index, std::uint32_t token, std::uint32_t stream = 0);

/// That noise for a random word, u = (word + 0.5) / 2^32, and what it surely does not exceed, without a logarithm: -log(1 - u), by the power
/// of two below 1 - u.
double gumbel_of(std::uint32_t word);
constexpr double gumbel_bound(std::uint32_t word) { return 0.6932 * (1 + std::countl_zero(~word)); }

/// DRY ("don't repeat yourself"; p-e-w 2024): a token that would lengthen a repetition gets less likely, the more the longer that is:
/// its logit falls by multiplier * base ^ (n - allowed_length), where n >= allowed_length is the length of the repetition before it.
/// Tells for every token that follows an earlier place which ends as the history does the length of the longest such match; no
/// match goes over a breaker. breakers: sorted ids. Pairs (token, n > 0), by token.
struct Repetition {
  std::int32_t token, length;
};
std::vector<Repetition> dry_lengths(std::span<const std::int32_t> history, std::span<const std::int32_t> breakers);

/// Momentum decoding (Lan et al. 2022): of the five best candidates the one with the largest p - alpha R(l), ties to the better one. l: 0 if
/// it is new to the history, else the largest l <= 5 such that the last l - 1 tokens and then it have occurred; R(l) = l.
/// p: of all tokens, before any truncation. candidates: by falling logit. Its place among them.
std::size_t momentum_choice(std::span<const Candidate> best, double log_sum, std::span<const std::int32_t> history, double alpha);

/// Chooses tokens for one request. Not thread-safe; keeps only scratch memory, no state between calls.
class Sampler {
 public:
  /// breakers: sorted ids that end what DRY takes for a repetition; must outlive the sampler.
  explicit Sampler(const SamplingParams& params, std::span<const std::int32_t> breakers = {}) : params_(params), breakers_(breakers) {}

  const SamplingParams& params() const { return params_; }
  /// From now on, with the same breakers.
  void use(const SamplingParams& params) { params_ = params; }

  /// What it needs of a row, nearly always.
  LogitWish wish(std::size_t n_banned) const;

  /// logits: one per vocabulary entry, may contain -inf, NaN counts as -inf. The result does not depend on how many of the best are
  /// at hand; where they cannot decide, all are looked at. history: the tokens before this one, oldest
  /// first, prompt included. index: how many tokens the conversation has before this one (the noise's counter).
  /// banned: ids that are never chosen. Ties go to the lower id. Returns -1 if no token is left.
  std::int32_t sample(const LogitRow& logits, std::span<const std::int32_t> history, std::int64_t index,
                      std::span<const std::int32_t> banned);

  /// sample() in two parts, for whoever needs the law as well. First, what is left after all steps but the temperature:
  /// by falling logit after penalties, ties by id, or all by id where no step cuts; empty if no token is left, and without noise the
  /// chosen one alone. Valid until the next call.
  std::span<const Candidate> distribution(const LogitRow& logits, std::span<const std::int32_t> history,
                                          std::span<const std::int32_t> banned);
  /// The likeliest of the row that was looked at last, kBest or fewer, by falling logit: after the penalties, before any truncation.
  static constexpr std::size_t kBest = 8;
  std::span<const Candidate> best() const { return best_; }
  /// Second, the choice among them; -1 if there are none.
  std::int32_t draw(std::span<const Candidate> candidates, std::int64_t index) const;
  /// Their probabilities, in the same order: softmax(logit / temperature).
  void probabilities(std::span<const Candidate> candidates, std::vector<double>& out) const;

 private:
  bool penalises() const;
  /// Whether a step looks at every token.
  bool looks_at_all() const;
  /// How many are left before the steps that look at sums.
  std::size_t most() const;
  /// logit_of(token): a pointer to it, or null where the token does not matter.
  template <class LogitOf>
  void penalise(std::span<const std::int32_t> history, std::size_t n_vocab, LogitOf logit_of);
  template <class LogitOf>
  void penalise_repetitions(std::span<const std::int32_t> history, LogitOf logit_of);
  bool collect_from_best(const LogitRow& logits, std::span<const std::int32_t> history, std::span<const std::int32_t> banned);
  std::span<const float> penalised(std::span<const float> logits, std::span<const std::int32_t> history, std::span<const std::int32_t> banned);
  void choose_by_momentum(std::span<const float> logits, std::span<const std::int32_t> history);
  void collect(std::span<const float> logits, std::size_t most);
  void note_best();
  std::optional<std::size_t> n_left(double total, double slack) const;
  void truncate();
  void truncate_all(std::span<const float> logits);
  void take_all(std::span<const float> logits);

  SamplingParams params_;
  std::span<const std::int32_t> breakers_;
  std::vector<float> logits_;
  LargeLogits large_;
  std::vector<Candidate> candidates_, best_;
  std::vector<std::int32_t> n_seen_;  // by token, all 0 between calls
};

}  // namespace foreword::engine

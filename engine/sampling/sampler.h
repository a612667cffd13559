#pragma once
// From logits to one token. Steps run in a fixed order (penalties, top-k, top-p, min-p, temperature), then the token is
// drawn by the Gumbel-max rule with counter-based noise, so the same seed gives the same text whatever else runs.
// Steps are rows of one table (sampler_params()): name, range, default, help; the command line and later the settings
// panel read them from there.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace foreword::engine {

struct SamplingParams {
  float temperature = 0.8F;       // 0 = greedy
  std::int32_t top_k = 40;        // 0 = off
  float top_p = 0.95F;            // 1 = off
  float min_p = 0.05F;            // 0 = off
  float repeat_penalty = 1.0F;    // 1 = off; divides positive logits, multiplies negative ones (Keskar et al. 2019)
  float presence_penalty = 0.0F;  // subtracted once for every token that occurs in the window
  std::int32_t penalty_window = 64;  // tokens of history that the penalties look at; 0 = none, -1 = all
  std::uint64_t seed = 0;
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

/// A token that may still be chosen.
struct Candidate {
  float logit;  // after penalties, before the division by the temperature
  std::int32_t token;
};

/// Chooses tokens for one request. Not thread-safe; keeps only scratch memory, no state between calls.
class Sampler {
 public:
  explicit Sampler(const SamplingParams& params) : params_(params) {}

  const SamplingParams& params() const { return params_; }

  /// logits: one per vocabulary entry, may contain -inf, NaN counts as -inf. history: the tokens before this one, oldest
  /// first, prompt included. index: how many tokens the conversation has before this one (the noise's counter).
  /// banned: ids that are never chosen. Ties go to the lower id. Returns -1 if no token is left.
  std::int32_t sample(std::span<const float> logits, std::span<const std::int32_t> history, std::int64_t index,
                      std::span<const std::int32_t> banned);

  /// sample() in two parts, for whoever needs the law as well. First, what is left after all steps but the temperature:
  /// by falling logit, ties by id; empty if no token is left, and at temperature 0 the best alone. Valid until the next call.
  std::span<const Candidate> distribution(std::span<const float> logits, std::span<const std::int32_t> history,
                                          std::span<const std::int32_t> banned);
  /// Second, the choice among them; -1 if there are none.
  std::int32_t draw(std::span<const Candidate> candidates, std::int64_t index) const;
  /// Their probabilities, in the same order: softmax(logit / temperature).
  void probabilities(std::span<const Candidate> candidates, std::vector<double>& out) const;

 private:
  void penalise(std::span<const std::int32_t> history);
  void truncate();

  SamplingParams params_;
  std::vector<float> logits_;
  std::vector<Candidate> candidates_;
  std::vector<std::int32_t> seen_;
};

}  // namespace foreword::engine

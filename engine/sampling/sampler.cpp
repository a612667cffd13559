#include "engine/sampling/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace foreword::engine {
namespace {

template <auto Member>
double get_member(const SamplingParams& params) {
  return static_cast<double>(params.*Member);
}
template <auto Member>
void set_member(SamplingParams& params, double value) {
  params.*Member = static_cast<std::remove_reference_t<decltype(params.*Member)>>(value);
}
template <auto Member>
constexpr SamplerParam row(std::string_view name, std::string_view flag, double minimum, double maximum,
                           double standard, std::string_view help, std::string_view source) {
  return {name, flag, minimum, maximum, standard, help, source, &get_member<Member>, &set_member<Member>};
}

constexpr SamplerParam kParams[] = {
    row<&SamplingParams::temperature>("temperature", "--temperature", 0, 10, 0.8,
                                      "Randomness: 0 always takes the likeliest token", "Ackley et al. 1985"),
    row<&SamplingParams::top_k>("top_k", "--top-k", 0, 1e6, 40, "Keep the k likeliest tokens; 0 keeps all",
                                "Fan et al. 2018"),
    row<&SamplingParams::top_p>("top_p", "--top-p", 0, 1, 0.95,
                                "Keep the likeliest tokens that together reach this probability; 1 keeps all",
                                "Holtzman et al. 2020"),
    row<&SamplingParams::min_p>("min_p", "--min-p", 0, 1, 0.05,
                                "Drop tokens less likely than this share of the likeliest; 0 keeps all",
                                "Nguyen et al. 2024"),
    row<&SamplingParams::repeat_penalty>("repeat_penalty", "--repeat-penalty", 0.01, 10, 1.0,
                                         "Make recent tokens less likely by this factor; 1 is off",
                                         "Keskar et al. 2019"),
    row<&SamplingParams::presence_penalty>("presence_penalty", "--presence-penalty", -10, 10, 0.0,
                                           "Lower the logit of every recent token by this much; 0 is off", ""),
    row<&SamplingParams::frequency_penalty>("frequency_penalty", "--frequency-penalty", -10, 10, 0.0,
                                            "Lower the logit of every recent token by this much for each time it occurs; 0 is off", ""),
    row<&SamplingParams::penalty_window>("penalty_window", "--penalty-window", -1, 1e6, 64,
                                         "How many recent tokens the penalties look at; -1 looks at all", ""),
    row<&SamplingParams::dry_multiplier>("dry_multiplier", "--dry-multiplier", 0, 100, 0.0,
                                         "Make what would lengthen a repetition less likely, by this times dry-base to the "
                                         "power of its length; 0 is off",
                                         "p-e-w 2024"),
    row<&SamplingParams::dry_base>("dry_base", "--dry-base", 1, 10, 1.75, "How fast that grows with the repetition", "p-e-w 2024"),
    row<&SamplingParams::dry_allowed_length>("dry_allowed_length", "--dry-allowed-length", 1, 1000, 2,
                                             "Repetitions shorter than this many tokens are let be", "p-e-w 2024"),
    row<&SamplingParams::dry_window>("dry_window", "--dry-window", -1, 1e6, -1,
                                     "How many recent tokens are searched for repetitions; -1 searches all", "p-e-w 2024"),
    row<&SamplingParams::momentum>("momentum", "--momentum", 0, 10, 0.0,
                                   "Momentum decoding: always the likeliest token but where that would go round in circles; 0.2 is "
                                   "usual, 0 is off; takes the place of randomness and truncation",
                                   "Lan et al. 2022"),
};

constexpr float kNever = -std::numeric_limits<float>::infinity();

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53U;
  constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57U;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

}  // namespace

std::span<const SamplerParam> sampler_params() { return kParams; }

namespace {

/// The random words of the tokens that share all but the last two bits.
std::array<std::uint32_t, 4> words_of(std::uint64_t seed, std::uint32_t index, std::uint32_t token, std::uint32_t stream) {
  return philox4x32_10({index, token >> 2, stream, 0}, {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

double uniform_of(std::uint32_t word) { return (static_cast<double>(word) + 0.5) * 0x1p-32; }

}  // namespace

double philox_uniform(std::uint64_t seed, std::uint32_t index, std::uint32_t token, std::uint32_t stream) {
  return uniform_of(words_of(seed, index, token, stream)[token & 3]);
}

double gumbel_of(std::uint32_t word) { return -std::log(-std::log(uniform_of(word))); }

double gumbel_noise(std::uint64_t seed, std::uint32_t index, std::uint32_t token, std::uint32_t stream) {
  return gumbel_of(words_of(seed, index, token, stream)[token & 3]);
}

namespace {

/// Whether something may make a token likelier.
bool raises(const SamplingParams& params) {
  return !params.bias.empty() || (params.penalty_window != 0 && (params.repeat_penalty < 1.0F || params.presence_penalty < 0.0F || params.frequency_penalty < 0.0F));
}

/// The chances of all tokens together, that of the best being 1.
double total_chance(std::span<const float> logits, double best) {
  double total = 0;
  for (const float logit : logits) {
    if (logit > kNever) total += std::exp(logit - best);
  }
  return total;
}

std::span<const std::int32_t> window_of(std::span<const std::int32_t> history, std::int32_t window) {
  return window >= 0 && std::ssize(history) > window ? history.last(static_cast<std::size_t>(window)) : history;
}

}  // namespace

std::vector<Repetition> dry_lengths(std::span<const std::int32_t> history, std::span<const std::int32_t> breakers) {
  const std::size_t n = history.size();
  const auto back = [&](std::size_t i) { return history[n - 1 - i]; };
  std::size_t longest = 0;
  while (longest < n && !std::ranges::binary_search(breakers, back(longest))) ++longest;
  if (longest == 0) return {};
  // Lengths of common ends of the history and of all that lies before it, from the end (the Z function of the reversed text).
  std::vector<Repetition> found;
  std::vector<std::size_t> common(n, 0);
  for (std::size_t i = 1, left = 0, right = 0; i < n; ++i) {
    if (i < right) common[i] = std::min(right - i, common[i - left]);
    while (i + common[i] < n && back(common[i]) == back(i + common[i])) ++common[i];
    if (i + common[i] > right) {
      left = i;
      right = i + common[i];
    }
    if (common[i] > 0) found.push_back({back(i - 1), static_cast<std::int32_t>(std::min(common[i], longest))});
  }
  std::ranges::sort(found, [](const Repetition& a, const Repetition& b) { return a.token != b.token ? a.token < b.token : a.length > b.length; });
  found.erase(std::unique(found.begin(), found.end(), [](const Repetition& a, const Repetition& b) { return a.token == b.token; }), found.end());
  return found;
}

std::size_t momentum_choice(std::span<const Candidate> best, double log_sum, std::span<const std::int32_t> history, double alpha) {
  constexpr std::ptrdiff_t kLongest = 5;
  const std::ptrdiff_t n = std::ssize(history);
  std::size_t chosen = 0;
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < best.size(); ++i) {
    std::ptrdiff_t longest = 0;
    for (std::ptrdiff_t at = 0; at < n && longest < kLongest; ++at) {
      if (history[static_cast<std::size_t>(at)] != best[i].token) continue;
      std::ptrdiff_t l = 1;
      while (l < kLongest && l <= at && history[static_cast<std::size_t>(at - l)] == history[static_cast<std::size_t>(n - l)]) ++l;
      longest = std::max(longest, l);
    }
    const double score = std::exp(static_cast<double>(best[i].logit) - log_sum) - alpha * static_cast<double>(longest);
    if (score > most) {
      most = score;
      chosen = i;
    }
  }
  return chosen;
}

template <class LogitOf>
void Sampler::penalise_repetitions(std::span<const std::int32_t> history, LogitOf logit_of) {
  if (params_.dry_multiplier == 0.0F || params_.dry_window == 0) return;
  constexpr double kMost = 1e4;  // more than any logit, and still a number: if all are that unlikely, they keep their order
  for (const auto& [token, length] : dry_lengths(window_of(history, params_.dry_window), breakers_)) {
    if (length < params_.dry_allowed_length) continue;
    float* logit = logit_of(token);
    if (logit == nullptr) continue;
    const double penalty = params_.dry_multiplier * std::pow(static_cast<double>(params_.dry_base), length - params_.dry_allowed_length);
    *logit -= static_cast<float>(std::min(penalty, kMost));
  }
}

bool Sampler::penalises() const {
  return params_.repeat_penalty != 1.0F || params_.presence_penalty != 0.0F || params_.frequency_penalty != 0.0F || params_.dry_multiplier != 0.0F;
}

bool Sampler::looks_at_all() const { return params_.momentum > 0.0F || (params_.temperature > 0.0F && params_.top_k <= 0); }

std::size_t Sampler::most() const { return params_.temperature > 0.0F ? static_cast<std::size_t>(std::max(params_.top_k, 1)) : 1; }

LogitWish Sampler::wish(std::size_t n_banned) const {
  constexpr std::size_t kPenalised = 64;  // as many as the usual window has; where there are more, the whole row is fetched
  if (looks_at_all() || raises(params_)) return true;
  return LogitWish::best(std::max(most(), kBest) + n_banned + (penalises() ? kPenalised : 0));
}

template <class LogitOf>
void Sampler::penalise(std::span<const std::int32_t> history, std::size_t n_vocab, LogitOf logit_of) {
  const bool active = params_.repeat_penalty != 1.0F || params_.presence_penalty != 0.0F || params_.frequency_penalty != 0.0F;
  if (!active || params_.penalty_window == 0) return;
  history = window_of(history, params_.penalty_window);
  n_seen_.resize(n_vocab, 0);
  const auto exists = [&](std::int32_t token) { return static_cast<std::size_t>(token) < n_vocab; };  // a negative one is too large
  for (const std::int32_t token : history) {
    if (exists(token)) ++n_seen_[static_cast<std::size_t>(token)];
  }
  for (const std::int32_t token : history) {
    const std::int32_t n = exists(token) ? std::exchange(n_seen_[static_cast<std::size_t>(token)], 0) : 0;
    float* logit = n > 0 ? logit_of(token) : nullptr;
    if (logit == nullptr) continue;
    *logit = *logit > 0 ? *logit / params_.repeat_penalty : *logit * params_.repeat_penalty;
    *logit -= params_.presence_penalty + static_cast<float>(n) * params_.frequency_penalty;
  }
}

/// The best so many, in no order.
void Sampler::collect(std::span<const float> logits, std::size_t most) {
  candidates_.clear();
  large_.visit(logits, most, [&](std::size_t i) { candidates_.push_back({logits[i], static_cast<std::int32_t>(i)}); });
  if (candidates_.size() <= most) return;
  std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(most) - 1, candidates_.end(), kBetter);
  candidates_.resize(most);
}

/// How many of candidates_, the best so many by falling logit, top-p and min-p leave. total: of the chances of all tokens, that of the
/// best being 1; the true one may differ by `slack` of it. Nothing if the end lies behind them or if that difference decides.
std::optional<std::size_t> Sampler::n_left(double total, double slack) const {
  const double best = candidates_.front().logit;
  const double wanted = params_.top_p < 1.0F ? params_.top_p * total : std::numeric_limits<double>::infinity();
  const double floor = params_.min_p > 0.0F ? best + std::log(params_.min_p) : kNever;
  double reached = 0;
  for (std::size_t n = 0; n < candidates_.size(); ++n) {
    if (n > 0 && candidates_[n].logit < floor) return n;
    reached += std::exp(candidates_[n].logit - best);
    if (reached >= wanted * (1 + slack)) return n + 1;
    if (reached >= wanted * (1 - slack)) return {};
  }
  return {};
}

/// Top-p and min-p on candidates_, which are sorted by falling logit and all that there are.
void Sampler::truncate() {
  const double best = candidates_.front().logit;
  double total = 0;
  for (const Candidate& c : candidates_) total += std::exp(c.logit - best);
  candidates_.resize(n_left(total, 0).value_or(candidates_.size()));
}

/// What they leave of all tokens: only so many of the best are sorted as it takes to see where the rest begins.
void Sampler::truncate_all(std::span<const float> logits) {
  constexpr std::size_t kFirst = 64, kGrowth = 4;
  constexpr double kOtherOrder = 1e-8;  // two sums of 2^24 positive numbers in different orders are nearer than that
  double total = 0;
  for (std::size_t most = kFirst;; most *= kGrowth) {
    collect(logits, most);
    if (candidates_.empty()) return;
    std::sort(candidates_.begin(), candidates_.end(), kBetter);
    note_best();
    if (candidates_.size() < most) return truncate();
    if (most == kFirst && params_.top_p < 1.0F) total = total_chance(logits, candidates_.front().logit);
    if (const auto left = n_left(total, kOtherOrder)) return candidates_.resize(*left);
  }
}

void Sampler::note_best() {
  best_.assign(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(std::min(candidates_.size(), kBest)));
}

/// Where nothing is cut: all tokens by id, since a choice needs no order.
void Sampler::take_all(std::span<const float> logits) {
  collect(logits, kBest);
  std::sort(candidates_.begin(), candidates_.end(), kBetter);
  note_best();
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > kNever) candidates_.push_back({logits[i], static_cast<std::int32_t>(i)});
  }
}

void Sampler::choose_by_momentum(std::span<const float> logits, std::span<const std::int32_t> history) {
  constexpr std::size_t kCandidates = 5;
  take_all(logits);
  if (candidates_.empty()) return;
  const double top = best_.front().logit;
  double sum = 0;
  for (const Candidate& c : candidates_) sum += std::exp(static_cast<double>(c.logit) - top);
  const auto few = std::span(best_).first(std::min(kCandidates, best_.size()));
  candidates_.assign(1, few[momentum_choice(few, top + std::log(sum), history, params_.momentum)]);
}

/// All logits after the penalties.
std::span<const float> Sampler::penalised(std::span<const float> logits, std::span<const std::int32_t> history,
                                          std::span<const std::int32_t> banned) {
  if (banned.empty() && params_.bias.empty() && !penalises()) return logits;
  logits_.assign(logits.begin(), logits.end());
  const auto logit_of = [&](std::int32_t token) { return token >= 0 && token < std::ssize(logits_) ? &logits_[static_cast<std::size_t>(token)] : nullptr; };
  for (const TokenBias& bias : params_.bias) {
    if (float* logit = logit_of(bias.token)) *logit += bias.add;
  }
  for (const std::int32_t token : banned) {
    if (float* logit = logit_of(token)) *logit = kNever;
  }
  penalise(history, logits.size(), logit_of);
  penalise_repetitions(history, logit_of);
  return logits_;
}

/// The same candidates from the best logits alone: since nothing makes a token likelier, one that is not among them stays behind the
/// last of them. False: too few are left before that one.
bool Sampler::collect_from_best(const LogitRow& logits, std::span<const std::int32_t> history, std::span<const std::int32_t> banned) {
  const std::span<const Candidate> best = logits.best();
  if (best.empty() || looks_at_all() || raises(params_)) return false;
  candidates_.clear();
  std::size_t n_named = 0;
  for (const Candidate& c : best) {
    if (static_cast<std::size_t>(c.token) >= logits.size()) continue;
    ++n_named;
    if (c.logit > kNever && std::ranges::find(banned, c.token) == banned.end()) candidates_.push_back(c);
  }
  std::ranges::sort(candidates_, {}, &Candidate::token);
  const auto logit_of = [&](std::int32_t token) {
    const auto found = std::ranges::lower_bound(candidates_, token, {}, &Candidate::token);
    return found != candidates_.end() && found->token == token ? &found->logit : nullptr;
  };
  penalise(history, logits.size(), logit_of);
  penalise_repetitions(history, logit_of);
  std::ranges::sort(candidates_, kBetter);
  const std::size_t wanted = std::max(most(), kBest);
  const Candidate last = best.back();
  const bool complete = n_named == logits.size() || last.logit == kNever;
  if (!complete && (candidates_.size() < wanted || kBetter(last, candidates_[wanted - 1]))) return false;
  candidates_.resize(std::min(candidates_.size(), wanted));
  while (!candidates_.empty() && !(candidates_.back().logit > kNever)) candidates_.pop_back();
  return true;
}

std::span<const Candidate> Sampler::distribution(const LogitRow& logits, std::span<const std::int32_t> history,
                                                 std::span<const std::int32_t> banned) {
  best_.clear();
  if (looks_at_all()) {
    const std::span<const float> all = penalised(logits.all(), history, banned);
    if (params_.momentum > 0.0F) choose_by_momentum(all, history);
    else if (params_.top_p < 1.0F || params_.min_p > 0.0F) truncate_all(all);
    else take_all(all);
    return candidates_;
  }
  if (!collect_from_best(logits, history, banned)) collect(penalised(logits.all(), history, banned), std::max(most(), kBest));
  if (candidates_.empty()) return {};
  std::sort(candidates_.begin(), candidates_.end(), kBetter);
  note_best();
  candidates_.resize(std::min(candidates_.size(), most()));
  if (params_.temperature > 0.0F) truncate();
  return candidates_;
}

std::int32_t Sampler::draw(std::span<const Candidate> candidates, std::int64_t index) const {
  if (candidates.size() <= 1) return candidates.empty() ? -1 : candidates.front().token;
  std::int32_t chosen = -1;
  double best = -std::numeric_limits<double>::infinity();
  std::array<std::uint32_t, 4> words{};
  std::uint32_t words_for = UINT32_MAX;  // the token, without its last two bits
  for (const Candidate& c : candidates) {
    const double level = static_cast<double>(c.logit) / params_.temperature;
    if (level + gumbel_bound(UINT32_MAX) < best) continue;
    const auto token = static_cast<std::uint32_t>(c.token);
    if (token >> 2 != words_for) {
      words = words_of(params_.seed, static_cast<std::uint32_t>(index), token, 0);
      words_for = token >> 2;
    }
    const std::uint32_t word = words[token & 3];
    if (level + gumbel_bound(word) < best) continue;
    const double score = level + gumbel_of(word);
    if (score > best || (score == best && c.token < chosen)) {
      best = score;
      chosen = c.token;
    }
  }
  return chosen;
}

void Sampler::probabilities(std::span<const Candidate> candidates, std::vector<double>& out) const {
  out.clear();
  double total = 0;
  const float best = candidates.empty() ? kNever : std::ranges::max_element(candidates, {}, &Candidate::logit)->logit;
  for (const Candidate& c : candidates) {
    const double below = static_cast<double>(c.logit) - best;
    out.push_back(c.logit == best ? 1.0 : std::exp(below / params_.temperature));  // infinities are equal
    total += out.back();
  }
  for (double& p : out) p /= total;
}

std::int32_t Sampler::sample(const LogitRow& logits, std::span<const std::int32_t> history, std::int64_t index,
                             std::span<const std::int32_t> banned) {
  return draw(distribution(logits, history, banned), index);
}

}  // namespace foreword::engine

#include "engine/sampling/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace foreword::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::int32_t greedy(std::vector<float> logits, SamplingParams params = {}, std::vector<std::int32_t> history = {},
                    std::vector<std::int32_t> banned = {}) {
  params.temperature = 0;
  return Sampler(params).sample(logits, history, 0, banned);
}

/// How often each token is drawn over n indices.
std::vector<int> draw(const std::vector<float>& logits, const SamplingParams& params, int n) {
  std::vector<int> counts(logits.size());
  Sampler sampler(params);
  for (int index = 0; index < n; ++index) {
    const std::int32_t token = sampler.sample(logits, {}, index, {});
    EXPECT_GE(token, 0);
    ++counts[static_cast<std::size_t>(token)];
  }
  return counts;
}

SamplingParams plain() {
  SamplingParams params;
  params.temperature = 1;
  params.top_k = 0;
  params.top_p = 1;
  params.min_p = 0;
  params.seed = 7;
  return params;
}

TEST(Sampler, ABiasIsAddedBeforeEverythingElse) {
  EXPECT_EQ(greedy({1, 2, 3}, {.bias = {{0, 2.5F}}}), 0);
  EXPECT_EQ(greedy({1, 2, 3}, {.bias = {{0, 1.5F}}}), 2);
  EXPECT_EQ(greedy({1, 2, 3}, {.bias = {{2, -kInfinity}, {1, -100.0F}}}), 0);
  EXPECT_EQ(greedy({1, 2, 3}, {.bias = {{2, 100.0F}}}, {}, {2}), 1) << "what is banned stays so";
  EXPECT_EQ(greedy({1, 2, 3}, {.bias = {{-1, 9.0F}, {3, 9.0F}}}), 2) << "tokens that there are not";
  EXPECT_EQ(greedy({3, 2, 1}, {.repeat_penalty = 2.0F, .bias = {{2, 3.0F}}}, {2}), 0) << "and penalised as it is then: 4 / 2";
  EXPECT_EQ(greedy({-kInfinity, -kInfinity}, {.bias = {{0, 5.0F}}}), -1);
  const std::vector<Candidate> best{{3, 2}, {2, 1}};
  const std::vector<float> all{1, 2, 3};
  const std::function<std::span<const float>()> whole = [&] { return std::span<const float>(all); };
  Sampler sampler({.temperature = 0, .bias = {{0, 2.5F}}});
  EXPECT_EQ(sampler.sample(LogitRow(best, 3, whole), {}, 0, {}), 0) << "it is not among the best";
}

// Known answer of Philox4x32-10 for key 0 and counter 0 (Random123's test vectors).
TEST(Philox, KnownAnswer) {
  constexpr std::uint32_t kWords[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  for (std::uint32_t token = 0; token < 4; ++token) {
    EXPECT_EQ(philox_uniform(0, 0, token), (kWords[token] + 0.5) * 0x1p-32);
  }
}

TEST(Philox, EveryInputMatters) {
  const double base = philox_uniform(1, 2, 3, 0);
  EXPECT_NE(base, philox_uniform(2, 2, 3, 0));
  EXPECT_NE(base, philox_uniform(1ULL << 40 | 1, 2, 3, 0));
  EXPECT_NE(base, philox_uniform(1, 3, 3, 0));
  EXPECT_NE(base, philox_uniform(1, 2, 7, 0));
  EXPECT_NE(base, philox_uniform(1, 2, 3, 1));
}

TEST(Sampler, GreedyTakesTheBestAndTheLowerIdOnTies) {
  EXPECT_EQ(greedy({0, 3, 1, 3}), 1);
  EXPECT_EQ(greedy({-5, -5}), 0);
}

TEST(Sampler, BannedAndBrokenLogitsAreNeverChosen) {
  EXPECT_EQ(greedy({9, 1, 2}, {}, {}, {0}), 2);
  EXPECT_EQ(greedy({9, 1}, {}, {}, {0, 5, -1}), 1);
  EXPECT_EQ(greedy({std::nanf(""), 1, -kInfinity}), 1);
  EXPECT_EQ(greedy({std::nanf(""), -kInfinity}), -1);
  EXPECT_EQ(greedy({1}, {}, {}, {0}), -1);
  EXPECT_EQ(Sampler(plain()).sample(std::vector<float>{1, kInfinity, 2}, {}, 0, {}), 1);
}

TEST(Sampler, FrequenciesFollowTheSoftmax) {
  const std::vector<float> logits{0, 1, 2, -1, 0.5F};
  constexpr int kDraws = 40000;
  for (const float temperature : {0.5F, 1.0F, 2.0F}) {
    SamplingParams params = plain();
    params.temperature = temperature;
    const std::vector<int> counts = draw(logits, params, kDraws);
    double total = 0, chi_square = 0;
    for (const float logit : logits) total += std::exp(logit / temperature);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double expected = kDraws * std::exp(logits[i] / temperature) / total;
      chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    EXPECT_LT(chi_square, 18.5) << "4 degrees of freedom, p = 0.001, seed " << params.seed << ", temperature " << temperature;
  }
}

TEST(Sampler, TheSeedAndTheIndexDecide) {
  const std::vector<float> logits(1000, 0.0F);
  Sampler a(plain()), b(plain());
  for (int index = 0; index < 50; ++index) EXPECT_EQ(a.sample(logits, {}, index, {}), b.sample(logits, {}, index, {}));
  EXPECT_NE(a.sample(logits, {}, 1, {}), a.sample(logits, {}, 2, {}));
  SamplingParams other = plain();
  other.seed = 8;
  EXPECT_NE(a.sample(logits, {}, 1, {}), Sampler(other).sample(logits, {}, 1, {}));
}

TEST(Sampler, TruncationsKeepWhatTheySay) {
  const std::vector<float> logits{std::log(0.5F), std::log(0.3F), std::log(0.15F), std::log(0.05F)};
  const auto survivors = [&](SamplingParams params) {
    params.temperature = 4;  // flat, so that every survivor is drawn
    int n = 0;
    for (const int count : draw(logits, params, 2000)) n += count > 0 ? 1 : 0;
    return n;
  };
  SamplingParams params = plain();
  EXPECT_EQ(survivors(params), 4);
  params.top_k = 2;
  EXPECT_EQ(survivors(params), 2);
  params = plain();
  params.top_p = 0.79F;
  EXPECT_EQ(survivors(params), 2);
  params.top_p = 0.81F;
  EXPECT_EQ(survivors(params), 3);
  params.top_p = 0;
  EXPECT_EQ(survivors(params), 1);
  params = plain();
  params.min_p = 0.2F;
  EXPECT_EQ(survivors(params), 3);
  params.min_p = 1;
  EXPECT_EQ(survivors(params), 1);
}

TEST(Sampler, PenaltiesLookAtTheWindowOnce) {
  SamplingParams params;
  params.repeat_penalty = 2;
  EXPECT_EQ(greedy({4, 3, -1}, params, {0, 0, 0}), 1);   // 4 / 2 = 2, once
  EXPECT_EQ(greedy({-1, -1.5F}, params, {0}), 1);        // -1 * 2 = -2
  params.penalty_window = 1;
  EXPECT_EQ(greedy({4, 3}, params, {0, 1}), 0);          // 0 lies outside
  params.penalty_window = -1;
  EXPECT_EQ(greedy({4, 3, 2.5F}, params, {0, 1}), 2);
  params = {};
  params.presence_penalty = 1.5F;
  EXPECT_EQ(greedy({4, 3}, params, {0, 0, 99, -3}), 1);  // ids outside the vocabulary do nothing
  params.penalty_window = 0;
  EXPECT_EQ(greedy({4, 3}, params, {0}), 0);
  params = {};
  params.frequency_penalty = 0.75F;
  EXPECT_EQ(greedy({4, 3}, params, {0, 99, -3}), 0);     // 4 - 0.75
  EXPECT_EQ(greedy({4, 3}, params, {0, 1, 0, 99, 0}), 1);  // 4 - 3 * 0.75 = 1.75, and 3 - 0.75
  params.penalty_window = 2;
  EXPECT_EQ(greedy({4, 3}, params, {0, 0, 0, 1}), 0);
}

TEST(Sampler, LawAndChoiceMakeASample) {
  const std::vector<float> logits{0, 1, 2, -1, 0.5F, kInfinity};
  SamplingParams params;
  params.top_k = 3;
  params.temperature = 0.5F;
  Sampler sampler(params);
  for (int index = 0; index < 200; ++index) {
    const auto left = sampler.distribution(std::span(logits).first(5), {}, {});
    const std::int32_t token = sampler.draw(left, index);
    EXPECT_EQ(sampler.sample(std::span(logits).first(5), {}, index, {}), token);
  }
  std::vector<double> p;
  sampler.probabilities(sampler.distribution(std::span(logits).first(5), {}, {}), p);
  ASSERT_EQ(p.size(), 3U);  // tokens 2, 1, 4
  const double total = 1 + std::exp(-2) + std::exp(-3);
  EXPECT_NEAR(p[0], 1 / total, 1e-12);
  EXPECT_NEAR(p[1], std::exp(-2) / total, 1e-12);
  sampler.probabilities(sampler.distribution(logits, {}, {}), p);
  EXPECT_EQ(p[0], 1.0);
  params.temperature = 0;
  Sampler greedy_sampler(params);
  EXPECT_EQ(greedy_sampler.distribution(logits, {}, {}).size(), 1U);
}

// ---- Every choice against the definition taken word for word -----------------------------------------------------------

/// What all steps but DRY and momentum leave, all sorted.
std::vector<Candidate> left_plainly(std::vector<float> logits, const SamplingParams& params, std::vector<std::int32_t> history,
                                    const std::vector<std::int32_t>& banned) {
  const auto exists = [&](std::int32_t token) { return token >= 0 && token < std::ssize(logits); };
  for (const std::int32_t token : banned) {
    if (exists(token)) logits[static_cast<std::size_t>(token)] = -kInfinity;
  }
  if (params.penalty_window >= 0 && std::ssize(history) > params.penalty_window) history.erase(history.begin(), history.end() - params.penalty_window);
  for (const std::int32_t token : std::set(history.begin(), history.end())) {
    if (!exists(token)) continue;
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = logit > 0 ? logit / params.repeat_penalty : logit * params.repeat_penalty;
    logit -= params.presence_penalty + static_cast<float>(std::ranges::count(history, token)) * params.frequency_penalty;
  }
  std::vector<Candidate> left;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > -kInfinity) left.push_back({logits[i], static_cast<std::int32_t>(i)});
  }
  std::ranges::sort(left, kBetter);
  if (left.empty()) return left;
  if (params.top_k > 0) left.resize(std::min(left.size(), static_cast<std::size_t>(params.top_k)));
  const double best = left.front().logit;
  double total = 0, reached = 0;
  for (const Candidate& c : left) total += std::exp(c.logit - best);
  for (std::size_t n = 0; params.top_p < 1 && n < left.size(); ++n) {
    reached += std::exp(left[n].logit - best);
    if (reached >= params.top_p * total) left.resize(n + 1);
  }
  if (params.min_p > 0) std::erase_if(left, [&](const Candidate& c) { return c.logit < best + std::log(params.min_p); });
  return left;
}

std::int32_t drawn_plainly(const std::vector<Candidate>& left, const SamplingParams& params, std::int64_t index) {
  std::int32_t chosen = -1;
  double most = 0;
  for (const Candidate& c : left) {
    const double score = static_cast<double>(c.logit) / params.temperature +
                         gumbel_noise(params.seed, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(c.token));
    if (chosen >= 0 && (score < most || (score == most && chosen < c.token))) continue;
    most = score;
    chosen = c.token;
  }
  return chosen;
}

class PlainRows {
 public:
  template <class T, std::size_t n>
  T one_of(const T (&values)[n]) { return values[random_() % n]; }

  /// Flat ones and steep ones, some with many ties, some with what is no usual number.
  std::vector<float> logits(std::size_t n) {
    std::normal_distribution<float> normal(0, one_of({0.0F, 0.1F, 1.0F, 3.0F, 10.0F}));
    std::vector<float> row(n);
    const float step = one_of({0.0F, 0.0F, 1.0F, 0.25F}), shift = one_of({0.0F, 0.0F, -40.0F, 1000.0F});
    const bool strange = random_() % 4 == 0, infinite = random_() % 4 == 0;
    for (float& x : row) {
      x = shift + normal(random_);
      if (step > 0) x = std::round(x / step) * step;
      if (strange && random_() % 4 == 0) x = one_of({-kInfinity, std::nanf(""), 0.0F, -0.0F, -1e38F});
      if (strange && infinite && random_() % n == 0) x = kInfinity;
    }
    return row;
  }
  std::vector<std::int32_t> tokens(std::size_t n, std::size_t vocabulary) {
    std::vector<std::int32_t> ids(random_() % (n + 1));
    for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random_() % (vocabulary + 4)) - 2;
    return ids;
  }
  SamplingParams params() {
    SamplingParams p;
    p.temperature = one_of({0.01F, 0.3F, 0.8F, 1.0F, 5.0F});
    p.top_k = one_of({0, 0, 0, 1, 40, 1000});
    p.top_p = one_of({1.0F, 1.0F, 0.99F, 0.95F, 0.5F, 0.01F, 0.0F});
    p.min_p = one_of({0.0F, 0.0F, 0.05F, 0.5F, 1e-6F, 1.0F});
    p.repeat_penalty = one_of({1.0F, 1.0F, 1.3F, 0.7F});
    p.presence_penalty = one_of({0.0F, 0.0F, 0.5F, -0.5F});
    p.frequency_penalty = one_of({0.0F, 0.0F, 0.3F, -0.3F});
    p.penalty_window = one_of({-1, -1, 0, 5, 64});
    p.seed = (static_cast<std::uint64_t>(random_()) << 32) | random_();
    return p;
  }

 private:
  std::mt19937 random_{20261126};
};

TEST(Sampler, LeavesAndChoosesWhatTheDefinitionSays) {
  PlainRows rows;
  constexpr std::size_t kSizes[] = {1, 8, 63, 64, 65, 300, 300, 300, 1500, 5000};
  Sampler sampler({});  // the same one, so that it has to forget what it saw
  int n_long = 0;
  for (int i = 0; i < 6000 && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(testing::Message() << "case " << i);
    const std::size_t n = i % 300 == 0 ? 70000 : rows.one_of(kSizes);
    const std::vector<float> logits = rows.logits(n);
    const SamplingParams params = rows.params();
    const auto history = rows.tokens(n < 1000 ? 60 : 3000, n), banned = rows.tokens(3, n);
    const std::vector<Candidate> expected = left_plainly(logits, params, history, banned);
    sampler.use(params);
    const auto left = sampler.distribution(logits, history, banned);
    ASSERT_EQ(left.size(), expected.size());
    for (std::int64_t index = i; index < i + 5; ++index) ASSERT_EQ(sampler.draw(left, index), drawn_plainly(expected, params, index));
    std::vector<Candidate> sorted(left.begin(), left.end());
    if (params.top_k == 0 && params.top_p == 1 && params.min_p == 0) std::ranges::sort(sorted, kBetter);
    for (std::size_t at = 0; at < sorted.size(); ++at) ASSERT_TRUE(sorted[at].token == expected[at].token && sorted[at].logit == expected[at].logit) << at;
    SamplingParams uncut = params;
    uncut.top_k = 0;
    uncut.top_p = 1;
    uncut.min_p = 0;
    const auto likeliest = left_plainly(logits, uncut, history, banned);
    ASSERT_EQ(sampler.best().size(), std::min(likeliest.size(), Sampler::kBest));
    for (std::size_t at = 0; at < sampler.best().size(); ++at) ASSERT_EQ(sampler.best()[at].token, likeliest[at].token);
    n_long += left.size() > 64 ? 1 : 0;
  }
  EXPECT_GT(n_long, 500);
}

TEST(Sampler, NoNoiseIsAboveItsBound) {
  for (int bit = 0; bit < 32; ++bit) {
    for (const std::uint32_t distance : {1U << bit, (1U << bit) - 1, (1U << bit) + 1, (1U << bit) * 3 / 2}) {
      for (const std::uint32_t word : {~distance, distance}) EXPECT_LE(gumbel_of(word), gumbel_bound(word)) << word;
    }
  }
  EXPECT_LE(gumbel_of(UINT32_MAX), gumbel_bound(UINT32_MAX));
  EXPECT_LT(gumbel_bound(UINT32_MAX), gumbel_of(UINT32_MAX) + 0.01);
  EXPECT_EQ(gumbel_of(0x6627e8d5), gumbel_noise(0, 0, 0)) << "the known answer's first word";
}

// ---- DRY and momentum, against their definitions taken word for word --------------------------------------------------

std::vector<std::int32_t> some_history(std::mt19937& random) {
  std::vector<std::int32_t> history(random() % 60);
  const unsigned n_words = 1 + random() % 5;
  for (std::int32_t& token : history) token = static_cast<std::int32_t>(random() % n_words);
  return history;
}

/// How long an end of the history also stands right before an earlier `token`, without a breaker in it.
int repetition_before(const std::vector<std::int32_t>& h, std::int32_t token, std::int32_t breaker) {
  int longest = 0;
  for (std::size_t at = 0; at < h.size(); ++at) {
    if (h[at] != token) continue;
    int n = 0;
    while (static_cast<std::size_t>(n) < at && h[at - 1 - static_cast<std::size_t>(n)] == h[h.size() - 1 - static_cast<std::size_t>(n)] &&
           h[h.size() - 1 - static_cast<std::size_t>(n)] != breaker) {
      ++n;
    }
    longest = std::max(longest, n);
  }
  return longest;
}

TEST(Dry, LowersLogitsAsItsDefinitionSays) {
  std::mt19937 random(20261125);
  int n_lowered = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto history = some_history(random);
    const std::int32_t breaker = random() % 2 == 0 ? 0 : 99;
    SamplingParams params = plain();
    params.dry_multiplier = 0.8F;
    params.dry_base = 1.5F;
    params.dry_allowed_length = 1 + static_cast<std::int32_t>(random() % 4);
    params.dry_window = random() % 2 == 0 ? -1 : static_cast<std::int32_t>(random() % 30);
    const std::vector<float> logits{1, 2, 3, 4, 5, 6};
    const std::int32_t breakers[] = {breaker};
    Sampler sampler(params, breakers);
    auto seen = history;
    if (params.dry_window >= 0 && std::ssize(seen) > params.dry_window) seen.erase(seen.begin(), seen.end() - params.dry_window);
    for (const Candidate& c : sampler.distribution(logits, history, {})) {
      const int n = repetition_before(seen, c.token, breaker);
      const bool lowered = n > 0 && n >= params.dry_allowed_length;
      const double penalty = lowered ? std::min(0.8 * std::pow(1.5, n - params.dry_allowed_length), 1e4) : 0;
      ASSERT_NEAR(c.logit, logits[static_cast<std::size_t>(c.token)] - penalty, 1e-3) << "case " << i << ", token " << c.token;
      n_lowered += lowered ? 1 : 0;
    }
  }
  EXPECT_GT(n_lowered, 500);
}

TEST(Dry, AHandMadeCase) {
  SamplingParams params;
  params.dry_multiplier = 1;
  params.dry_base = 2;
  // "1 2 3 ... 1 2": 3 would lengthen a repetition of two tokens.
  EXPECT_EQ(greedy({0, 0, 0, 1.5F, 0.4F}, params, {1, 2, 3, 0, 1, 2}), 3) << "1 off: 0.5";
  EXPECT_EQ(greedy({0, 0, 0, 1.5F, 0.6F}, params, {1, 2, 3, 0, 1, 2}), 4);
  EXPECT_EQ(greedy({0, 0, 0, 1.5F, 0.6F}, params, {1, 2, 3, 0, 9, 2}), 3) << "one token is no repetition";
  EXPECT_EQ(greedy({0, 0, 0, 1.5F, -0.4F}, params, {8, 1, 2, 3, 0, 8, 1, 2}), 0) << "2 off";
}

TEST(Momentum, ChoosesAsItsDefinitionSays) {
  std::mt19937 random(20261125);
  int n_turned = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto history = some_history(random);
    std::vector<float> logits(9);
    for (float& logit : logits) logit = static_cast<float>(random() % 1000) / 250;
    double total = 0;
    for (const float logit : logits) total += std::exp(logit);
    std::vector<std::int32_t> ids(logits.size());
    std::iota(ids.begin(), ids.end(), 0);
    std::ranges::stable_sort(ids, std::greater(), [&](std::int32_t id) { return logits[static_cast<std::size_t>(id)]; });
    std::int32_t expected = -1;
    double best = -1e9;
    for (int rank = 0; rank < 5; ++rank) {
      const std::int32_t c = ids[static_cast<std::size_t>(rank)];
      int circle = 0;
      for (std::size_t l = 1; l <= 5 && l - 1 <= history.size(); ++l) {
        std::vector<std::int32_t> wanted(history.end() - static_cast<std::ptrdiff_t>(l - 1), history.end());
        wanted.push_back(c);
        if (std::search(history.begin(), history.end(), wanted.begin(), wanted.end()) != history.end()) circle = static_cast<int>(l);
      }
      const double score = std::exp(logits[static_cast<std::size_t>(c)]) / total - .2 * circle;
      if (score > best + 1e-12) {
        best = score;
        expected = c;
      }
    }
    SamplingParams params;
    params.momentum = 0.2F;
    params.seed = random();
    EXPECT_EQ(Sampler(params).sample(logits, history, i, {}), expected) << "case " << i;
    n_turned += expected != ids[0] ? 1 : 0;
  }
  EXPECT_GT(n_turned, 500);
}

TEST(SamplerParams, RowsReadAndWriteTheirField) {
  SamplingParams params;
  for (const SamplerParam& row : sampler_params()) {
    EXPECT_NEAR(row.get(params), row.standard, 1e-6) << row.name;
    row.set(params, row.maximum);
    EXPECT_NEAR(row.get(params), row.maximum, 1e-3) << row.name;
    EXPECT_FALSE(row.help.empty());
  }
}

}  // namespace
}  // namespace foreword::engine

#include "engine/speculative/verify.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <tuple>

#include "tests/speculative/one_level.h"
#include "tests/speculative/statistics.h"

namespace foreword::engine {
namespace {

constexpr std::uint64_t kSeed = 20261125;
constexpr std::array kModes{VerifyMode::gumbel, VerifyMode::match, VerifyMode::reject_iid,
                            VerifyMode::reject_without_replacement, VerifyMode::k_seq, VerifyMode::greedy_then_sample};
constexpr std::array<const char*, kVerifyModes> kNames{"gumbel", "match", "reject_iid", "reject_without_replacement", "k_seq",
                                                       "greedy_then_sample"};

struct Outcome {
  std::vector<int> counts;  // of the first token
  double acceptance = 0;    // share of first tokens that were drafted
};

using Change = std::function<void(std::vector<std::int32_t>& order, const Chances& q)>;

/// n first tokens. `change` meddles with the order of the draws before the tree is built; `declare` may say another kind.
Outcome draw(const Pair& pair, VerifyMode mode, int k, int n, Draw kind, Draw declare, const Change& change = {}) {
  Outcome outcome{std::vector<int>(pair.p.size()), 0};
  Sampler sampler(no_steps(kSeed));
  const std::vector<float> logits = logits_of(pair.p);
  const SparseDistribution q = sparse(pair.q);
  std::vector<std::int32_t> text;
  int accepted = 0;
  for (int i = 0; i < n; ++i) {
    std::vector<std::int32_t> order = find_children(kind, pair.q, k, kSeed, static_cast<std::uint32_t>(i));
    if (change) change(order, pair.q);
    const DraftTree tree = one_level(declare, order, q);
    text.assign(1, 0);
    Walk walk(tree, mode, sampler, {.text = &text, .index = i});
    walk.take(logits);
    ++outcome.counts[static_cast<std::size_t>(walk.result().tokens.at(0))];
    accepted += walk.done() ? 0 : 1;
  }
  outcome.acceptance = static_cast<double>(accepted) / n;
  return outcome;
}
Outcome draw(const Pair& pair, VerifyMode mode, int k, int n, const Change& change) {
  return draw(pair, mode, k, n, draw_for(mode), draw_for(mode), change);
}
/// As it should be. Drawn once for all tests of this program, for a million draws take a second and more.
const Outcome& drawn(const Pair& pair, VerifyMode mode, int k, int n) {
  static std::map<std::tuple<std::string, VerifyMode, int, int>, Outcome> known;
  const auto [at, fresh] = known.try_emplace({pair.name, mode, k, n});
  if (fresh) at->second = draw(pair, mode, k, n, {});
  return at->second;
}

// ---- The law ---------------------------------------------------------------------------------------------------------

TEST(VerifyLaw, EveryModeKeepsTheLawOnEveryPair) {
  const int n = n_draws(10000);
  for (const Pair& pair : pairs()) {
    for (const int k : {1, 2, 4, 8}) {
      for (const VerifyMode mode : kModes) {
        const Outcome& outcome = drawn(pair, mode, k, n);
        EXPECT_GT(chi_square_p(pair.p, outcome.counts), 1e-4)
            << pair.name << ", " << kNames[static_cast<std::size_t>(mode)] << ", k=" << k << ", seed " << kSeed;
      }
    }
  }
}

TEST(VerifyLaw, NoDraftsLeavePlainSampling) {
  Sampler sampler(no_steps(kSeed));
  const Pair pair = pairs()[0];
  const std::vector<float> logits = logits_of(pair.p);
  std::vector<std::int32_t> text;
  const DraftTree tree(3);
  for (int i = 0; i < 300; ++i) {
    const std::int32_t plain = sampler.sample(logits, {}, i, {});
    for (const VerifyMode mode : kModes) {
      text.assign(1, 3);
      Walk walk(tree, mode, sampler, {.text = &text, .index = i});
      walk.take(logits);
      EXPECT_EQ(walk.result().tokens, std::vector{plain});
    }
  }
}

TEST(VerifyLaw, GumbelAndMatchEmitThePlainToken) {
  Sampler sampler(no_steps(kSeed));
  const Pair pair = pairs()[3];
  const std::vector<float> logits = logits_of(pair.p);
  std::vector<std::int32_t> text;
  for (int i = 0; i < 500; ++i) {
    const std::int32_t plain = sampler.sample(logits, {}, i, {});
    for (const Draw kind : {Draw::deterministic, Draw::gumbel, Draw::iid, Draw::without_replacement}) {
      const DraftTree tree = one_level(kind, find_children(kind, pair.q, 3, kSeed, static_cast<std::uint32_t>(i)), sparse(pair.q));
      for (const VerifyMode mode : {VerifyMode::gumbel, VerifyMode::match}) {
        text.assign(1, 0);
        Walk walk(tree, mode, sampler, {.text = &text, .index = i});
        walk.take(logits);
        EXPECT_EQ(walk.result().tokens, std::vector{plain});
      }
    }
  }
}

// ---- Acceptance ------------------------------------------------------------------------------------------------------

struct Row {
  const char* pair;
  int k;
  double iid, without, k_seq, gumbel, match, greedy;  // as docs/decoding.md
};
constexpr Row kTable[] = {
    {"near", 1, .949, .948, .948, .921, .453, .950},       {"near", 2, .961, .964, .979, .985, .605, .952},
    {"near", 4, .974, .985, .988, .997, .828, .970},       {"near, T=.6", 2, .964, .968, .976, .993, .789, .964},
    {"near, T=.6", 4, .972, .993, .996, .999, .944, .986}, {"flat, T=2", 2, .967, .969, .976, .985, .422, .957},
    {"flat, T=2", 4, .975, .976, .986, .998, .679, .965},  {"hard", 1, .616, .619, .618, .523, .454, .618},
    {"hard", 2, .738, .744, .746, .730, .470, .675},       {"hard", 4, .774, .833, .814, .876, .572, .818},
    {"p cut", 1, .828, .829, .826, .801, .542, .827},      {"p cut", 2, .958, .968, .965, .967, .725, .857},
    {"p cut", 4, .975, .980, .994, .999, .933, .953},
};

/// Of k-SEQ: how often the rest gives a token that was drafted and refused. Such a child is walked into all the same, which
/// the published acceptance 1 - (1-beta)^k does not count.
double found_in_the_rest(const Pair& pair, int k) {
  const auto beta_of = [&](double rho) {
    double beta = 0;
    for (std::size_t i = 0; i < pair.p.size(); ++i) beta += std::min(pair.q[i], pair.p[i] / rho);
    return beta;
  };
  double low = 1, high = k;
  for (int i = 0; i < 60; ++i) {
    const double rho = (low + high) / 2;
    (1 - std::pow(1 - beta_of(rho), k) > rho * beta_of(rho) ? low : high) = rho;
  }
  const double beta = beta_of(high), refused = std::pow(1 - beta, k);
  double found = 0;
  for (std::size_t i = 0; i < pair.p.size(); ++i) {
    const double taken = std::min(pair.q[i], pair.p[i] / high);
    const double rest = (pair.p[i] - taken * (1 - refused) / beta) / refused;  // as a law
    found += rest * (refused - std::pow(1 - beta - (pair.q[i] - taken), k));
  }
  return found;
}

TEST(VerifyAcceptance, IsWhatTheTableSays) {
  const int n = n_draws(20000);
  const std::vector<Pair> all = pairs();
  for (const Row& row : kTable) {
    const Pair& pair = *std::ranges::find(all, row.pair, &Pair::name);
    const double expected[kVerifyModes] = {row.gumbel, row.match, row.iid, row.without,
                                           row.k_seq + found_in_the_rest(pair, row.k), row.greedy};
    for (const VerifyMode mode : kModes) {
      const double a = drawn(pair, mode, row.k, n).acceptance;
      const double wanted = expected[static_cast<std::size_t>(mode)];
      // The table has three digits, and most of it was drawn 40,000 times itself.
      const double sigma = std::sqrt(wanted * (1 - wanted) * (1.0 / 40000 + 1.0 / n));
      EXPECT_NEAR(a, wanted, 3 * sigma + .0006) << row.pair << ", k=" << row.k << ", " << kNames[static_cast<std::size_t>(mode)];
    }
  }
}

/// P(all of k draws lie in the set), a bit a token.
double all_within(unsigned set, const Chances& q, int k, bool repeats) {
  if (k == 0) return 1;
  const double total = std::accumulate(q.begin(), q.end(), 0.0);
  double sum = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    if ((set >> i & 1) == 0 || q[i] <= 0) continue;
    Chances rest = q;
    if (!repeats) rest[i] = 0;
    sum += q[i] / total * all_within(set, rest, k - 1, repeats);
  }
  return sum;
}

// No coupling of the target with k drafts shares more tokens than 1 + min over sets H of P(H) - P(all drafts in H).
TEST(VerifyAcceptance, StaysBelowTheBestCoupling) {
  const int n = n_draws(10000);
  for (const Pair& pair : pairs()) {
    for (const int k : {1, 2, 4}) {
      for (const VerifyMode mode : {VerifyMode::reject_iid, VerifyMode::k_seq, VerifyMode::reject_without_replacement}) {
        double bound = 1;
        for (unsigned set = 0; set < 256; ++set) {
          double p = 0;
          for (std::size_t i = 0; i < pair.p.size(); ++i) p += (set >> i & 1) != 0 ? pair.p[i] : 0;
          bound = std::min(bound, 1 + p - all_within(set, pair.q, k, mode != VerifyMode::reject_without_replacement));
        }
        EXPECT_LE(drawn(pair, mode, k, n).acceptance, bound + 4 * std::sqrt(.25 * bound / n)) << pair.name << ", k=" << k;
      }
    }
  }
}

// ---- What must not pass ----------------------------------------------------------------------------------------------

Pair pair_named(const char* name) {
  const std::vector<Pair> all = pairs();
  return *std::ranges::find(all, name, &Pair::name);
}

constexpr double kSurely = 1e-12;

double p_value(const Pair& pair, VerifyMode mode, int k, int n, const Change& change) {
  return chi_square_p(pair.p, draw(pair, mode, k, n, change).counts);
}

TEST(VerifyMutants, TheLikeliestDeclaredAsSamples) {
  for (const Draw declared : {Draw::iid, Draw::without_replacement}) {
    const VerifyMode mode = declared == Draw::iid ? VerifyMode::reject_iid : VerifyMode::reject_without_replacement;
    const Pair hard = pair_named("hard");
    EXPECT_LT(chi_square_p(hard.p, draw(hard, mode, 2, 40000, Draw::deterministic, declared).counts), kSurely);
  }
}

TEST(VerifyMutants, DrawsLeftOutByTheirToken) {
  const auto unlikely = [](std::vector<std::int32_t>& order, const Chances& q) {
    std::erase_if(order, [&](std::int32_t token) { return q[static_cast<std::size_t>(token)] < .1; });
  };
  EXPECT_LT(p_value(pair_named("near"), VerifyMode::reject_without_replacement, 2, 40000, unlikely), kSurely);
  EXPECT_LT(p_value(pair_named("near"), VerifyMode::reject_iid, 2, 40000, unlikely), kSurely);
  const auto forbidden = [](std::vector<std::int32_t>& order, const Chances&) {
    std::erase_if(order, [](std::int32_t token) { return token == 2 || token == 3 || token == 4 || token == 6; });
  };
  EXPECT_LT(p_value(pair_named("masked"), VerifyMode::reject_without_replacement, 2, 40000, forbidden), kSurely);
}

TEST(VerifyMutants, DrawsSortedByTheirChance) {
  const auto sorted = [](std::vector<std::int32_t>& order, const Chances& q) {
    std::ranges::sort(order, std::greater(), [&](std::int32_t token) { return q[static_cast<std::size_t>(token)]; });
  };
  EXPECT_LT(p_value(pair_named("hard"), VerifyMode::reject_without_replacement, 4, 40000, sorted), kSurely);
  EXPECT_LT(p_value(pair_named("hard"), VerifyMode::reject_iid, 4, 40000, sorted), kSurely);
}

TEST(VerifyMutants, RepeatsLeftOut) {
  const auto once = [](std::vector<std::int32_t>& order, const Chances&) {
    std::vector<std::int32_t> distinct;
    for (const std::int32_t token : order) {
      if (std::ranges::find(distinct, token) == distinct.end()) distinct.push_back(token);
    }
    order = distinct;
  };
  EXPECT_LT(p_value(pair_named("hard"), VerifyMode::reject_iid, 4, 60000, once), kSurely);
  EXPECT_LT(p_value(pair_named("near"), VerifyMode::k_seq, 4, 200000, once), kSurely);
}

TEST(VerifyMutants, RepeatsGatheredBehindTheFirst) {
  const auto gathered = [](std::vector<std::int32_t>& order, const Chances&) {
    std::vector<std::int32_t> result;
    for (const std::int32_t token : order) {
      if (std::ranges::find(result, token) != result.end()) continue;
      result.insert(result.end(), static_cast<std::size_t>(std::ranges::count(order, token)), token);
    }
    order = result;
  };
  EXPECT_LT(p_value(pair_named("hard"), VerifyMode::reject_iid, 4, 200000, gathered), kSurely);
}

// Wrong arithmetic, which the verifier has no switch for: the rules once more, each with one mistake.
enum class Mistake { none, typical_acceptance, q_not_normalised, residual_by_rank };

std::int32_t mistaken(const Pair& pair, const std::vector<std::int32_t>& order, Mistake mistake, std::uint32_t index) {
  Chances p = pair.p, q = pair.q;
  if (mistake == Mistake::typical_acceptance) {  // accept what is likely enough by entropy, else the best (Medusa)
    double entropy = 0;
    for (const double x : p) entropy -= x > 0 ? x * std::log(x) : 0;
    for (const std::int32_t token : order) {
      if (p[static_cast<std::size_t>(token)] > std::min(.3, .09 * std::exp(-entropy))) return token;
    }
    return static_cast<std::int32_t>(std::ranges::max_element(p) - p.begin());
  }
  std::vector<std::size_t> rank(p.size());
  std::iota(rank.begin(), rank.end(), 0U);
  std::ranges::sort(rank, std::greater(), [&](std::size_t i) { return pair.q[i]; });
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto x = static_cast<std::size_t>(order[i]);
    if (philox_uniform(kSeed, index, static_cast<std::uint32_t>(i), kTryStream) * q[x] < p[x]) return order[i];
    Chances sorted_p = p;
    std::ranges::sort(sorted_p, std::greater());
    for (std::size_t t = 0; t < p.size(); ++t) p[t] = std::max(p[t] - (mistake == Mistake::residual_by_rank ? q[rank[t]] : q[t]), 0.0);
    p = normalised(p);
    q[x] = 0;
    if (mistake != Mistake::q_not_normalised) q = normalised(q);
  }
  return sample(p, philox_uniform(kSeed, index, 999, kTryStream));
}

double p_value(Mistake mistake, int n) {
  const Pair hard = pair_named("hard");
  std::vector<int> counts(hard.p.size());
  for (int i = 0; i < n; ++i) {
    const auto index = static_cast<std::uint32_t>(i);
    const auto order = find_children(Draw::without_replacement, hard.q, 4, kSeed, index);
    ++counts[static_cast<std::size_t>(mistaken(hard, order, mistake, index))];
  }
  return chi_square_p(hard.p, counts);
}

TEST(VerifyMutants, WrongArithmetic) {
  EXPECT_GT(p_value(Mistake::none, 40000), 1e-4);
  EXPECT_LT(p_value(Mistake::typical_acceptance, 40000), kSurely);
  EXPECT_LT(p_value(Mistake::q_not_normalised, 40000), kSurely);
  EXPECT_LT(p_value(Mistake::residual_by_rank, 40000), kSurely);
}

// ---- Rows that are trimmed away while their draws stay ----------------------------------------------------------------

// Two levels, four tokens. The tree is grown in full and then trimmed to the best nodes by chance, which looks at the
// drawn tokens; with the draws kept the law of both tokens stays, with the draws forgotten it does not.
double two_level_p(bool keep_draws, int n) {
  constexpr int kV = 4;
  const Chances p1 = normalised({.5, .1, .3, .1}), q1 = normalised({.1, .5, .2, .2});
  std::array<Pair, kV> below;
  for (int i = 0; i < kV; ++i) {
    Chances p(kV), q(kV);
    for (int t = 0; t < kV; ++t) {
      p[static_cast<std::size_t>(t)] = std::exp(2 * philox_uniform(3, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(t)));
      q[static_cast<std::size_t>(t)] = std::exp(2 * philox_uniform(4, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(t)));
    }
    below[static_cast<std::size_t>(i)] = {"", normalised(p), normalised(q)};
  }
  std::vector<double> law(kV * kV);
  for (std::size_t i = 0; i < law.size(); ++i) law[i] = p1[i / kV] * below[i / kV].p[i % kV];

  Sampler sampler(no_steps(kSeed));
  std::vector<int> counts(law.size());
  std::vector<std::int32_t> text;
  constexpr Draw kKind = Draw::without_replacement;
  for (int i = 0; i < n; ++i) {
    const auto index = static_cast<std::uint32_t>(2 * i);
    DraftTree tree(0);
    const auto grow = [&](std::int32_t node, const Chances& q, std::uint64_t seed) {
      const auto order = find_children(kKind, q, 2, seed, index);
      for (const std::int32_t token : order) tree.add(node, token, static_cast<float>(q[static_cast<std::size_t>(token)]), kKind, {});
      tree.draws[static_cast<std::size_t>(node)] = {order, sparse(q)};
    };
    grow(0, q1, kSeed);
    for (const std::int32_t node : {1, 2}) {
      grow(node, below[static_cast<std::size_t>(tree.token[static_cast<std::size_t>(node)])].q, kSeed + static_cast<std::uint64_t>(node));
    }
    tree.weigh();
    tree.trim(3);
    if (!keep_draws) {
      for (std::int32_t node = 0; node < tree.size(); ++node) {
        std::erase_if(tree.draws[static_cast<std::size_t>(node)].order, [&](std::int32_t token) { return tree.find(node, token) < 0; });
      }
    }
    text.assign(1, 0);
    Walk walk(tree, VerifyMode::reject_without_replacement, sampler, {.text = &text, .index = index});
    walk.take(logits_of(p1));
    const auto first = static_cast<std::size_t>(text.back());
    if (!walk.done()) {
      walk.take(logits_of(below[first].p));
    } else {
      text.push_back(sampler.sample(logits_of(below[first].p), text, index + 1, {}));
    }
    ++counts[first * kV + static_cast<std::size_t>(text[2])];
  }
  return chi_square_p(law, counts);
}

TEST(VerifyTrimming, IsHarmlessAsLongAsDrawsKeepTheirPlace) {
  EXPECT_GT(two_level_p(true, n_draws(40000)), 1e-4);
  EXPECT_LT(two_level_p(false, 40000), kSurely);
}

// ---- The order of things ---------------------------------------------------------------------------------------------

TEST(Legality, IsTheTable) {
  const auto modes = [](Draw draw) {
    std::string legal_in;
    for (const VerifyMode mode : kModes) legal_in += legal(draw, mode) ? 'y' : '-';
    return legal_in;
  };
  EXPECT_EQ(modes(Draw::deterministic), "yy----");
  EXPECT_EQ(modes(Draw::gumbel), "yy----");
  EXPECT_EQ(modes(Draw::iid), "yyy-y-");
  EXPECT_EQ(modes(Draw::without_replacement), "yy-y--");
  EXPECT_EQ(modes(Draw::top_then_sample), "yy---y");
  for (const VerifyMode mode : kModes) EXPECT_TRUE(legal(draw_for(mode), mode));
}

TEST(LegalityDeathTest, IsEnforced) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  Sampler sampler(no_steps(1));
  std::vector<std::int32_t> text{0};
  const DraftTree samples = one_level(Draw::iid, {1, 2}, sparse(pairs()[0].q));
  EXPECT_DEATH(Walk(samples, VerifyMode::reject_without_replacement, sampler, {.text = &text}), "verification allows");
  const DraftTree looked_up = one_level(Draw::deterministic, {1, 2}, {});
  EXPECT_DEATH(Walk(looked_up, VerifyMode::reject_iid, sampler, {.text = &text}), "one of its parent's draws");
  DraftTree forgotten = one_level(Draw::iid, {1, 2}, sparse(pairs()[0].q));
  forgotten.draws[0].order.pop_back();
  EXPECT_DEATH(Walk(forgotten, VerifyMode::reject_iid, sampler, {.text = &text}), "one of its parent's draws");
}

TEST(Walk, ForgivesRowsThatItDoesNotWantAndStopsAtAnEnd) {
  SamplingParams greedy;
  greedy.temperature = 0;
  Sampler sampler(greedy);
  DraftTree tree(0);
  const auto a = tree.add(0, 1, 1, Draw::deterministic, {});
  tree.add(0, 2, 1, Draw::deterministic, {});
  const auto c = tree.add(a, 2, 1, Draw::deterministic, {});
  std::vector<std::int32_t> text{9, 0};
  const auto run = [&](std::function<bool(std::int32_t)> ends) {
    text = {9, 0};
    Walk walk(tree, VerifyMode::gumbel, sampler, {.text = &text, .index = 2, .ends = std::move(ends)});
    const std::vector<float> rows[] = {{0, 1, 0}, {0, 0, 1}, {1, 0, 0}, {1, 0, 0}};
    for (std::int32_t node = 0; node < tree.size(); ++node) {
      if (walk.wants(node)) walk.take(rows[node]);
    }
    EXPECT_TRUE(walk.done());
    return walk.result();
  };
  EXPECT_EQ(run({}).path, (std::vector<std::int32_t>{0, a, c}));
  EXPECT_EQ(text, (std::vector<std::int32_t>{9, 0, 1, 2, 0}));
  EXPECT_EQ(run([](std::int32_t token) { return token == 1; }).path, std::vector<std::int32_t>{0});
  EXPECT_EQ(text, (std::vector<std::int32_t>{9, 0, 1}));
}

TEST(Walk, SaysWhenNoTokenIsLeft) {
  Sampler sampler(no_steps(1));
  std::vector<std::int32_t> text{0};
  const DraftTree tree(0);
  Walk walk(tree, VerifyMode::gumbel, sampler, {.text = &text});
  walk.take(std::vector<float>{std::nanf(""), -INFINITY});
  EXPECT_TRUE(walk.done());
  EXPECT_TRUE(walk.result().exhausted);
  EXPECT_TRUE(walk.result().tokens.empty());
  EXPECT_EQ(text.size(), 1U);
}

// A token that the path already carries is penalised at the node, as it would be in plain decoding.
TEST(Walk, StepsLookAtTheNodesOwnPath) {
  SamplingParams params;
  params.temperature = 0;
  params.presence_penalty = 2;
  Sampler sampler(params);
  DraftTree tree(0);
  const auto a = tree.add(0, 1, 1, Draw::deterministic, {});
  tree.add(a, 2, 1, Draw::deterministic, {});
  std::vector<std::int32_t> text{0};
  Walk walk(tree, VerifyMode::gumbel, sampler, {.text = &text, .index = 1});
  const std::vector<float> row{0, 3, 2};
  walk.take(row);
  walk.take(row);  // token 1 stands on the path: 3 - 2 < 2
  EXPECT_EQ(walk.result().tokens, (std::vector<std::int32_t>{1, 2}));
}

}  // namespace
}  // namespace foreword::engine

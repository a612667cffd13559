#include "engine/speculative/tree_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tests/speculative/one_level.h"
#include "tests/speculative/scripted_model.h"
#include "tests/speculative/statistics.h"

namespace foreword::engine {
namespace {

DraftRules rules_for(const SamplingParams& params, VerifyMode mode, const Text& text, int max_nodes) {
  return {.mode = mode, .temperature = params.temperature, .seed = params.seed, .index = std::ssize(text),
          .max_nodes = max_nodes, .max_depth = 16, .min_reach = 0};
}

GuessSource scripted_source(const ScriptedModel& model, const Text& text, float temperature) {
  return [&model, before = text[text.size() - 2], temperature](const DraftTree& tree, std::int32_t node, std::vector<Guess>& guesses) {
    const auto logits = model.drafter(tree, node, before);
    for (std::size_t i = 0; i < logits.size(); ++i) guesses.push_back({static_cast<std::int32_t>(i), std::exp(logits[i])});
    temper(guesses, temperature);
  };
}

/// Grown anew for every pass, with a calibration that learns.
TextRun grown_text(const ScriptedModel& model, const SamplingParams& params, VerifyMode mode, int length, int max_nodes, Calibration& calibration) {
  Sampler sampler(params);
  TextRun run{{0, 1}, 0};
  DraftTree tree;
  const Draft draft = [&](const Text& text, DraftTree& draft_tree) {
    grow(draft_tree, scripted_source(model, text, params.temperature), rules_for(params, mode, text, max_nodes), 0, calibration);
    draft_tree.weigh();
    draft_tree.trim(max_nodes);
  };
  while (std::ssize(run.text) < length) {
    calibration.learn(tree, pass(model, sampler, mode, draft, tree, run.text));
    EXPECT_EQ(tree.fault(), "");
    EXPECT_LE(tree.n_drafted(), max_nodes);
    ++run.passes;
  }
  return run;
}

TEST(Grow, TextsAreEqualAndCalibrationTellsTheTruth) {
  const ScriptedModel model(16, 2);
  for (const float temperature : {0.0F, .7F, 1.2F}) {
    Calibration calibration({1});
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      SamplingParams params = no_steps(seed);
      params.temperature = temperature;
      const Text plain = plain_text(model, params, 140);
      for (const VerifyMode mode : {VerifyMode::gumbel, VerifyMode::match}) {
        const TextRun run = grown_text(model, params, mode, 120, 8, calibration);
        EXPECT_TRUE(std::equal(run.text.begin(), run.text.end(), plain.begin())) << "temperature " << temperature << ", seed " << seed;
      }
    }
    EXPECT_LT(calibration.brier(), .2) << temperature;
  }
}

// The template that is best on the average: positions by product of the shares in which each rank is taken.
Draft fixed_shape(const ScriptedModel& model, const SamplingParams& params, int n_nodes) {
  constexpr double kTaken[] = {.74, .16, .055, .02, .01, .005};
  struct Place {
    double reach;
    int parent, rank;
  };
  std::vector<Place> shape{{1, -1, 0}};
  while (static_cast<int>(shape.size()) <= n_nodes) {
    Place best{0, -1, 0};
    for (int parent = 0; parent < static_cast<int>(shape.size()); ++parent) {
      for (int rank = 0; rank < 6; ++rank) {
        const bool taken = std::ranges::any_of(shape, [&](const Place& place) { return place.parent == parent && place.rank == rank; });
        const double reach = shape[static_cast<std::size_t>(parent)].reach * kTaken[rank];
        if (!taken && reach > best.reach) best = {reach, parent, rank};
      }
    }
    shape.push_back(best);
  }
  return [&model, params, shape](const Text& text, DraftTree& tree) {
    std::vector<std::vector<std::int32_t>> children;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (i > 0) tree.add(shape[i].parent, children[static_cast<std::size_t>(shape[i].parent)][static_cast<std::size_t>(shape[i].rank)], .5F, Draw::gumbel, {});
      Chances q;
      for (const float logit : model.drafter(tree, static_cast<std::int32_t>(i), text[text.size() - 2])) q.push_back(std::exp(static_cast<double>(logit)));
      const auto index = static_cast<std::uint32_t>(text.size()) + static_cast<std::uint32_t>(tree.depth[i]);
      children.push_back(find_children(Draw::gumbel, q, 6, params.seed, index));
    }
    tree.weigh();
    tree.trim(tree.n_drafted());
  };
}

TEST(Grow, IsNoWorseThanTheBestFixedShape) {
  const ScriptedModel model(16, 2);
  for (const int n_nodes : {16, 32, 64}) {
    Calibration calibration({1});
    double grown = 0, fixed = 0, tokens = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      const SamplingParams params = no_steps(seed);
      const TextRun run = grown_text(model, params, VerifyMode::gumbel, 200, n_nodes, calibration);
      grown += run.passes;
      tokens += static_cast<double>(run.text.size());
      fixed += speculative_text(model, params, VerifyMode::gumbel, 200, fixed_shape(model, params, n_nodes)).passes;
    }
    EXPECT_LE(grown, fixed * 1.005) << n_nodes << " nodes: " << tokens / grown << " tokens a pass against " << tokens / fixed;
    RecordProperty("passes_" + std::to_string(n_nodes), std::to_string(grown) + " against " + std::to_string(fixed));
  }
}

// Sampled growth, whose shape depends on what was drawn, keeps the law of two tokens together.
TEST(Grow, SampledTreesKeepTheLaw) {
  constexpr int kV = 4;
  const ScriptedModel model(kV, 21, 1.3F, 1);
  std::vector<double> law(kV * kV), p;
  Sampler exact(no_steps(0));
  const auto chance = [&](std::int32_t before, std::int32_t last, int token) {
    const auto left = exact.distribution(model.target(before, last), {}, {});
    exact.probabilities(left, p);
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (left[i].token == token) return p[i];
    }
    return 0.0;
  };
  for (int a = 0; a < kV; ++a) {
    for (int b = 0; b < kV; ++b) law[static_cast<std::size_t>(a * kV + b)] = chance(0, 1, a) * chance(1, a, b);
  }
  for (const VerifyMode mode : {VerifyMode::reject_without_replacement, VerifyMode::reject_iid, VerifyMode::k_seq, VerifyMode::greedy_then_sample}) {
    for (const int n_nodes : {3, 5, 8}) {
      std::vector<int> counts(law.size());
      const Calibration calibration({1});
      const int n = std::min(n_draws(8000), 200000);
      for (int i = 0; i < n; ++i) {
        const SamplingParams params = no_steps(static_cast<std::uint64_t>(i) + 1);
        const TextRun run = speculative_text(model, params, mode, 4, [&](const Text& text, DraftTree& tree) {
          grow(tree, scripted_source(model, text, 1), rules_for(params, mode, text, n_nodes), 0, calibration);
          tree.weigh();
          tree.trim(n_nodes - 1);  // also after the fact
        });
        ++counts[static_cast<std::size_t>(run.text[2] * kV + run.text[3])];
      }
      EXPECT_GT(chi_square_p(law, counts), 1e-4) << static_cast<int>(mode) << ", " << n_nodes << " nodes";
    }
  }
}

TEST(Grow, KeepsItsLimits) {
  const Calibration calibration({1});
  const GuessSource fork = [](const DraftTree&, std::int32_t, std::vector<Guess>& guesses) { guesses = {{1, .6F}, {2, .4F}}; };
  DraftRules rules{.mode = VerifyMode::match, .max_nodes = 100, .max_depth = 3, .min_reach = 0};
  DraftTree tree(0);
  grow(tree, fork, rules, 0, calibration);
  EXPECT_EQ(tree.n_drafted(), 14);
  rules.max_nodes = 5;
  tree.clear(0);
  grow(tree, fork, rules, 0, calibration);
  EXPECT_EQ(tree.n_drafted(), 5);
  rules.min_reach = 1;
  tree.clear(0);
  grow(tree, fork, rules, 0, calibration);
  EXPECT_EQ(tree.n_drafted(), 0);
  tree.clear(0);
  grow(tree, [](const DraftTree&, std::int32_t, std::vector<Guess>&) {}, {.max_nodes = 5}, 0, calibration);
  EXPECT_EQ(tree.n_drafted(), 0);
}

TEST(Grow, TwoSourcesMeetInOneTree) {
  const Calibration calibration({1, 1});
  const DraftRules rules{.mode = VerifyMode::gumbel, .max_nodes = 2, .min_reach = 0};
  DraftTree tree(0);
  grow(tree, [](const DraftTree&, std::int32_t node, std::vector<Guess>& guesses) { guesses = {{node + 1, 1}}; }, rules, 0, calibration);
  grow(tree, [](const DraftTree&, std::int32_t node, std::vector<Guess>& guesses) { guesses = {{node * 2 + 1, 1}}; }, rules, 1, calibration);
  EXPECT_EQ(tree.token, (std::vector<std::int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(tree.parent, (std::vector<std::int32_t>{-1, 0, 1, 1}));
  EXPECT_EQ(tree.claims.size(), 4U);
  EXPECT_GT(tree.chance[1], calibration.chance(0, margin_cell(0, INFINITY, false)));
}

TEST(Temper, IsThePowerOfTheInverse) {
  std::vector<Guess> guesses{{1, .5F}, {2, .25F}};
  temper(guesses, .5F);
  EXPECT_FLOAT_EQ(guesses[0].p, .25F);
  EXPECT_FLOAT_EQ(guesses[1].p, .0625F);
  temper(guesses, 0);
  EXPECT_FLOAT_EQ(guesses[0].p, .25F);
}

}  // namespace
}  // namespace foreword::engine

#include "engine/speculative/small_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/speculative/one_level.h"
#include "tests/speculative/scripted_draft_model.h"
#include "tests/speculative/statistics.h"

namespace foreword::engine {
namespace {

DraftTree proposed(DraftModel& model, const SamplingParams& params, VerifyMode mode, std::int64_t index, int max_nodes, int max_depth = 16) {
  SmallModel drafter(model);
  const Calibration calibration({1});
  DraftTree tree(1);
  drafter.follow(Text{0, 1}, 0);
  drafter.propose({.mode = mode, .temperature = params.temperature, .seed = params.seed, .index = index, .max_nodes = max_nodes,
                   .max_depth = max_depth, .sampling = &params}, 0, calibration, tree);
  tree.weigh();
  return tree;
}

TEST(SmallModel, AStopEndsItBetweenTwoPasses) {
  const ScriptedModel model(16, 2);
  for (int mode = 0; mode < kVerifyModes; ++mode) {
    ScriptedDraftModel second(model);
    SmallModel drafter(second);
    const Calibration calibration({1});
    SamplingParams params = no_steps(7);
    params.temperature = .8F;
    DraftTree tree(1);
    drafter.follow(Text{0, 1}, 0);
    int asked = 0;
    drafter.propose({.mode = static_cast<VerifyMode>(mode), .temperature = params.temperature, .seed = params.seed, .index = 2, .max_nodes = 24,
                     .sampling = &params, .level = {.pass = 0}, .go_on = [&] { return ++asked < 2; }}, 0, calibration, tree);
    EXPECT_EQ(asked, 2) << mode;
    EXPECT_EQ((1 << 30) - second.passes_left, 2) << mode;
    tree.weigh();
    tree.trim(tree.n_drafted());
    EXPECT_EQ(tree.fault(), "") << mode;
  }
}

TEST(SmallModel, GrowsLevelByLevelWithinItsLimits) {
  const ScriptedModel model(16, 2);
  ScriptedDraftModel drafter(model);
  for (const float temperature : {0.0F, .8F}) {
    for (int mode = 0; mode < kVerifyModes; ++mode) {
      SamplingParams params = no_steps(7);
      params.temperature = temperature;
      for (const int max_nodes : {0, 1, 5, 24}) {
        DraftTree tree = proposed(drafter, params, static_cast<VerifyMode>(mode), 2, max_nodes, 4);
        EXPECT_LE(tree.n_drafted(), max_nodes);
        EXPECT_EQ(tree.n_drafted() > 0, max_nodes > 0);
        EXPECT_LE(std::ranges::max(tree.depth), 4);
        tree.trim(tree.n_drafted());
        EXPECT_EQ(tree.fault(), "");
      }
    }
  }
}

TEST(SmallModel, GoesOnUntilThereAreAsManyAsItIsTold) {
  const ScriptedModel model(16, 2);
  const Calibration calibration({1});
  const SamplingParams params = no_steps(7);
  const auto n_drafted = [&](int least, const LevelPrice& level) {
    ScriptedDraftModel second(model);
    SmallModel drafter(second);
    DraftTree tree(1);
    drafter.follow(Text{0, 1}, 0);
    drafter.propose({.seed = params.seed, .index = 2, .max_nodes = 40, .least_nodes = least, .min_reach = .2F, .sampling = &params, .level = level}, 0, calibration, tree);
    return tree.n_drafted();
  };
  for (const LevelPrice& dear : {LevelPrice{.pass = 9}, LevelPrice{.pass = 9, .row = 9}, LevelPrice{.pass = 0, .row = 9}}) {
    const int untold = n_drafted(0, dear);
    EXPECT_LE(untold, 8) << "one level";
    EXPECT_EQ(n_drafted(untold, dear), untold);
    EXPECT_GT(n_drafted(untold + 1, dear), untold);
  }
}

TEST(SmallModel, AModelThatCannotGoOnLeavesAGoodTree) {
  const ScriptedModel model(16, 2);
  ScriptedDraftModel drafter(model);
  for (const VerifyMode mode : {VerifyMode::gumbel, VerifyMode::reject_without_replacement}) {
    drafter.passes_left = 1;
    DraftTree tree = proposed(drafter, no_steps(3), mode, 2, 24);
    EXPECT_EQ(std::ranges::max(tree.depth), 1);
    drafter.passes_left = 0;
    EXPECT_EQ(proposed(drafter, no_steps(3), mode, 2, 24).n_drafted(), 0);
  }
}

TEST(SmallModel, TextsAreEqualAndPassesFew) {
  const ScriptedModel model(16, 2);
  for (const float temperature : {0.0F, .7F, 1.2F}) {
    int passes = 0, tokens = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      SamplingParams params = no_steps(seed);
      params.temperature = temperature;
      params.top_p = .95F;
      ScriptedDraftModel table(model);
      SmallModel drafter(table);
      Calibration calibration({1});
      const TextRun run = speculative_text(model, params, VerifyMode::gumbel, 122, [&](const Text& text, DraftTree& tree) {
        drafter.follow(text, 0);
        drafter.propose({.temperature = temperature, .seed = seed, .index = std::ssize(text), .max_nodes = 12, .sampling = &params}, 0, calibration, tree);
        tree.weigh();
        tree.trim(12);
      });
      const Text plain = plain_text(model, params, 160);
      EXPECT_TRUE(std::equal(run.text.begin(), run.text.end(), plain.begin())) << "temperature " << temperature << ", seed " << seed;
      passes += run.passes;
      tokens += static_cast<int>(run.text.size()) - 2;
    }
    EXPECT_GT(tokens, 3 * passes) << temperature;
    RecordProperty("tokens_per_pass_at_" + std::to_string(static_cast<int>(10 * temperature)), std::to_string(static_cast<double>(tokens) / passes));
  }
}

// The first two paths of a beam are two whole paths drawn without replacement.
TEST(StochasticBeam, DrawsPathsWithoutReplacement) {
  constexpr int kV = 3;
  const ScriptedModel model(kV, 4, 1);
  const auto chances = [&](std::int32_t before, std::int32_t last) {
    Chances q;
    for (const float logit : model.drafter(before, last)) q.push_back(std::exp(static_cast<double>(logit)));
    return normalised(q);
  };
  Chances path_law;
  for (int a = 0; a < kV; ++a) {
    for (int b = 0; b < kV; ++b) path_law.push_back(chances(0, 1)[static_cast<std::size_t>(a)] * chances(1, a)[static_cast<std::size_t>(b)]);
  }
  constexpr std::size_t kPaths = kV * kV;
  std::vector<double> law(kPaths * kPaths);
  for (std::size_t i = 0; i < kPaths; ++i) {
    for (std::size_t j = 0; j < kPaths; ++j) law[i * kPaths + j] = i == j ? 0 : path_law[i] * path_law[j] / (1 - path_law[i]);
  }
  std::vector<int> counts(law.size());
  const int n = std::min(n_draws(10000), 200000);
  for (int i = 0; i < n; ++i) {
    std::vector<std::pair<double, std::size_t>> paths;
    std::vector<BeamPath> beam;
    const auto extend = [&](const BeamPath& path, std::int32_t before, std::int32_t last, std::uint32_t stream) {
      std::vector<double> log_q, noise;
      const Chances q = chances(before, last);
      for (int t = 0; t < kV; ++t) {
        log_q.push_back(std::log(q[static_cast<std::size_t>(t)]));
        noise.push_back(gumbel_noise(99, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(t), stream));
      }
      const auto keys = perturbed_keys(path, log_q, noise);
      std::vector<BeamPath> next;
      for (int t = 0; t < kV; ++t) next.push_back({t, path.log_q + log_q[static_cast<std::size_t>(t)], keys[static_cast<std::size_t>(t)]});
      EXPECT_NEAR(std::ranges::max(keys), path.key, 1e-9);
      return next;
    };
    beam = extend({0, 0, 0}, 0, 1, 3);
    std::ranges::sort(beam, std::greater(), &BeamPath::key);
    beam.resize(2);
    for (std::size_t slot = 0; slot < 2; ++slot) {
      for (const BeamPath& path : extend(beam[slot], 1, beam[slot].node, 4 + static_cast<std::uint32_t>(slot))) {
        paths.push_back({path.key, static_cast<std::size_t>(beam[slot].node * kV + path.node)});
      }
    }
    std::ranges::sort(paths, std::greater());
    ++counts[paths[0].second * kPaths + paths[1].second];
  }
  EXPECT_GT(chi_square_p(law, counts), 1e-4);
}

// Verified without replacement, the beam keeps the law of two tokens together.
double two_token_p(int max_nodes, int n) {
  constexpr int kV = 4;
  const ScriptedModel model(kV, 21, 1.3F, 1);
  std::vector<double> law(kV * kV);
  const auto chances = [&](std::int32_t before, std::int32_t last) {
    Chances p;
    for (const float logit : model.target(before, last)) p.push_back(std::exp(static_cast<double>(logit)));
    return normalised(p);
  };
  for (int a = 0; a < kV; ++a) {
    for (int b = 0; b < kV; ++b) law[static_cast<std::size_t>(a * kV + b)] = chances(0, 1)[static_cast<std::size_t>(a)] * chances(1, a)[static_cast<std::size_t>(b)];
  }
  std::vector<int> counts(law.size());
  ScriptedDraftModel table(model);
  SmallModel drafter(table);
  const Calibration calibration({1});
  for (int i = 0; i < n; ++i) {
    const SamplingParams params = no_steps(static_cast<std::uint64_t>(i) + 1);
    const TextRun run = speculative_text(model, params, VerifyMode::reject_without_replacement, 4, [&](const Text& text, DraftTree& tree) {
      drafter.follow(text, 0);
      drafter.propose({.mode = VerifyMode::reject_without_replacement, .temperature = 1, .seed = params.seed, .index = std::ssize(text),
                       .max_nodes = max_nodes, .max_depth = 2, .sampling = &params}, 0, calibration, tree);
      tree.weigh();
      tree.trim(max_nodes);
    });
    ++counts[static_cast<std::size_t>(run.text[2] * kV + run.text[3])];
  }
  return chi_square_p(law, counts);
}

TEST(StochasticBeam, KeepsTheLawOfTwoTokens) {
  for (const int width : {2, 3, 5}) EXPECT_GT(two_token_p(4 * width, std::min(n_draws(8000), 200000)), 1e-4) << width;
}

}  // namespace
}  // namespace foreword::engine

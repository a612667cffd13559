#include "engine/speculative/controller.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace foreword::engine {
namespace {

CostModel straight(double one, double each, int most = 64) {
  CostModel cost;
  for (const int n : CostModel::row_counts(most)) cost.measure(n, one + each * (n - 1));
  return cost;
}

// ---- Costs -----------------------------------------------------------------------------------------------------------

TEST(CostModel, IsLinearBetweenWhatWasMeasured) {
  CostModel cost;
  EXPECT_FALSE(cost.known());
  cost.measure(8, .016);
  cost.measure(1, .010);
  cost.measure(4, .012);
  EXPECT_TRUE(cost.known());
  EXPECT_EQ(cost.max_rows(), 8);
  EXPECT_NEAR(cost.seconds(1), .010, 1e-9);
  EXPECT_NEAR(cost.seconds(6), .014, 1e-9);
  EXPECT_NEAR(cost.seconds(16), .032, 1e-9);
  cost.measure(4, .013);
  EXPECT_NEAR(cost.seconds(4), .013, 1e-9);
}

TEST(CostModel, NeverFalls) {
  std::mt19937 random(6);
  for (int round = 0; round < 50; ++round) {
    CostModel cost;
    for (const int n : CostModel::row_counts(128)) cost.measure(n, .001 * (1 + random() % 100));
    for (int i = 0; i < 100; ++i) cost.observe(1 + static_cast<int>(random() % 140), .001 * (1 + random() % 200));
    for (int n = 2; n < 150; ++n) EXPECT_GE(cost.seconds(n), cost.seconds(n - 1) - 1e-12);
  }
}

TEST(CostModel, FollowsASlowerMachineAsAWhole) {
  CostModel cost = straight(.010, .001);
  for (int i = 0; i < 200; ++i) cost.observe(5, .028);  // twice as slow as measured
  EXPECT_NEAR(cost.seconds(5), .028, .001);
  EXPECT_NEAR(cost.seconds(1), .020, .004);
  EXPECT_NEAR(cost.seconds(33), .084, .016);
  const double before = cost.seconds(5);
  cost.observe(5, 10);  // one interrupted pass
  EXPECT_LT(cost.seconds(5), 1.1 * before);
}

TEST(CostModel, MeasuresNoMoreThanFits) {
  EXPECT_EQ(CostModel::row_counts(8), (std::vector<int>{1, 2, 3, 4, 6, 8}));
  EXPECT_EQ(CostModel::row_counts(0), std::vector<int>{});
}

// ---- Size ------------------------------------------------------------------------------------------------------------

TEST(ChooseSize, IsTheBestOfTheMeasuredSizes) {
  std::mt19937 random(9);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> reach(random() % 60);
    for (float& r : reach) r = static_cast<float>(random() % 1000) / 1000;
    std::ranges::sort(reach, std::greater());
    CostModel cost;
    for (const int n : CostModel::row_counts(64)) cost.measure(n, .01 + .0001 * n * static_cast<double>(random() % 100) / 30);
    const Load load{static_cast<int>(random() % 3), static_cast<double>(random() % 3)};
    const Size size = choose_size(reach, cost, .0002, load);
    double best = 0, sum = 0;
    for (std::size_t n = 0; n <= reach.size(); ++n) {
      if (n > 0) sum += static_cast<double>(reach[n - 1]);
      if (!cost.measured(load.rows + 1 + static_cast<int>(n)) && n < reach.size()) continue;
      best = std::max(best, (load.value + 1 + sum) / (.0002 + cost.seconds(load.rows + 1 + static_cast<int>(n))));
    }
    const double none = (load.value + 1) / (.0002 + cost.seconds(load.rows + 1));
    EXPECT_NEAR(size.rate, best > kWorthwhile * none ? best : none, 1e-9);
    EXPECT_LE(size.nodes, static_cast<int>(reach.size()));
  }
}

TEST(ChooseSize, TakesNothingThatDoesNotPay) {
  const std::vector<float> reach{.5F, .3F, .1F};
  EXPECT_EQ(choose_size(reach, straight(.01, .01), 0, {}).nodes, 0);
  EXPECT_EQ(choose_size(reach, straight(.01, .004), 0, {}).nodes, 1);
  EXPECT_EQ(choose_size(reach, straight(.01, .0001), 0, {}).nodes, 3);
  EXPECT_EQ(choose_size(reach, straight(.01, .0001, 2), 0, {}).nodes, 1);  // more was not measured
  EXPECT_EQ(choose_size(reach, straight(.01, .0001), 0, {.back = .005}).nodes, 1);  // behind a long text
}

TEST(ChooseSize, StepsInTheCostAreUsedUp) {
  CostModel cost;
  for (const int n : CostModel::row_counts(64)) cost.measure(n, .01 * std::ceil(n / 8.0));
  EXPECT_EQ(choose_size(std::vector<float>(40, .05F), cost, 0, {}).nodes, 7);
}

// ---- Whom to ask -----------------------------------------------------------------------------------------------------

/// A drafter that is judged by what it found alone.
constexpr Outlook kHopeless{.chance = 0};

/// One step with one child of this reach by drafter 0.
void step(Controller& controller, double draft_seconds, float reach) {
  DraftTree tree(0);
  if (controller.wants(0, kHopeless)) {
    tree.add(0, 1, reach, Draw::deterministic, {});
    controller.asked(0, {draft_seconds});
  }
  tree.weigh();
  controller.decide(tree, {});
}

TEST(Controller, AsksWhomItsTimeIsWorthAndLooksAgain) {
  Controller controller(1);
  controller.cost() = straight(.010, .0001);
  for (int i = 0; i < 20; ++i) step(controller, .001, .5F);
  EXPECT_TRUE(controller.wants(0, kHopeless));
  for (int i = 0; i < 40; ++i) step(controller, .001, .001F);
  EXPECT_FALSE(controller.wants(0, kHopeless));
  int asked = 0;
  for (int i = 0; i < 320; ++i) {
    asked += controller.wants(0, kHopeless) ? 1 : 0;
    step(controller, .001, .001F);
  }
  EXPECT_EQ(asked, 10);
  for (int i = 0; i < 1000; ++i) step(controller, .001, .9F);  // it has become good
  EXPECT_TRUE(controller.wants(0, kHopeless));
  step(controller, .001, .9F);
  EXPECT_TRUE(controller.wants(0, kHopeless));
}

TEST(Controller, DoesNotAskToLearnWhatItIsTold) {
  Controller controller(1);
  controller.cost() = straight(.010, .0001);
  EXPECT_TRUE(controller.wants(0, {})) << "nothing is known";
  controller.expect(0, {.02, .001});
  int before = 0;
  for (; before < 1000 && !controller.wants(0, {}); ++before) controller.decide(DraftTree(0), {});
  EXPECT_EQ(before, 199) << "a hundredth of the time";
}

TEST(Controller, ReadsWhatIsMissingOnlyIfTheAnswerIsLongEnough) {
  Controller controller(1);
  controller.cost() = straight(.010, .0001);
  controller.expect(0, {.001, .0005});  // chains of three may save .0055 s a step, 32 steps are expected
  EXPECT_TRUE(controller.wants(0, {}, 170));
  EXPECT_FALSE(controller.wants(0, {}, 180));
  for (int answer = 0; answer < 4; ++answer) {
    controller.begin_answer();
    for (int i = 0; i < 5; ++i) controller.decide(DraftTree(0), {});
  }
  controller.begin_answer();
  EXPECT_TRUE(controller.wants(0, {}, 75)) << "18 steps by now";
  EXPECT_FALSE(controller.wants(0, {}, 115));
  for (int i = 0; i < 26; ++i) controller.decide(DraftTree(0), {});
  EXPECT_TRUE(controller.wants(0, {}, 115)) << "this one has gone on for longer";
}

TEST(Controller, PricesFurtherLevelsApartFromTheFirst) {
  Controller controller(1);
  controller.cost() = straight(.010, .0001);
  EXPECT_NEAR(controller.level_share(0), .3, 1e-9) << "nothing is known";
  controller.expect(0, {.001, .0001});
  EXPECT_NEAR(controller.level_share(0), .1, 1e-9);
  for (int i = 0; i < 60; ++i) controller.asked(0, {.003, .004, 2});
  EXPECT_NEAR(controller.level_share(0), .2, 1e-3);
  for (int i = 0; i < 60; ++i) controller.asked(0, {.005});
  EXPECT_NEAR(controller.level_share(0), .2, 1e-3) << "a first level tells nothing of others";
}

TEST(Controller, ALeastSizeHoldsWhereADraftModelIsAskedAndThereAreSoMany) {
  const auto nodes_of = [](double draft_seconds, int n_drafted, int least) {
    Controller controller(1, least);
    controller.cost() = straight(.010, .010);  // nothing pays
    controller.expect(0, {draft_seconds, 0});
    EXPECT_EQ(controller.wants(0, {.chance = .1}), least > 0 || draft_seconds < 2e-5);
    DraftTree tree(0);
    for (int i = 0; i < n_drafted; ++i) tree.add(0, 1 + i, .1F, Draw::deterministic, {});
    controller.asked(0, {draft_seconds});
    tree.weigh();
    return controller.decide(tree, {}).nodes;
  };
  EXPECT_EQ(nodes_of(.001, 5, 0), 0);
  EXPECT_EQ(nodes_of(.001, 5, 3), 3);
  EXPECT_EQ(nodes_of(.001, 2, 3), 2);
  EXPECT_EQ(nodes_of(.00001, 5, 3), 0) << "what costs nothing drafts as much as pays";
  EXPECT_EQ(nodes_of(.001, 80, 70), 63) << "more was not measured";
}

TEST(Controller, FurtherNodesAreBelievedByWhatTheSecondOneKept) {
  Controller controller(1);
  controller.cost() = straight(.010, .0001);
  for (int i = 0; i < 200; ++i) {
    controller.asked(0, {.001});
    DraftTree tree(0);
    tree.add(0, 1, .9F, Draw::deterministic, {});
    tree.add(1, 2, .9F, Draw::deterministic, {});
    tree.weigh();
    tree.trim(controller.decide(tree, {}).nodes);
    controller.learn(tree, {.path = {0, 1}, .tokens = {1, 99}});  // the first is always right, the second never
  }
  EXPECT_LT(controller.kept_share(), .2);
}

TEST(Controller, AlwaysAsksWhoTakesNoTime) {
  Controller controller(1);
  controller.cost() = straight(.010, .001);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(controller.wants(0, {}));
    step(controller, .00001, 0);
  }
}

TEST(Controller, BelievesTreesByWhatTheyKeptAndTriesAgain) {
  Controller controller(1);
  controller.cost() = straight(.010, .003);
  int drafted = 0, late = 0;
  for (int i = 0; i < 600; ++i) {
    DraftTree tree(0);
    tree.add(0, 1, .6F, Draw::deterministic, {});  // promised, and never kept
    tree.weigh();
    const int nodes = controller.decide(tree, {}).nodes;
    tree.trim(nodes);
    controller.learn(tree, {.path = {0}, .tokens = {2}});
    drafted += nodes;
    late += i >= 100 ? nodes : 0;
  }
  EXPECT_LT(drafted, 120);
  EXPECT_GT(late, 0);
}

/// A chain of n tokens, each as sure as this.
DraftTree chain(int n, float chance) {
  DraftTree tree(0);
  for (int i = 0; i < n; ++i) tree.add(i, 1 + i, chance, Draw::deterministic, {});
  tree.weigh();
  return tree;
}

TEST(Controller, WhatShortTreesKeepLetsLongOnesBeTriedAgain) {
  Controller controller(1);
  for (const auto& [n, seconds] : {std::pair{1, 1.0}, {2, 1.12}, {3, 1.31}, {4, 1.5}, {6, 1.92}, {8, 2.33}, {12, 3.22}, {16, 4.16}}) controller.cost().measure(n, seconds);
  DraftTree tree = chain(15, .999F);
  ASSERT_EQ(controller.decide(tree, {}).nodes, 15);
  tree.trim(15);
  controller.learn(tree, {.path = {0, 1, 2}, .tokens = {1, 2, 99}});  // once a long one came to little
  int n_long = 0;
  for (int step = 0; step < 60; ++step) {
    tree = chain(15, .999F);
    const int nodes = controller.decide(tree, {}).nodes;
    n_long += nodes >= 5 ? 1 : 0;
    tree.trim(nodes);
    VerifyResult all;
    for (int i = 0; i <= nodes; ++i) all.path.push_back(i), all.tokens.push_back(1 + i);
    controller.learn(tree, all);
  }
  EXPECT_GT(n_long, 10) << "of 60";
}

TEST(Controller, DraftsNothingBeforeItKnowsTheCost) {
  Controller controller(1);
  EXPECT_EQ(controller.budget(64), 0);
  DraftTree tree(0);
  tree.add(0, 1, 1, Draw::deterministic, {});
  tree.weigh();
  EXPECT_EQ(controller.decide(tree, {}).nodes, 0);
  controller.cost() = straight(.01, .0001, 16);
  EXPECT_EQ(controller.decide(tree, {}).nodes, 1);
  EXPECT_EQ(controller.budget(64), 10);
  EXPECT_EQ(controller.budget(4), 4);
}

}  // namespace
}  // namespace foreword::engine

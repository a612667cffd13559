#include "engine/speculative/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

namespace foreword::engine {
namespace {

TEST(Calibration, CellsDoNotOverlap) {
  std::set<int> cells;
  int n = 0;
  const auto add = [&](std::uint8_t cell) {
    EXPECT_LT(cell, kCells);
    cells.insert(cell);
    ++n;
  };
  constexpr double kEdges[4][6] = {{0, .21, .47, .79, 1.24, 1.99}, {0, .21, .47, .79, 1.24, 1.99}, {0, .60, .99, 1.40, 1.94, 2.76}, {0, .93, 1.36, 1.82, 2.37, 3.22}};
  for (const bool noisy : {false, true}) {
    for (int rank = 0; rank < 4; ++rank) {
      for (const double edge : kEdges[rank]) add(margin_cell(rank, edge + .001, noisy));
    }
  }
  for (const double q : {.01, .03, .1, .2, .3, .5, .7, .9}) add(chance_cell(q));
  for (const bool likeliest : {false, true}) {
    for (const int match : {2, 3, 4, 6, 8, 12, 16, 32}) add(copy_cell(match, likeliest));
  }
  for (const int agreed : {0, 1, 2, 4, 8, 16}) add(source_cell(agreed, true));
  for (const int agreed : {0, 1}) add(source_cell(agreed, false));
  EXPECT_EQ(static_cast<int>(cells.size()), n);
  EXPECT_EQ(n, kCells);
  EXPECT_EQ(margin_cell(3, 1, true), margin_cell(7, 1, true));
  EXPECT_EQ(margin_cell(0, INFINITY, true), margin_cell(0, 50, true));
}

/// One step in which the only claim is taken or not.
void step(Calibration& calibration, std::uint8_t drafter, std::uint8_t cell, bool taken) {
  DraftTree tree(0);
  tree.add(0, 5, .5F, Draw::deterministic, {.drafter = drafter, .cell = cell});
  calibration.learn(tree, {{0}, {taken ? 5 : 6}, false});
}

TEST(Calibration, FollowsWhatHappens) {
  Calibration calibration({1, .5F});
  const std::uint8_t cell = chance_cell(.5);
  EXPECT_NEAR(calibration.chance(0, cell), .5, .01);
  EXPECT_NEAR(calibration.chance(1, cell), .25, .01);
  std::mt19937 random(4);
  for (int i = 0; i < 400; ++i) step(calibration, 0, cell, random() % 10 < 8);
  EXPECT_NEAR(calibration.chance(0, cell), .8, .1);
  EXPECT_NEAR(calibration.chance(1, cell), .25, .01);
  EXPECT_LT(calibration.brier(), .2);
  for (int i = 0; i < 400; ++i) step(calibration, 0, cell, false);
  EXPECT_LT(calibration.chance(0, cell), .06);
}

TEST(Calibration, CountsOnlyChildrenOfWalkedNodesRowsOrNot) {
  Calibration calibration({1});
  DraftTree tree(0);
  const std::uint8_t first = chance_cell(.9), second = chance_cell(.3), third = chance_cell(.1);
  const auto a = tree.add(0, 1, .9F, Draw::deterministic, {.cell = first});
  tree.add(0, 2, .05F, Draw::deterministic, {.cell = second});
  tree.add(a, 3, .1F, Draw::deterministic, {.cell = third});
  tree.weigh();
  tree.trim(1);
  const float before[] = {calibration.chance(0, first), calibration.chance(0, second), calibration.chance(0, third)};
  calibration.learn(tree, {{0}, {2}, false});  // a token whose row was trimmed away
  EXPECT_LT(calibration.chance(0, first), before[0]);
  EXPECT_GT(calibration.chance(0, second), before[1]);
  EXPECT_EQ(calibration.chance(0, third), before[2]);
  calibration.learn(tree, {{0, 1}, {1}, true});  // nothing was chosen at the second node
  EXPECT_EQ(calibration.chance(0, third), before[2]);
}

}  // namespace
}  // namespace foreword::engine

// Section 7: when a ghost may be painted first, and what rejections and acceptances do to that.

#include "ui/autocomplete/gate.h"

#include <gtest/gtest.h>

#include <vector>

#include "ui/autocomplete/constants.h"
#include "ui/autocomplete/ghost.h"

namespace foreword::ui::autocomplete {
namespace {

Rhythm rhythm_of(const std::vector<Ms>& gaps) {
  Rhythm rhythm;
  Ms now = 1000;
  rhythm.key(now);
  for (const Ms gap : gaps) rhythm.key(now += gap);
  return rhythm;
}

std::vector<Ms> steady(int n, Ms gap) { return std::vector<Ms>(static_cast<std::size_t>(n), gap); }

TEST(Gate, TableOfGapsBoundaryAndBackoff) {
  struct Row {
    std::vector<Ms> gaps;
    bool boundary;
    double backoff;
    Ms gate;
  };
  const std::vector<Row> rows = {
      {{}, false, 1, 150},
      {{}, true, 1, 75},
      {steady(7, 300), false, 1, 150},        // not known yet
      {steady(8, 300), false, 1, 225},        // 0.75 x 300
      {steady(20, 100), false, 1, 75},
      {steady(20, 60), false, 1, 60},         // the least base
      {steady(20, 60), true, 1, 50},          // the least gate
      {steady(20, 1000), false, 1, 400},      // the greatest base
      {steady(20, 1000), true, 1, 200},
      {steady(20, 200), false, 1.5, 225},
      {steady(20, 200), false, 0.5, 75},
      {steady(20, 1000), false, 100, 3000},   // the greatest gate
      {{100, 100, 100, 100, 200, 200, 200, 200}, false, 1, 112.5},
      {{50, 100, 200, 300, 300, 300, 300, 300, 300}, false, 1, 225},
      {{2001, 2001, 2001, 200, 200, 200, 200, 200, 200, 200, 200}, false, 1, 150},  // thinking is not typing
      {{2000, 200, 200, 200, 200, 200, 200, 200}, false, 1, 150},
  };
  for (const Row& row : rows) {
    EXPECT_DOUBLE_EQ(gate_of(rhythm_of(row.gaps).base(), row.boundary, row.backoff), row.gate) << row.gaps.size() << " gaps";
  }
}

TEST(Gate, OnlyTheLastTwentyGapsCount) {
  std::vector<Ms> gaps = steady(40, 400);
  gaps.insert(gaps.end(), 20, 100);
  EXPECT_DOUBLE_EQ(rhythm_of(gaps).base(), 75);
  gaps.pop_back();
  EXPECT_DOUBLE_EQ(rhythm_of(gaps).base(), 75);  // the median of 19 and one old gap
}

TEST(Backoff, A21SequenceOfFactors) {
  Backoff backoff;
  EXPECT_DOUBLE_EQ(backoff.factor(0), 1);
  backoff.rejected(0);
  EXPECT_DOUBLE_EQ(backoff.factor(0), 1.5);
  backoff.rejected(0);
  EXPECT_DOUBLE_EQ(backoff.factor(0), 2.25);
  backoff.accepted(0);
  EXPECT_DOUBLE_EQ(backoff.factor(0), 1.8);
  backoff.accepted(0), backoff.accepted(0), backoff.accepted(0);
  EXPECT_NEAR(backoff.factor(0), 0.9216, 1e-12);
}

TEST(Backoff, A21GoesBackToOneInTenMinutesFromBothSides) {
  Backoff slow, fast;
  slow.rejected(0), slow.rejected(0);
  fast.accepted(0);
  double last_slow = 3, last_fast = 0;
  for (Ms now = 0; now <= 600'000; now += 60'000) {
    EXPECT_LT(slow.factor(now), last_slow);
    EXPECT_GT(fast.factor(now), last_fast);
    last_slow = slow.factor(now), last_fast = fast.factor(now);
  }
  EXPECT_DOUBLE_EQ(last_slow, 1);
  EXPECT_DOUBLE_EQ(last_fast, 1);
  EXPECT_DOUBLE_EQ(slow.factor(1e9), 1);
}

TEST(Backoff, A21ProductIsClampedAndALongRowIsForgivenSoon) {
  Backoff backoff;
  for (int i = 0; i < 1000; ++i) backoff.rejected(0);
  EXPECT_DOUBLE_EQ(backoff.factor(0), tuned("gate_max") / tuned("base_min"));
  EXPECT_DOUBLE_EQ(gate_of(tuned("base_min"), false, backoff.factor(0)), tuned("gate_max"));
  backoff.accepted(0);
  EXPECT_LT(gate_of(tuned("base_min"), false, backoff.factor(0)), tuned("gate_max"));
}

TEST(Backoff, A23EightRejectionsInARowAreSilentUntilTheNextMessage) {
  Backoff backoff;
  for (int i = 0; i < 7; ++i) backoff.rejected(0);
  EXPECT_FALSE(backoff.silent());
  backoff.accepted(0);  // breaks the row
  for (int i = 0; i < 7; ++i) backoff.rejected(0);
  EXPECT_FALSE(backoff.silent());
  backoff.rejected(0);
  EXPECT_TRUE(backoff.silent());
  backoff.message_sent();
  EXPECT_FALSE(backoff.silent());
  EXPECT_EQ(backoff.rejections_in_a_row(), 0);
}

TEST(Ghost, SeenAndBlindRejectionsPartAt300Milliseconds) {
  for (const Ms age : {0.0, 299.0, 300.0, 5000.0}) {
    Ghost ghost;
    ghost.paint(1000);
    EXPECT_EQ(ghost.leave(true, 0, 1000 + age), age < 300 ? Farewell::blind_rejection : Farewell::seen_rejection) << age;
  }
}

TEST(Ghost, A22NobodyIsToBlameForAUsedWordOrAnEnter) {
  Ghost ghost;
  ghost.paint(0);
  EXPECT_EQ(ghost.leave(true, 1, 1000), Farewell::neutral);
  ghost.paint(0);
  EXPECT_EQ(ghost.leave(false, 0, 1000), Farewell::neutral);
}

TEST(Ghost, TypeThroughDoesNotMakeItYounger) {
  Ghost ghost;
  ghost.paint(0);
  ghost.typed_through(3);
  EXPECT_DOUBLE_EQ(ghost.age(200), 200);
}

TEST(Coverage, A31TauFollowsTheShareOfPausesThatShowSomething) {
  Coverage coverage;
  EXPECT_DOUBLE_EQ(coverage.tau(), tuned("tau_start"));
  for (int i = 0; i < 1000; ++i) coverage.pause(true);
  EXPECT_DOUBLE_EQ(coverage.tau(), tuned("tau_max"));
  for (int i = 0; i < 1000; ++i) coverage.pause(false);
  EXPECT_DOUBLE_EQ(coverage.tau(), tuned("tau_min"));
  Coverage wanted;
  for (int i = 0; i < 1000; ++i) wanted.pause(i * 7 % 20 < 7);  // 35 %, evenly
  EXPECT_NEAR(wanted.tau(), tuned("tau_start"), 0.5);
  EXPECT_NEAR(wanted.share(), 0.35, 0.06);
}

TEST(Coverage, A31TauGoesOnFromWhatEarlierRunsCameTo) {
  EXPECT_DOUBLE_EQ(Coverage(-0.8).tau(), -0.8);
  EXPECT_DOUBLE_EQ(Coverage(-99).tau(), tuned("tau_min")) << "what is stored is not trusted";
  EXPECT_DOUBLE_EQ(Coverage(-0.01).tau(), tuned("tau_max"));
  EXPECT_DOUBLE_EQ(Coverage(0).tau(), tuned("tau_start"));
}

// With a model whose drafts' scores are spread evenly over [-3, 0], the share settles in the wanted range.
TEST(Coverage, A31SettlesInTheWantedRange) {
  Coverage coverage;
  int shown = 0;
  for (int i = 0; i < 4000; ++i) {
    const double score = -3.0 * ((i * 7919) % 1000) / 1000;
    const bool passes = score >= coverage.tau();
    coverage.pause(passes);
    if (i >= 2000) shown += passes ? 1 : 0;
  }
  EXPECT_GE(shown / 2000.0, tuned("coverage_min") - 0.05);
  EXPECT_LE(shown / 2000.0, tuned("coverage_max") + 0.05);
}

}  // namespace
}  // namespace foreword::ui::autocomplete

#include "engine/autocomplete/draft_plan.h"

#include <gtest/gtest.h>

namespace foreword::engine {
namespace {

struct Row {
  const char* what;
  std::int32_t wanted;
  double ratio, deadline;  // of T(1) = 10 ms; ms
  bool approximate;
  std::int32_t count;
  DraftMethod method;
};
// Three drafts of 12 tokens: 12 passes.
constexpr Row kRows[] = {
    {"in time, however dear", 3, 3.0, 360, false, 3, DraftMethod::batched},
    {"a little too late, and dear", 3, 3.0, 359, false, 1, DraftMethod::batched},
    {"late, but more rows are cheap", 3, 1.3, 50, false, 3, DraftMethod::batched},
    {"late, in between", 3, 1.31, 50, false, 2, DraftMethod::batched},
    {"late, in between, one wanted", 1, 1.5, 50, false, 1, DraftMethod::batched},
    {"late, just not dear", 6, 1.99, 50, true, 2, DraftMethod::batched},
    {"late and dear", 3, 2.0, 50, false, 1, DraftMethod::batched},
    {"late and dear, approximate allowed", 3, 2.0, 50, true, 3, DraftMethod::superposed},
    {"approximate allowed, but in time", 3, 2.0, 240, true, 3, DraftMethod::batched},
    {"approximate allowed, one wanted", 1, 2.0, 50, true, 1, DraftMethod::batched},
};

TEST(DraftPlan, A17FollowsTheCosts) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.what);
    const DraftLimits limits = planned({.count = row.wanted}, {0.010, 0.010 * row.ratio, row.deadline / 1000 + 1e-9, row.approximate});
    EXPECT_EQ(limits.count, row.count);
    EXPECT_EQ(limits.method, row.method);
    EXPECT_EQ(limits.max_tokens, row.method == DraftMethod::superposed ? 8 : 12);
  }
}

TEST(DraftPlan, ApproximateDraftsAreOffUnlessAskedFor) {
  EXPECT_FALSE(DraftConditions{}.approximate);
  EXPECT_EQ(DraftLimits{}.method, DraftMethod::batched);
  for (const DraftMethodRow& row : draft_methods()) {
    EXPECT_EQ(row.exact, row.about.find("approximate") == std::string_view::npos) << row.name;
  }
}

}  // namespace
}  // namespace foreword::engine

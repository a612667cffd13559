#include "engine/speculative/draft_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace foreword::engine {
namespace {

std::int32_t add(DraftTree& tree, std::int32_t parent, std::int32_t token, float chance, std::uint8_t drafter = 0,
                 Draw kind = Draw::deterministic) {
  return tree.add(parent, token, chance, kind, {.drafter = drafter});
}

/// Up to n nodes below random parents, tokens of a small vocabulary so that some meet.
DraftTree random_tree(std::mt19937& random, int n) {
  DraftTree tree(1);
  std::uniform_real_distribution<float> chance(0, 1);
  for (int i = 0; i < n; ++i) {
    add(tree, static_cast<std::int32_t>(random() % static_cast<unsigned>(tree.size())), static_cast<std::int32_t>(random() % 5),
        chance(random), static_cast<std::uint8_t>(random() % 2));
  }
  return tree;
}

TEST(DraftTree, ARootAloneIsATree) {
  const DraftTree tree(7);
  EXPECT_EQ(tree.fault(), "");
  EXPECT_EQ(tree.n_drafted(), 0);
  EXPECT_TRUE(tree.is_ancestor(0, 0));
}

TEST(DraftTree, OneTokenBelowOneParentIsOneNode) {
  DraftTree tree(7);
  const auto a = add(tree, 0, 3, 0.5F, 0);
  EXPECT_EQ(add(tree, 0, 3, 0.5F, 1), a);
  EXPECT_NE(add(tree, a, 3, 0.5F, 1), a);
  EXPECT_FLOAT_EQ(tree.chance[1], 0.75F);
  EXPECT_EQ(tree.size(), 3);
  EXPECT_EQ(tree.claims.size(), 3U);
}

TEST(DraftTree, ChildrenOfTwoDraftersAreDeterministic) {
  DraftTree tree(7);
  add(tree, 0, 1, 0.5F, 0, Draw::gumbel);
  add(tree, 0, 2, 0.5F, 0, Draw::gumbel);
  EXPECT_EQ(tree.draw[0], Draw::gumbel);
  add(tree, 0, 3, 0.5F, 1, Draw::gumbel);
  EXPECT_EQ(tree.draw[0], Draw::deterministic);
}

TEST(DraftTree, ReachIsAProductAndNeverSumsToMoreThanTheParents) {
  DraftTree tree(7);
  const auto a = add(tree, 0, 1, 0.9F);
  const auto b = add(tree, 0, 2, 0.6F);
  const auto c = add(tree, a, 1, 0.5F);
  tree.weigh();
  EXPECT_FLOAT_EQ(tree.reach[static_cast<std::size_t>(a)], 0.6F);
  EXPECT_FLOAT_EQ(tree.reach[static_cast<std::size_t>(b)], 0.4F);
  EXPECT_FLOAT_EQ(tree.reach[static_cast<std::size_t>(c)], 0.3F);
}

TEST(DraftTree, TrimmingKeepsTheLikeliestPathsInOnePiece) {
  DraftTree tree(7);
  const auto weak = add(tree, 0, 1, 0.1F);
  const auto strong = add(tree, 0, 2, 0.8F);
  add(tree, weak, 3, 1.0F);
  const auto deep = add(tree, strong, 4, 0.9F);
  add(tree, strong, 5, 0.05F);
  add(tree, deep, 6, 0.9F);
  tree.weigh();
  tree.trim(4);
  EXPECT_EQ(tree.fault(), "");
  EXPECT_EQ(tree.token, (std::vector<std::int32_t>{7, 2, 4, 6, 1}));
  EXPECT_EQ(tree.parent, (std::vector<std::int32_t>{-1, 0, 1, 2, 0}));
  EXPECT_EQ(tree.depth, (std::vector<std::int16_t>{0, 1, 2, 3, 1}));
  EXPECT_TRUE(tree.is_ancestor(1, 3));
  EXPECT_FALSE(tree.is_ancestor(1, 4));
  // Claims on what went: the two below kept parents stay.
  EXPECT_EQ(tree.claims.size(), 6U);
  EXPECT_EQ(std::ranges::count(tree.claims, 5, &Claim::token), 1);
}

TEST(DraftTree, RandomTreesKeepTheirPromises) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    DraftTree tree = random_tree(random, static_cast<int>(random() % 200));
    tree.weigh();
    std::vector<float> best(tree.reach.begin() + 1, tree.reach.end());
    std::ranges::sort(best, std::greater());
    const int n = static_cast<int>(random() % 150);
    tree.trim(n);
    ASSERT_EQ(tree.fault(), "");
    ASSERT_EQ(tree.n_drafted(), std::min(n, static_cast<int>(best.size())));
    std::vector<float> kept(tree.reach.begin() + 1, tree.reach.end());
    std::ranges::sort(kept, std::greater());
    best.resize(kept.size());
    EXPECT_EQ(kept, best);
    for (std::int32_t i = 1; i < tree.size(); ++i) {  // depth first, and the first child is the likeliest
      const auto below = tree.children(tree.parent[static_cast<std::size_t>(i)]);
      if (below.front() == i) {
        EXPECT_EQ(tree.parent[static_cast<std::size_t>(i)], i - 1);
      }
      for (const std::int32_t sibling : below) EXPECT_LE(tree.reach[static_cast<std::size_t>(sibling)], tree.reach[static_cast<std::size_t>(below.front())]);
    }
  }
}

TEST(DraftTree, EveryBrokenPromiseIsFound) {
  std::mt19937 random(5);
  DraftTree good = random_tree(random, 90);
  good.weigh();
  good.trim(70);
  ASSERT_EQ(good.fault(), "");
  const auto broken = [&](auto change) {
    DraftTree tree = good;
    change(tree);
    return tree.fault();
  };
  EXPECT_NE(broken([](DraftTree& t) { t.token.pop_back(); }), "");
  EXPECT_NE(broken([](DraftTree& t) { t.parent[0] = 0; }), "");
  EXPECT_NE(broken([](DraftTree& t) { t.parent[5] = 5; }), "");
  EXPECT_NE(broken([](DraftTree& t) { t.depth[9] += 1; }), "");
  EXPECT_NE(broken([](DraftTree& t) { t.chance[3] = 1.5F; }), "");
  EXPECT_NE(broken([](DraftTree& t) { t.reach[3] = 2; }), "");
  EXPECT_NE(broken([](DraftTree& t) { t.ancestors[6] ^= 1ULL << 40; }), "");
  EXPECT_NE(broken([](DraftTree& t) { t.token[static_cast<std::size_t>(t.children(0)[0])] = t.token[static_cast<std::size_t>(t.children(0)[1])]; }), "");
  EXPECT_NE(broken([](DraftTree& t) { t.draws[0].q = {{1, 2}, {0.5F, 0.4F}}; }), "");
  EXPECT_NE(broken([](DraftTree& t) { t.draws[0] = {{3}, {{1, 2}, {0.5F, 0.5F}}}; }), "");
  EXPECT_NE(broken([](DraftTree& t) { t.claims[0].parent = 1000; }), "");
}

}  // namespace
}  // namespace foreword::engine

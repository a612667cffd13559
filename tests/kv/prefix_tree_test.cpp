#include "engine/kv/prefix_tree.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "gpu/registry.h"

namespace foreword::engine {
namespace {

using Tokens = std::vector<std::int32_t>;

Tokens run_of(std::int32_t first, std::int64_t n) {
  Tokens tokens(static_cast<std::size_t>(n));
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}
Tokens operator+(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class PrefixTreeTest : public testing::Test {
 protected:
  explicit PrefixTreeTest(PagePolicy policy = {}, std::int64_t n_slots = 64 * 10)
      : backend_(std::move(gpu::open_device("cpu", {.n_threads = 1})).value()),
        cache_(std::move(KvCache::create(*backend_, {2, 2, 32, gpu::DType::f16, policy}, n_slots)).value()),
        tree_(std::make_unique<PrefixTree>(cache_)) {}

  /// Reads the rest of `tokens`; how many were known. -1: there was no room.
  std::int64_t read(const Tokens& tokens, TextOwner owner) {
    PrefixTree::Text& text = tree_->open(tokens, owner);
    const std::int64_t known = std::ssize(text.tokens);
    EXPECT_TRUE(std::equal(text.tokens.begin(), text.tokens.end(), tokens.begin()));
    EXPECT_EQ(cache_.length(text.sequence), known);
    const std::int64_t missing = std::ssize(tokens) - known;
    const bool done = cache_.reserve(text.sequence, missing) && cache_.commit(text.sequence, missing);
    if (done) text.tokens = tokens;
    tree_->close(text);
    return done ? known : -1;
  }
  std::int64_t n_used() const { return 10 - cache_.n_free_blocks(); }

  std::unique_ptr<gpu::Backend> backend_;
  KvCache cache_;
  std::unique_ptr<PrefixTree> tree_;
};

TEST_F(PrefixTreeTest, ATextGoesOnFromTheLongestBeginningOfAny) {
  const Tokens system = run_of(0, 130);
  EXPECT_EQ(read(system + run_of(1000, 40), 1), 0);
  EXPECT_EQ(read(system + run_of(2000, 40), 2), 130);
  EXPECT_EQ(read(system + run_of(2000, 70), 2), 170);
  EXPECT_EQ(n_used(), 2 + 1 + 2) << "two pages are shared, and each has its own from the third on";
  EXPECT_EQ(read(system + run_of(1000, 50), 1), 170) << "the first is as it was";
}

TEST_F(PrefixTreeTest, ABranchKeepsBothSides) {
  const Tokens question = run_of(0, 100);
  read(question + run_of(1000, 90), 1);
  EXPECT_EQ(read(question + run_of(2000, 90), 1), 100);
  EXPECT_EQ(tree_->known(question + run_of(1000, 200), 1), 190);
  EXPECT_EQ(tree_->known(question + run_of(2000, 200), 1), 190);
}

TEST_F(PrefixTreeTest, AnEndThatIsReadOtherwiseThanItWasWrittenLeavesNothingBehind) {
  read(run_of(0, 100), 1);
  EXPECT_EQ(read(run_of(0, 97) + run_of(500, 30), 1), 97);
  EXPECT_EQ(tree_->texts().size(), 1u);
  EXPECT_EQ(read(run_of(0, 97) + run_of(500, 10), 1), 107);
  EXPECT_EQ(tree_->texts().size(), 1u);
}

TEST_F(PrefixTreeTest, WhatIsOnlyABeginningOfAnotherGoes) {
  for (int i = 0; i < 50; ++i) read(run_of(0, 100), 0);
  EXPECT_EQ(tree_->texts().size(), 1u);
  read(run_of(0, 130), 3);
  EXPECT_EQ(tree_->texts().size(), 1u);
}

TEST_F(PrefixTreeTest, RoomIsTakenFromTheOldestPageByPage) {
  read(run_of(0, 64 * 4), 1);
  read(run_of(1000, 64 * 4), 2);
  EXPECT_EQ(read(run_of(2000, 64 * 3), 3), 0);
  EXPECT_EQ(tree_->known(run_of(0, 64 * 4), 1), 64 * 3);
  EXPECT_EQ(tree_->known(run_of(1000, 64 * 4), 2), 64 * 4);
  EXPECT_EQ(read(run_of(3000, 64 * 10), 4), 0);
  EXPECT_EQ(tree_->texts().size(), 1u);
}

TEST_F(PrefixTreeTest, WhatIsInUseIsNeverTaken) {
  PrefixTree::Text& text = tree_->open(run_of(0, 0), 1);
  ASSERT_TRUE(cache_.reserve(text.sequence, 64 * 9));
  ASSERT_TRUE(cache_.commit(text.sequence, 64 * 9));
  text.tokens = run_of(0, 64 * 9);
  EXPECT_EQ(read(run_of(5000, 100), 2), -1);
  EXPECT_EQ(cache_.length(text.sequence), 64 * 9);
  tree_->close(text);
  EXPECT_EQ(read(run_of(5000, 100), 2), 0);
}

TEST_F(PrefixTreeTest, ForgettingFreesEveryBlockAndAPrivateTextIsNotFound) {
  read(run_of(0, 200), -1);
  EXPECT_EQ(tree_->known(run_of(0, 200), 1), 0);
  EXPECT_EQ(tree_->known(run_of(0, 200), -2), 0);
  EXPECT_EQ(tree_->known(run_of(0, 200), -1), 200);
  read(run_of(0, 200), 1);
  tree_->forget(-1);
  EXPECT_EQ(tree_->known(run_of(0, 200), -1), 200) << "the chat's own";
  PrefixTree::Text& text = tree_->open(run_of(0, 200), 1);
  tree_->forget(1);
  EXPECT_EQ(tree_->known(run_of(0, 200), 1), 0);
  tree_->close(text);
  EXPECT_EQ(tree_->known(run_of(0, 200), kNobody), 0);
  tree_.reset();
  EXPECT_EQ(n_used(), 0);
}

class ClosingTreeTest : public PrefixTreeTest {
 protected:
  ClosingTreeTest() : PrefixTreeTest({{gpu::KvFormat::q8, gpu::KvFormat::q4h}}, 64 * 200) {}
};

TEST_F(ClosingTreeTest, OpenPagesRunOutBeforeFirstPagesGo) {
  for (std::int32_t chat = 1; chat <= 8; ++chat) ASSERT_GE(read(run_of(10000 * chat, 64 * 6 + 10), chat), 0);
  for (std::int32_t chat = 1; chat <= 8; ++chat) {
    EXPECT_GE(tree_->known(run_of(10000 * chat, 64 * 6 + 10), chat), 64 * 5) << "chat " << chat;
  }
  for (std::int32_t chat = 1; chat <= 40; ++chat) ASSERT_GE(read(run_of(10000 * chat, 64 * 6 + 10), chat), 0);
}

TEST_F(PrefixTreeTest, RandomTextsNeverGoWrong) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  std::vector<Tokens> texts(1);
  for (int i = 0; i < 3000; ++i) {
    Tokens tokens = texts[static_cast<std::size_t>(below(static_cast<int>(texts.size())))];
    tokens.resize(static_cast<std::size_t>(below(static_cast<int>(tokens.size()) + 1)));
    tokens = tokens + run_of(100000 * (i + 1), 1 + below(90));
    if (tokens.size() > 500) continue;
    ASSERT_GE(read(tokens, below(5) - 1), 0);
    ASSERT_LE(tree_->texts().size(), 30u);
    if (texts.size() > 20) texts.erase(texts.begin() + below(20));
    texts.push_back(std::move(tokens));
    if (below(50) == 0) tree_->forget(below(5) - 1);
  }
  tree_.reset();
  EXPECT_EQ(n_used(), 0);
}

}  // namespace
}  // namespace foreword::engine

#include "engine/kv/kv_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/kv/kv_fixture.h"

namespace foreword::engine {
namespace {

TEST_F(KvCacheTest, RoundsUpToBlocksAndCountsItsBytes) {
  const KvCache cache = make(65);
  EXPECT_EQ(cache.n_free_blocks(), 2);
  EXPECT_EQ(cache.total_bytes(), 128 * 2 /* k, v */ * 2 /* layers */ * 3 * 16 * 2 /* bytes */);
  EXPECT_EQ(cache.layer(1).page_bytes(), 2 * 64 * 16 * 2);
  EXPECT_GE(cache.layer(1).buffer->bytes(), static_cast<std::size_t>(2 * 3 * cache.layer(1).page_bytes()));
}

TEST_F(KvCacheTest, AFullCacheSaysSoAndChangesNothing) {
  KvCache cache = make(128);
  const SequenceId a = cache.add_sequence(), b = cache.add_sequence();
  ASSERT_TRUE(cache.reserve(a, 65));
  ASSERT_TRUE(cache.commit(a, 65));
  const auto result = cache.reserve(b, 1);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::out_of_memory);
  EXPECT_NE(result.error().message.find("128"), std::string::npos);
  cache.truncate(a, 64);
  EXPECT_TRUE(cache.reserve(b, 1));
}

TEST(PagePolicy, ClosesWhatIsFullAndNeitherFirstNorRecent) {
  const PagePolicy policy{kQ8};
  const auto closed = [](const PagePolicy& p, std::int64_t length) {
    std::string text;
    for (std::int64_t page = 0; page * 64 < length; ++page) text += "ocd"[static_cast<int>(step_of(p, page, length))];
    return text;
  };
  EXPECT_EQ(closed(policy, 192), "ooo");
  EXPECT_EQ(closed(policy, 193), "ocoo");  // 65 exact tokens
  EXPECT_EQ(closed(policy, 256), "ocoo");  // 128
  EXPECT_EQ(closed(policy, 257), "occoo");
  EXPECT_EQ(closed(close_everything(kQ8), 257), "cccco");
  EXPECT_EQ(closed(close_everything(kQ8), 256), "cccc");
  EXPECT_EQ(closed(PagePolicy{}, 1000), std::string(16, 'o'));
  const PagePolicy aging{.old = kQ8, .coarse = kQ4, .coarse_after = 256};
  EXPECT_EQ(closed(aging, 64 * 6 - 1), "occcoo") << "page 1 ends 255 tokens behind the end";
  EXPECT_EQ(closed(aging, 64 * 6), "odccoo");
  EXPECT_EQ(closed({.old = kQ8, .coarse = kQ4}, 64 * 6), "occcoo") << "not by age";
}

TEST(PagePolicy, AWindowLosesSightOfWholePagesOnly) {
  EXPECT_FALSE(out_of_sight(0, 0, 100000));
  // The row at position 163 is the first that sees nothing before position 64.
  EXPECT_FALSE(out_of_sight(100, 0, 162));
  EXPECT_TRUE(out_of_sight(100, 0, 163));
  EXPECT_FALSE(out_of_sight(100, 1, 163));
  EXPECT_FALSE(out_of_sight(1, 0, 63));
  EXPECT_TRUE(out_of_sight(1, 0, 64));
}

TEST(PagePolicy, ModesGrowCoarserDownTheTable) {
  std::int64_t last = INT64_MAX;
  for (const KvModeRow& row : kv_modes()) {
    const std::int64_t bytes = row.policy.old.page_bytes(64);
    EXPECT_LE(bytes, last) << row.name;
    EXPECT_EQ(row_of(row.mode).name, row.name);
    if (row.policy.coarse) { EXPECT_LT(row.policy.coarse->page_bytes(64), bytes) << row.name; }
    last = bytes;
  }
  EXPECT_EQ(std::ssize(kv_modes()), 5);
  EXPECT_FALSE(row_of(KvMode::exact).policy.closes_pages());
  EXPECT_EQ(row_of(KvMode::memory).policy.coarse_after, 8192);
}

// One batch may hold as many further tokens as see the same pages closed that one token after another would see.
TEST(PagePolicy, SteadyTokensEndWhereAPageCloses) {
  EXPECT_GT(steady_tokens(PagePolicy{}, 100), std::int64_t{1} << 40);
  for (const PagePolicy& policy : {PagePolicy{kQ8}, close_everything(kQ8)}) {
    const auto closed = [&](std::int64_t length) {
      std::vector<bool> which;
      for (std::int64_t page = 0; page < 8; ++page) which.push_back(step_of(policy, page, length) != PageStep::open);
      return which;
    };
    for (std::int64_t length = 0; length < 400; ++length) {
      const std::int64_t n = steady_tokens(policy, length);
      ASSERT_GE(n, 1);
      for (std::int64_t i = 1; i < n; ++i) ASSERT_EQ(closed(length), closed(length + i)) << length << " + " << i;
    }
  }
  EXPECT_EQ(steady_tokens({kQ8}, 193), 64);  // 193 .. 256
  EXPECT_EQ(steady_tokens({kQ8}, 256), 1);
  EXPECT_EQ(steady_tokens(close_everything(kQ8), 130), 62);  // 130 .. 191: at 192 the third page closes
}

// KiB that one more token costs, all layers, by what the device gave: models of 16 x 8 x 64, 32 x 8 x 128 and 28 x 2 x 128
// (layers, kv heads, head width).
TEST_F(KvCacheTest, OldTokensCostWhatTheTableSays) {
  const std::int64_t shapes[][3] = {{16, 8, 64}, {32, 8, 128}, {28, 2, 128}};
  const struct {
    const char* name;
    double kib[3];
  } rows[] = {{"f32", {64, 256, 56}}, {"f16", {32, 128, 28}}, {"q8", {17, 68, 14.875}}, {"k8v4", {13, 52, 11.375}}, {"q4", {9, 36, 7.875}}, {"q2", {5, 20, 4.375}}};
  for (std::size_t r = 0; r < std::size(rows); ++r) {
    const gpu::KvEncodingName& encoding = gpu::kv_encoding_names()[r];
    ASSERT_EQ(encoding.name, rows[r].name);
    for (std::size_t i = 0; i < std::size(shapes); ++i) {
      KvShape shape{shapes[i][0], shapes[i][1], shapes[i][2], r == 0 ? gpu::DType::f32 : gpu::DType::f16};
      shape.policy.old = encoding.encoding;
      std::int64_t bytes[2];
      for (int size = 0; size < 2; ++size) bytes[size] = std::move(KvCache::create(*backend_, shape, 1024 << size)).value().total_bytes();
      EXPECT_EQ(static_cast<double>(bytes[1] - bytes[0]) / 1024 / 1024, rows[r].kib[i]) << encoding.name;
      EXPECT_EQ(static_cast<double>(shape.bytes_per_slot()) / 1024, rows[r].kib[i]) << encoding.name;
    }
  }
}

TEST_F(KvCacheTest, OldPagesCloseAndKeepTheirTokens) {
  KvCache cache = make_closing(64 * 20, {kQ8});
  const SequenceId id = cache.add_sequence();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(add(cache, id, 80, 1 + 80.0F * static_cast<float>(i)));
  EXPECT_EQ(pools(cache, id), "occccoo");
  const std::vector<float> seen = tokens(cache, id);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const auto expected = static_cast<float>(i + 1);
    EXPECT_NEAR(seen[i], expected, i < 64 || i >= 320 ? 0.3F : 0.01F * expected) << i;  // 32 halves make a number
  }
  // As many bytes as the buffers have, and the buffers are what the table says.
  EXPECT_EQ(cache.total_bytes(), 2 * 3 * (16 * 2 * 4096 + 20 * 2 * (64 * 32 + 64 * 2)));
  std::int64_t bytes = 0;
  for (std::int64_t il = 0; il < 2; ++il) bytes += static_cast<std::int64_t>(cache.layer(il).buffer->bytes() + cache.layer(il).closed[0].buffer->bytes());
  EXPECT_EQ(bytes, cache.total_bytes());
}

TEST_F(KvCacheTest, TruncationStopsAtAClosedPage) {
  KvCache cache = make_closing(64 * 20, {kQ4});
  const SequenceId id = cache.add_sequence();
  ASSERT_TRUE(add(cache, id, 400, 1));
  ASSERT_EQ(pools(cache, id), "occccoo");
  EXPECT_EQ(cache.truncate(id, 390), 390);
  EXPECT_EQ(cache.truncate(id, 330), 330);
  EXPECT_EQ(cache.truncate(id, 300), 256);  // 44 tokens are to be read again
  EXPECT_EQ(cache.length(id), 256);
  EXPECT_EQ(cache.truncate(id, 192), 192);
  EXPECT_TRUE(add(cache, id, 100, 193));
  EXPECT_EQ(pools(cache, id), "occoo");
  EXPECT_EQ(cache.truncate(id, 30), 30);
  EXPECT_EQ(cache.truncate(id, 0), 0);
  EXPECT_EQ(cache.n_free_blocks(), 20);
}

TEST_F(KvCacheTest, APageThatIsWrittenAnewHasNoClosedTwinAnyMore) {
  PagePolicy policy{kQ8};
  KvCache cache = make_closing(64 * 40, policy);
  const SequenceId a = cache.add_sequence();
  ASSERT_TRUE(add(cache, a, 192, 1));
  const SequenceId b = cache.fork(a);
  ASSERT_TRUE(add(cache, a, 200, 193)) << "a's pages close";
  ASSERT_EQ(cache.truncate(b, 150), 150);
  ASSERT_TRUE(add(cache, b, 300, 1001)) << "the rest of b's third page is another text, and closes too";
  const std::vector<float> all = tokens(cache, b);
  ASSERT_EQ(all.size(), 450U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const float expected = i < 150 ? 1 + static_cast<float>(i) : 1001 + static_cast<float>(i - 150);
    ASSERT_NEAR(all[i], expected, .02F * expected + 1) << i;
  }
}

TEST_F(KvCacheTest, AForkSharesUntilOneSideWrites) {
  KvCache cache = make_closing(64 * 20, {kQ4});
  const SequenceId a = cache.add_sequence();
  ASSERT_TRUE(add(cache, a, 300, 1));
  const std::int64_t free = cache.n_free_blocks();
  const SequenceId b = cache.fork(a), c = cache.fork(a);
  EXPECT_EQ(cache.n_free_blocks(), free);
  EXPECT_EQ(cache.blocks(a), cache.blocks(b));
  const std::vector<float> before = tokens(cache, a);
  ASSERT_TRUE(add(cache, b, 10, 9000));
  EXPECT_EQ(cache.n_free_blocks(), free - 1) << "one page is copied";
  EXPECT_EQ(tokens(cache, a), before);
  EXPECT_EQ(tokens(cache, c), before);
  std::vector<float> of_b = tokens(cache, b);
  EXPECT_NEAR(of_b[305], 9005, 8);
  of_b.resize(300);
  EXPECT_EQ(of_b, before);
  // Both sides close the page that they share, and share what comes of it.
  ASSERT_TRUE(add(cache, a, 50, 301));
  ASSERT_TRUE(add(cache, b, 50, 310));
  EXPECT_EQ(pools(cache, a), "occcoo");
  EXPECT_EQ(pools(cache, b), "occcoo");
  EXPECT_TRUE(std::equal(cache.blocks(a).begin(), cache.blocks(a).begin() + 4, cache.blocks(b).begin()));
  for (const SequenceId id : {a, b, c}) cache.remove_sequence(id);
  EXPECT_EQ(cache.n_free_blocks(), 20);
}

TEST_F(KvCacheTest, AcceptKeepsExactlyThePath) {
  KvCache cache = make_closing(64 * 20, {kQ4});
  const SequenceId id = cache.add_sequence();
  ASSERT_TRUE(add(cache, id, 61, 1));
  ASSERT_TRUE(write(cache, id, 40, 200));  // the tree's rows, across the end of a page
  ASSERT_TRUE(cache.accept(id, std::vector{0, 1, 5, 7, 39}));
  std::vector<float> seen = tokens(cache, id);
  ASSERT_EQ(seen.size(), 66U);
  const float expected[] = {200, 201, 205, 207, 239};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(seen[61 + i], expected[i], 0.3F);
  for (std::size_t i = 0; i < 61; ++i) EXPECT_NEAR(seen[i], static_cast<float>(i + 1), 0.1F);
  ASSERT_TRUE(write(cache, id, 3, 300));
  ASSERT_TRUE(cache.accept(id, {}));
  EXPECT_EQ(tokens(cache, id), seen) << "nothing accepted, nothing changed";
  ASSERT_TRUE(add(cache, id, 1, 400));
  EXPECT_NEAR(tokens(cache, id)[66], 400, 0.3F);
}

// More rows than the list of moves holds at a time.
TEST_F(KvCacheTest, AcceptTakesLongPaths) {
  KvCache cache = make(64 * 4);
  const SequenceId id = cache.add_sequence();
  ASSERT_TRUE(write(cache, id, 200, 1));
  std::vector<std::int32_t> rows;
  for (std::int32_t row = 1; row < 200; row += 2) rows.push_back(row);
  ASSERT_TRUE(cache.accept(id, rows));
  const std::vector<float> seen = tokens(cache, id);
  ASSERT_EQ(seen.size(), 100U);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_NEAR(seen[i], 2 * static_cast<float>(i) + 2, 0.2F);
}

TEST_F(KvCacheTest, PagesCloseEarlyRatherThanNotAtAll) {
  KvCache cache = make_closing(64 * 40, {kQ4});  // 16 open blocks
  std::vector<SequenceId> ids;
  for (int i = 0; i < 7; ++i) {
    ids.push_back(cache.add_sequence());
    ASSERT_TRUE(add(cache, ids.back(), 192, 1)) << i;
  }
  EXPECT_EQ(pools(cache, ids.front()), "occ");
}

TEST_F(KvCacheTest, VeryOldPagesGoOneStepFurther) {
  KvCache cache = make_closing(64 * 20, {.old = kQ8, .coarse = kQ4, .coarse_after = 256});
  const SequenceId id = cache.add_sequence();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(add(cache, id, 100, 1 + 100.0F * static_cast<float>(i)));
  EXPECT_EQ(pools(cache, id), "oddcccoo");
  const SequenceId fork = cache.fork(id);
  ASSERT_TRUE(add(cache, id, 64, 501));
  EXPECT_EQ(pools(cache, id), "odddcccoo");
  EXPECT_EQ(pools(cache, fork), "oddcccoo");
  ASSERT_TRUE(add(cache, fork, 64, 501));
  EXPECT_TRUE(std::equal(cache.blocks(fork).begin(), cache.blocks(fork).begin() + 5, cache.blocks(id).begin())) << "both took the step once";
  const std::vector<float> seen = tokens(cache, id);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_NEAR(seen[i], static_cast<float>(i + 1), 0.02F * static_cast<float>(i + 1) + 0.3F) << i;
  cache.remove_sequence(id);
  cache.remove_sequence(fork);
  EXPECT_EQ(cache.n_free_blocks(), 20);
}

TEST_F(KvCacheTest, ATightMemorySendsOldPagesDown) {
  const KvShape shape{2, 3, 32, gpu::DType::f16, {.old = kQ8, .coarse = kQ4}};
  const std::int64_t whole = KvCache::bytes_for(shape, 64 * 40), least = KvCache::least_bytes_for(shape, 64 * 40);
  ASSERT_LT(least, whole);
  KvCache cache = std::move(KvCache::create(*backend_, shape, 64 * 40, (whole + least) / 2)).value();
  EXPECT_LE(cache.total_bytes(), (whole + least) / 2);
  EXPECT_GT(cache.total_bytes(), least);
  const SequenceId id = cache.add_sequence();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(add(cache, id, 64, 1 + 64.0F * static_cast<float>(i))) << i;
  const std::string all = pools(cache, id);
  EXPECT_EQ(all.front(), 'o');
  EXPECT_EQ(all.substr(38), "oo");
  EXPECT_GT(std::ranges::count(all, 'd'), 10) << all;
  EXPECT_GT(std::ranges::count(all, 'c'), 10) << all;
  const std::vector<float> seen = tokens(cache, id);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_NEAR(seen[i], static_cast<float>(i + 1), 0.03F * static_cast<float>(i + 1) + 0.3F) << i;
  EXPECT_FALSE(cache.reserve(id, 1)) << "40 pages are 40 pages";
}

TEST_F(KvCacheTest, WhatIsLookedAtStays) {
  const KvShape shape{2, 3, 32, gpu::DType::f16, {.old = kQ8, .coarse = kQ4}};
  KvCache cache = std::move(KvCache::create(*backend_, shape, 64 * 12, KvCache::least_bytes_for(shape, 64 * 12))).value();  // 2 old places
  ASSERT_TRUE(cache.may_demote());
  const SequenceId id = cache.add_sequence();
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(add(cache, id, 64, 1));
    std::vector<float> shares(12, 0.01F);
    shares[3] = 0.5F;
    shares[5] = 0.2F;
    cache.attend(id, shares);
  }
  EXPECT_EQ(pools(cache, id), "oddcdddddcoo") << "of two places one is for the newest, one for the most looked at";
}

/// Random use against a plain model: no block is lost, and none is shared unless it was forked.
enum class Use { exact, closing, demoting };
class KvCacheUse : public KvCacheTest, public testing::WithParamInterface<Use> {
 protected:
  KvCache make_for(Use use) {
    switch (use) {
      case Use::exact: return make(64 * 20);
      case Use::closing: return make_closing(64 * 20, {kQ8});
      default: break;
    }
    const KvShape shape{2, 3, 32, gpu::DType::f16, {.old = kQ8, .coarse = kQ4, .coarse_after = 320}};
    return std::move(KvCache::create(*backend_, shape, 64 * 20, KvCache::least_bytes_for(shape, 64 * 20) + 4 * 64 * 1024)).value();
  }
};
TEST_P(KvCacheUse, BlocksAreNeitherMixedUpNorLost) {
  const unsigned seed = 5;
  std::mt19937 random(seed);
  KvCache cache = make_for(GetParam());
  std::map<SequenceId, std::vector<float>> live;  // the tokens that each should hold
  float next = 1;
  for (int step = 0; step < 600; ++step) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", step " << step);
    buffers_.clear();
    const unsigned what = random() % 6;
    if (what == 0 && live.size() < 6) live[cache.add_sequence()];
    if (live.empty()) continue;
    const auto one = std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
    auto& [id, held] = *one;
    if (what <= 2) {
      const std::int64_t n = 1 + random() % 100;
      const std::int64_t length = cache.length(id);
      std::vector<std::int32_t> kept;  // of a tree's rows
      for (std::int32_t row = 0; row < n; ++row) {
        if (random() % 3 != 0) kept.push_back(row);
      }
      if (random() % 2 != 0) {
        if (write(cache, id, n, next)) {
          ASSERT_TRUE(cache.accept(id, kept));
          for (const std::int32_t row : kept) held.push_back(next + static_cast<float>(row));
        }
      } else if (add(cache, id, n, next)) {
        for (std::int64_t i = 0; i < n; ++i) held.push_back(next + static_cast<float>(i));
      } else {
        EXPECT_EQ(cache.length(id), length);
      }
      next = next > 900 ? 1 : next + static_cast<float>(n);
    } else if (what == 3) {
      const auto length = static_cast<std::int64_t>(random() % (held.size() + 1));
      const std::int64_t left = cache.truncate(id, length);
      EXPECT_LE(left, length);
      EXPECT_GT(left + 64, length);
      held.resize(static_cast<std::size_t>(left));
    } else if (what == 4 && live.size() < 6) {
      const std::vector<float> copy = held;
      live[cache.fork(id)] = copy;
    } else if (what == 5 && random() % 2 == 0) {
      cache.remove_sequence(id);
      live.erase(one);
    }
    std::set<std::int32_t> seen;
    for (const auto& [each, expected] : live) {
      seen.insert(cache.blocks(each).begin(), cache.blocks(each).end());
      const std::vector<float> got = tokens(cache, each);
      ASSERT_EQ(got.size(), expected.size());
      for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 0.04F * expected[i] + 1) << i;
    }
    ASSERT_EQ(std::ssize(seen) + cache.n_free_blocks(), 20);
  }
}
INSTANTIATE_TEST_SUITE_P(Exact, KvCacheUse, testing::Values(Use::exact));
INSTANTIATE_TEST_SUITE_P(Closing, KvCacheUse, testing::Values(Use::closing));
INSTANTIATE_TEST_SUITE_P(Demoting, KvCacheUse, testing::Values(Use::demoting));

}  // namespace
}  // namespace foreword::engine

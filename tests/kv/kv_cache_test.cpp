#include "engine/kv/kv_cache.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "gpu/registry.h"

namespace foreword::engine {
namespace {

class KvCacheTest : public testing::Test {
 protected:
  KvCacheTest() : backend_(std::move(gpu::open_device("cpu", {.n_threads = 1})).value()) {}
  KvCache make(std::int64_t n_slots) {
    return std::move(KvCache::create(*backend_, {2, 3, 16, gpu::DType::f16}, n_slots)).value();
  }
  std::unique_ptr<gpu::Backend> backend_;
};

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
  cache.commit(a, 65);
  const auto result = cache.reserve(b, 1);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::out_of_memory);
  EXPECT_NE(result.error().message.find("128"), std::string::npos);
  cache.truncate(a, 64);
  EXPECT_TRUE(cache.reserve(b, 1));
}

/// Random use against a plain model: no block is in two places, none is lost.
TEST_F(KvCacheTest, BlocksAreNeitherSharedNorLost) {
  const unsigned seed = 5;
  std::mt19937 random(seed);
  KvCache cache = make(64 * 20);
  std::vector<SequenceId> live;
  for (int step = 0; step < 3000; ++step) {
    const unsigned what = random() % 4;
    if (what == 0 && live.size() < 6) live.push_back(cache.add_sequence());
    if (live.empty()) continue;
    const std::size_t pick = random() % live.size();
    const SequenceId id = live[pick];
    if (what == 1) {
      const std::int64_t n = random() % 200;
      if (cache.reserve(id, n)) cache.commit(id, n);
    } else if (what == 2) {
      cache.truncate(id, cache.length(id) == 0 ? 0 : static_cast<std::int64_t>(random() % static_cast<unsigned>(cache.length(id))));
    } else if (what == 3 && random() % 3 == 0) {
      cache.remove_sequence(id);
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(pick));
    }
    std::set<std::int32_t> seen;
    std::int64_t held = 0;
    for (const SequenceId one : live) {
      held += std::ssize(cache.blocks(one));
      seen.insert(cache.blocks(one).begin(), cache.blocks(one).end());
      EXPECT_GE(std::ssize(cache.blocks(one)) * 64, cache.length(one)) << "seed " << seed;
    }
    EXPECT_EQ(std::ssize(seen), held) << "seed " << seed << ", step " << step;
    EXPECT_EQ(held + cache.n_free_blocks(), 20) << "seed " << seed << ", step " << step;
  }
}

}  // namespace
}  // namespace foreword::engine

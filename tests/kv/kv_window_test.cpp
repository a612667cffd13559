// Layers with a sliding window: what they see is there, what nothing sees any more is not.

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "tests/kv/kv_fixture.h"

namespace foreword::engine {
namespace {

// Layer 0 sees everything, layer 1 the last 100 positions.
class KvWindowTest : public KvCacheTest {
 protected:
  KvCache make_windowed(std::int64_t n_slots, PagePolicy policy = {}, std::int64_t window = 100) {
    return std::move(KvCache::create(*backend_, {2, 3, 32, gpu::DType::f16, policy, window, {false, true}}, n_slots)).value();
  }
  bool grow(KvCache& cache, SequenceId id, std::int64_t n) { return cache.reserve(id, n).has_value() && cache.commit(id, n).has_value(); }
  static std::string windows(const KvCache& cache, SequenceId id) {
    std::string text;
    for (const std::int32_t block : cache.blocks(id)) text += cache.window_block(block) == kNoBlock ? '-' : 'w';
    return text;
  }
};

TEST_F(KvWindowTest, PagesThatNothingSeesAreFreed) {
  for (const PagePolicy& policy : {PagePolicy{}, PagePolicy{kQ4}}) {
    KvCache cache = make_windowed(64 * 100, policy);
    const SequenceId id = cache.add_sequence();
    for (int i = 0; i < 95; ++i) ASSERT_TRUE(grow(cache, id, 64)) << i;
    EXPECT_EQ(windows(cache, id), std::string(93, '-') + "ww") << "the first page too";
    ASSERT_TRUE(grow(cache, id, 34));
    EXPECT_EQ(windows(cache, id), std::string(93, '-') + "www");
    ASSERT_TRUE(grow(cache, id, 1));
    EXPECT_EQ(windows(cache, id), std::string(94, '-') + "ww");
    // The windowed layer has room for far fewer pages than the other.
    EXPECT_EQ(cache.total_bytes(), KvCache::bytes_for(cache.shape(), 64 * 100));
    std::int64_t bytes[2] = {};
    for (int il = 0; il < 2; ++il) {
      for (int pool = 0; pool < 3; ++pool) {
        const gpu::KvPool each = cache.layer(il).pool(pool);
        if (each.buffer != nullptr) bytes[il] += static_cast<std::int64_t>(each.buffer->bytes());
      }
    }
    EXPECT_LT(bytes[1], bytes[0] * 2 / 3);
  }
}

TEST_F(KvWindowTest, WhatAWindowLostIsReadAnew) {
  KvCache cache = make_windowed(64 * 20);
  const SequenceId id = cache.add_sequence();
  ASSERT_TRUE(grow(cache, id, 300));
  ASSERT_TRUE(grow(cache, id, 300));
  ASSERT_EQ(windows(cache, id), "-------www");
  EXPECT_EQ(cache.truncate(id, 590), 590);
  EXPECT_EQ(cache.truncate(id, 547), 547) << "position 547 sees 448 and later";
  EXPECT_EQ(cache.truncate(id, 546), 0);
  EXPECT_EQ(cache.n_free_blocks(), 20);
}

TEST_F(KvWindowTest, AForkKeepsWhatItSees) {
  KvCache cache = make_windowed(64 * 20);
  const SequenceId id = cache.add_sequence();
  ASSERT_TRUE(grow(cache, id, 200));
  const SequenceId kept = cache.fork(id);
  ASSERT_TRUE(grow(cache, id, 400));
  EXPECT_EQ(cache.truncate(kept, 200), 200);
  EXPECT_EQ(windows(cache, kept), "-www");
  EXPECT_EQ(windows(cache, id), "-ww----www") << "shared pages keep theirs, but the copied one was its own";
}

TEST_F(KvWindowTest, TheLongestUnusedGivesWay) {
  KvCache cache = make_windowed(64 * 200);  // 22 places in layer 1
  std::vector<SequenceId> ids;
  for (int i = 0; i < 12; ++i) {
    ids.push_back(cache.add_sequence());
    ASSERT_TRUE(grow(cache, ids.back(), 200)) << i;
  }
  EXPECT_EQ(windows(cache, ids.back()), "-www");
  EXPECT_EQ(cache.truncate(ids.back(), 199), 199);
  EXPECT_FALSE(cache.reserve(ids.front(), 1)) << "it must not go on over a gap";
  EXPECT_EQ(cache.truncate(ids.front(), 199), 0);
  EXPECT_TRUE(grow(cache, ids.front(), 150));
}

TEST_F(KvWindowTest, WhoIsUsedTogetherTakesNothingFromEachOther) {
  KvCache cache = make_windowed(64 * 200);  // 22 places in layer 1, of which a text of 200 tokens has three
  std::map<SequenceId, std::int64_t> slots;
  for (int i = 0; i < 3; ++i) {
    const SequenceId id = cache.add_sequence();
    ASSERT_TRUE(grow(cache, id, 200)) << i;
    slots[id] = 320;  // five more
  }
  const Result<void> all = cache.reserve_together(slots);
  ASSERT_FALSE(all) << "24 places";
  EXPECT_EQ(all.error().code, ErrorCode::out_of_memory);
  for (const auto& [id, n] : slots) {
    EXPECT_TRUE(cache.is_whole(id)) << id;
    cache.truncate(id, cache.length(id));
  }
  slots.erase(std::prev(slots.end()));
  EXPECT_TRUE(cache.reserve_together(slots));
  for (const auto& [id, n] : slots) EXPECT_TRUE(cache.is_whole(id)) << id;
}

TEST_F(KvWindowTest, WhatIsLostStaysLostOnTheWayOverADisk) {
  for (const PagePolicy& policy : {PagePolicy{}, PagePolicy{kQ4}}) {
    KvCache cache = make_windowed(64 * 20, policy), other = make_windowed(64 * 20, policy);
    const SequenceId id = cache.add_sequence();
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(add(cache, id, 100, 1 + 100.0F * static_cast<float>(i)));
    ASSERT_EQ(windows(cache, id), "-------www");
    const auto copy = [&](SequenceId to, std::size_t n_pages) {
      for (std::size_t page = 0; page < n_pages; ++page) {
        const std::int32_t block = cache.blocks(id)[page];
        const std::int64_t n = std::min<std::int64_t>(64, 600 - 64 * static_cast<std::int64_t>(page));
        std::vector<std::byte> bytes(static_cast<std::size_t>(cache.page_bytes(cache.encoding_of(block), n)));
        ASSERT_TRUE(cache.read_page(block, n, bytes));
        EXPECT_TRUE(other.append_page(to, cache.encoding_of(block), n, bytes)) << page;
      }
    };
    const SequenceId whole = other.add_sequence(), part = other.add_sequence();
    copy(whole, 10);
    EXPECT_EQ(windows(other, whole), "-------www");
    EXPECT_EQ(other.truncate(whole, 600), 600);
    copy(part, 5);
    EXPECT_EQ(other.length(part), 320);
    EXPECT_EQ(other.truncate(part, 320), 0) << "what the windowed layer saw there is not known any more";
  }
}

TEST_F(KvWindowTest, PagesThatCloseTogetherTakeNothingFromEachOther) {
  KvCache cache = make_windowed(64 * 200, close_everything(kQ4), 300);  // 28 places for closed pages in layer 1
  for (int i = 0; i < 12; ++i) {
    const SequenceId id = cache.add_sequence();
    ASSERT_TRUE(grow(cache, id, 256)) << i;
    EXPECT_EQ(pools(cache, id), "cccc");
    EXPECT_EQ(windows(cache, id), "wwww") << i;
  }
}

}  // namespace
}  // namespace foreword::engine

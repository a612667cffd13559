#include "engine/model/batch_layout.h"

#include <gtest/gtest.h>

#include <set>

#include "gpu/registry.h"

namespace foreword::engine {
namespace {

class BatchLayoutTest : public testing::Test {
 protected:
  BatchLayoutTest()
      : backend_(std::move(gpu::open_device("cpu", {.n_threads = 1})).value()),
        cache_(std::move(KvCache::create(*backend_, {1, 1, 8, gpu::DType::f16}, 1024)).value()) {}

  SequenceId sequence_of(std::int64_t length) {
    const SequenceId id = cache_.add_sequence();
    EXPECT_TRUE(cache_.reserve(id, length));
    EXPECT_TRUE(cache_.commit(id, length));
    return id;
  }
  BatchLayout laid_out(const Batch& batch) {
    for (const SequenceId id : std::set<SequenceId>(batch.sequence.begin(), batch.sequence.end())) {
      EXPECT_TRUE(cache_.reserve(id, batch.size()));
    }
    return lay_out(batch, cache_);
  }

  std::unique_ptr<gpu::Backend> backend_;
  KvCache cache_;
};

using Ints = std::vector<std::int32_t>;

TEST_F(BatchLayoutTest, AChainNeedsNoExtras) {
  const SequenceId id = sequence_of(62);
  Batch batch;
  for (std::int32_t i = 0; i < 4; ++i) batch.add(i, id, i - 1, false);
  const BatchLayout layout = laid_out(batch);
  EXPECT_EQ(layout.position, (Ints{62, 63, 64, 65}));
  EXPECT_EQ(layout.prefix_slots, (Ints{63, 64, 65, 66}));
  EXPECT_TRUE(layout.extra_slots.empty());
  EXPECT_EQ(layout.max_slots(batch.size()), 66);
  const Ints& table = layout.table;
  EXPECT_EQ(layout.slot, (Ints{table[0] * 64 + 62, table[0] * 64 + 63, table[1] * 64, table[1] * 64 + 1}));
}

TEST_F(BatchLayoutTest, ATreeSeesItsAncestorsOnly) {
  const SequenceId id = sequence_of(10);
  Batch batch;  // 0 -> 1 -> 2, 0 -> 3 -> 4
  for (const std::int32_t parent : {-1, 0, 1, 0, 3}) batch.add(0, id, parent, false);
  const BatchLayout layout = laid_out(batch);
  EXPECT_EQ(layout.position, (Ints{10, 11, 12, 11, 12}));
  EXPECT_EQ(layout.prefix_slots, (Ints{11, 12, 13, 11, 11}));  // 3 and 4 share only row 0's prefix
  EXPECT_EQ(layout.extra_begin, (Ints{0, 0, 0, 0, 1, 3}));
  EXPECT_EQ(layout.extra_slots, (Ints{13, 13, 14}));
}

TEST_F(BatchLayoutTest, ABushHasManyRoots) {
  const SequenceId id = sequence_of(5);
  Batch batch;  // two suggestions after the same text
  batch.add(0, id, -1, true);
  batch.add(1, id, -1, true);
  batch.add(2, id, 1, true);
  const BatchLayout layout = laid_out(batch);
  EXPECT_EQ(layout.position, (Ints{5, 5, 6}));
  EXPECT_EQ(layout.prefix_slots, (Ints{6, 5, 5}));
  EXPECT_EQ(layout.extra_slots, (Ints{6, 6, 7}));
}

TEST_F(BatchLayoutTest, SequencesKeepApart) {
  const SequenceId a = sequence_of(3), b = sequence_of(100);
  Batch batch;
  batch.add(0, a, -1, false);
  batch.add(0, b, -1, false);
  batch.add(0, a, 0, false);
  const BatchLayout layout = laid_out(batch);
  EXPECT_EQ(layout.n_sequences, 2);
  EXPECT_EQ(layout.sequence, (Ints{0, 1, 0}));
  EXPECT_EQ(layout.position, (Ints{3, 100, 4}));
  EXPECT_TRUE(layout.extra_slots.empty());
  EXPECT_EQ(std::set<std::int32_t>(layout.slot.begin(), layout.slot.end()).size(), 3U);
}

}  // namespace
}  // namespace foreword::engine

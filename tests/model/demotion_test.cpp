// A cache that is too small for its encoding watches who is looked at while a model reads.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/model/forward.h"
#include "gpu/registry.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

TEST(Demotion, AModelReadsOnWhileOldPagesGoDown) {
  const auto backend = std::move(gpu::open_device("cpu", {.n_threads = 2})).value();
  auto file = GgufFile::open(test::data_dir() / "models" / "arch-qwen2-Q8_0.gguf");
  const Model model = std::move(load_model(std::make_shared<const GgufFile>(std::move(file).value()), *backend, 512, 512)).value();
  const Config& c = model.config;
  const KvShape shape{c.n_layers, c.n_kv_heads, c.head_dim, gpu::DType::f16, row_of(KvMode::fast).policy};
  KvCache cache = std::move(KvCache::create(*backend, shape, 512, KvCache::least_bytes_for(shape, 512))).value();
  ASSERT_TRUE(cache.may_demote());
  Forward forward = std::move(Forward::create(*backend, model, cache, 64)).value();
  const SequenceId id = cache.add_sequence();
  for (int chunk = 0; chunk < 8; ++chunk) {
    Batch batch;
    for (int i = 0; i < 60; ++i) batch.add((chunk * 60 + i) * 97 % 512, id, i - 1, i == 59);
    ASSERT_TRUE(forward.run(batch, [](std::int64_t, std::span<const float> logits) {
      for (const float logit : logits) ASSERT_TRUE(std::isfinite(logit));
    }));
    ASSERT_TRUE(cache.commit(id, batch.size()));
  }
  std::string pools;
  float sum = 0;
  for (const std::int32_t block : cache.blocks(id)) {
    pools += "ocd"[gpu::pool_of(block)];
    sum += cache.attention(block);
    EXPECT_GT(cache.attention(block), 0);
    EXPECT_LE(cache.attention(block), 8) << "no page gets more than all of 8 rows' attention";
  }
  EXPECT_EQ(pools.front(), 'o');
  EXPECT_EQ(std::ranges::count(pools, 'c'), 2) << pools;
  EXPECT_EQ(std::ranges::count(pools, 'd'), 3) << pools;
  EXPECT_GT(sum, 7) << "each row gave away all that it has, in each head";
}

}  // namespace
}  // namespace foreword::engine

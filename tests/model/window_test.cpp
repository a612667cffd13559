// Layers with a window keep only the pages that they can see: the logits must not notice.

#include <gtest/gtest.h>

#include <cstring>

#include "engine/model/forward.h"
#include "gpu/registry.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

class WindowTest : public testing::Test {
 protected:
  void SetUp() override {
    FW_NEED_FIXTURES();
    backend_ = std::move(gpu::open_device("cpu", {.n_threads = 2})).value();
    auto file = GgufFile::open(test::fixtures_dir() / "models" / "arch-gemma2-Q4_0.gguf");
    ASSERT_TRUE(file) << file.error().message;
    model_ = std::move(load_model(std::make_shared<const GgufFile>(std::move(file).value()), *backend_, 512, 512)).value();
    ASSERT_EQ(model_.config.window, 16);
  }

  std::vector<std::vector<float>> read(std::int64_t window, PagePolicy policy, std::int64_t n, int chunk) {
    const Config& c = model_.config;
    const KvShape shape{c.n_layers, c.n_kv_heads, c.head_dim, gpu::DType::f16, policy, window, c.is_local};
    KvCache cache = std::move(KvCache::create(*backend_, shape, 512)).value();
    Forward forward = std::move(Forward::create(*backend_, model_, cache, 128)).value();
    const SequenceId other = cache.add_sequence(), id = cache.add_sequence();
    EXPECT_TRUE(cache.reserve(other, 1));  // has the place that an entry 0 of a table means
    std::vector<std::vector<float>> all;
    for (std::int64_t at = 0; at < n;) {
      Batch batch;
      for (int i = 0; i < chunk && at < n; ++i, ++at) batch.add(static_cast<std::int32_t>((at * 97 + 31) % 512), id, i - 1, true);
      EXPECT_TRUE(forward.run(batch, [&](std::int64_t, std::span<const float> logits) { all.emplace_back(logits.begin(), logits.end()); }));
      EXPECT_TRUE(cache.commit(id, batch.size()));
    }
    if (window > 0) { EXPECT_EQ(cache.window_block(cache.blocks(id).front()), kNoBlock) << "something was freed"; }
    return all;
  }

  std::unique_ptr<gpu::Backend> backend_;
  Model model_;
};

TEST_F(WindowTest, FreedPagesAreNotMissed) {
  for (const int chunk : {40, 7}) {
    const auto whole = read(0, {}, 300, chunk), freed = read(16, {}, 300, chunk);
    ASSERT_EQ(whole.size(), freed.size());
    for (std::size_t row = 0; row < whole.size(); ++row) {
      ASSERT_EQ(std::memcmp(whole[row].data(), freed[row].data(), whole[row].size() * sizeof(float)), 0) << "row " << row;
    }
  }
}

TEST_F(WindowTest, ASmallerWindowThanTheModelsIsNoticed) {
  const auto whole = read(0, {}, 136, 8), freed = read(1, {}, 136, 8);
  EXPECT_EQ(whole[60], freed[60]);
  EXPECT_NE(whole[130], freed[130]) << "page 1 was given away while the model still saw it";
}

}  // namespace
}  // namespace foreword::engine

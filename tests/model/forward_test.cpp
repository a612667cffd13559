#include "engine/model/forward.h"

#include <gtest/gtest.h>

#include <cstring>

#include "gpu/registry.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

using Logits = std::vector<float>;

/// Text for the tests: ids of a vocabulary of 512.
std::vector<std::int32_t> some_tokens(int n) {
  std::vector<std::int32_t> tokens{1};
  while (std::ssize(tokens) < n) tokens.push_back(static_cast<std::int32_t>((tokens.size() * 97 + 31) % 512));
  return tokens;
}

class ForwardTest : public testing::TestWithParam<int> {
 protected:
  ForwardTest() : backend_(std::move(gpu::open_device("cpu", {.n_threads = GetParam()})).value()) {
    auto file = GgufFile::open(test::data_dir() / "models" / "arch-qwen2-Q8_0.gguf");
    model_ = std::move(load_model(std::make_shared<const GgufFile>(std::move(file).value()), *backend_, 512, 512)).value();
    const Config& c = model_.config;
    cache_ = std::move(KvCache::create(*backend_, {c.n_layers, c.n_kv_heads, c.head_dim, gpu::DType::f16}, 2048)).value();
    forward_ = std::move(Forward::create(*backend_, model_, *cache_, 128)).value();
  }

  /// Logits of every row; commits the batch if it is a chain.
  std::vector<Logits> run(const Batch& batch, std::int64_t commit) {
    std::vector<Logits> rows;
    const auto result = forward_->run(batch, [&](std::int64_t, std::span<const float> logits) {
      rows.emplace_back(logits.begin(), logits.end());
    });
    EXPECT_TRUE(result);
    if (commit > 0) { EXPECT_TRUE(cache_->commit(batch.sequence.front(), commit)); }
    return rows;
  }

  /// A whole text in chunks of these sizes, over and over.
  std::vector<Logits> read(const std::vector<std::int32_t>& tokens, std::vector<int> chunks) {
    const SequenceId id = cache_->add_sequence();
    std::vector<Logits> all;
    std::size_t at = 0;
    for (std::size_t turn = 0; at < tokens.size(); ++turn) {
      Batch batch;
      for (int i = 0; i < chunks[turn % chunks.size()] && at < tokens.size(); ++i, ++at) batch.add(tokens[at], id, i - 1, true);
      for (Logits& row : run(batch, batch.size())) all.push_back(std::move(row));
    }
    cache_->remove_sequence(id);
    return all;
  }

  static void expect_same_bits(const Logits& a, const Logits& b, const std::string& what) {
    ASSERT_EQ(a.size(), b.size());
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0) << what;
  }

  std::unique_ptr<gpu::Backend> backend_;
  Model model_;
  std::optional<KvCache> cache_;
  std::optional<Forward> forward_;
};

TEST_P(ForwardTest, ChunksDoNotChangeABit) {
  const auto tokens = some_tokens(150);
  const auto whole = read(tokens, {128});
  for (const auto& chunks : {std::vector<int>{1}, {7, 3, 20}, {64}, {2, 65}}) {
    const auto parts = read(tokens, chunks);
    ASSERT_EQ(parts.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) expect_same_bits(parts[i], whole[i], "row " + std::to_string(i));
  }
}

TEST_P(ForwardTest, ATreeGivesWhatItsPathsGive) {
  const auto prompt = some_tokens(70);
  // 0 -> {1 -> 2, 3 -> {4, 5}}
  const std::vector<std::int32_t> token{10, 20, 30, 40, 50, 60}, parent{-1, 0, 1, 0, 3, 3};
  const SequenceId id = cache_->add_sequence();
  Batch first;
  for (std::size_t i = 0; i < prompt.size(); ++i) first.add(prompt[i], id, static_cast<std::int32_t>(i) - 1, false);
  run(first, first.size());
  Batch tree;
  for (std::size_t i = 0; i < token.size(); ++i) tree.add(token[i], id, parent[i], true);
  const auto rows = run(tree, 0);

  for (std::size_t leaf = 0; leaf < token.size(); ++leaf) {
    std::vector<std::int32_t> path;
    for (std::int32_t at = static_cast<std::int32_t>(leaf); at >= 0; at = parent[static_cast<std::size_t>(at)]) {
      path.insert(path.begin(), token[static_cast<std::size_t>(at)]);
    }
    std::vector<std::int32_t> text = prompt;
    text.insert(text.end(), path.begin(), path.end());
    expect_same_bits(rows[leaf], read(text, {128}).back(), "node " + std::to_string(leaf));
  }
  // What follows an accepted path is what follows the same text read plainly.
  ASSERT_TRUE(cache_->accept(id, std::vector{0, 3, 5}));
  Batch next;
  next.add(70, id, -1, true);
  std::vector<std::int32_t> text = prompt;
  text.insert(text.end(), {10, 40, 60, 70});
  expect_same_bits(run(next, 1).front(), read(text, {128}).back(), "after the path");
}

TEST_P(ForwardTest, SequencesInOneBatchDoNotMeet) {
  const auto a = some_tokens(90);
  const std::vector<std::int32_t> b(a.rbegin(), a.rend());
  const SequenceId first = cache_->add_sequence(), second = cache_->add_sequence();
  Batch batch;
  for (int i = 0; i < 60; ++i) {
    batch.add(a[static_cast<std::size_t>(i)], first, i == 0 ? -1 : 2 * i - 2, true);
    batch.add(b[static_cast<std::size_t>(i)], second, i == 0 ? -1 : 2 * i - 1, true);
  }
  const auto rows = run(batch, 0);
  const auto alone_a = read(a, {128}), alone_b = read(b, {128});
  for (std::size_t i = 0; i < 60; ++i) {
    expect_same_bits(rows[2 * i], alone_a[i], "first, row " + std::to_string(i));
    expect_same_bits(rows[2 * i + 1], alone_b[i], "second, row " + std::to_string(i));
  }
}

TEST_P(ForwardTest, OnlyWantedRowsAreGiven) {
  const SequenceId id = cache_->add_sequence();
  Batch batch;
  for (int i = 0; i < 40; ++i) batch.add(i, id, i - 1, i % 3 == 1);
  std::vector<std::int64_t> rows;
  ASSERT_TRUE(forward_->run(batch, [&](std::int64_t row, std::span<const float>) { rows.push_back(row); }));
  EXPECT_EQ(rows.size(), 13U);
  EXPECT_EQ(rows[0], 1);
  EXPECT_EQ(rows[12], 37);
}

TEST_P(ForwardTest, ATokenOutsideTheVocabularyIsAnError) {
  for (const std::int32_t token : {-1, 512, 1 << 30}) {
    Batch batch;
    batch.add(token, cache_->add_sequence(), -1, true);
    const auto result = forward_->run(batch, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ForwardTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace foreword::engine

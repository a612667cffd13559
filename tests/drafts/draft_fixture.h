#pragma once
// The built-in model, and drafts of it.

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/autocomplete/draft_job.h"
#include "engine/gguf/gguf.h"
#include "engine/model/model.h"
#include "gpu/registry.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {

inline constexpr std::int64_t kSlots = 64 * 40;

class DraftTest : public testing::Test {
 protected:
  DraftTest() : backend_(std::move(gpu::open_device("cpu", {.n_threads = 2})).value()) {
    auto file = std::make_shared<const GgufFile>(std::move(GgufFile::open(test::data_dir().parent_path().parent_path() / "assets/builtin/main.gguf")).value());
    tokenizer_ = std::move(Tokenizer::from_gguf(file->metadata())).value();
    model_ = std::move(load_model(file, *backend_, 512, 512)).value();
    const Config& c = model_.config;
    cache_ = std::move(KvCache::create(*backend_, {c.n_layers, c.n_kv_heads, c.head_dim, gpu::DType::f16}, kSlots)).value();
    forward_ = std::move(Forward::create(*backend_, model_, *cache_, 128)).value();
    bytes_.emplace(*tokenizer_);
  }

  std::vector<TokenId> tokens_of(std::string_view text) const {
    std::vector<TokenId> ids = tokenizer_->encode(text, {});
    ids.insert(ids.begin(), tokenizer_->bos());
    return ids;
  }

  /// Reads the tokens behind what the sequence holds; the last row's logits.
  std::vector<float> read(SequenceId id, std::span<const TokenId> tokens) {
    Batch batch;
    for (std::size_t i = 0; i < tokens.size(); ++i) batch.add(tokens[i], id, static_cast<std::int32_t>(i) - 1, i + 1 == tokens.size());
    std::vector<float> last;
    EXPECT_TRUE(forward_->run(batch, [&](std::int64_t, std::span<const float> logits) { last.assign(logits.begin(), logits.end()); }));
    EXPECT_TRUE(cache_->commit(id, batch.size()));
    return last;
  }

  void step(DraftJob& job) {
    Batch batch;
    ASSERT_TRUE(job.add_rows(batch));
    if (batch.size() > 0) {
      ASSERT_TRUE(forward_->run(batch, [&](std::int64_t row, std::span<const float> logits) { job.take(row, logits); }));
    }
    ASSERT_TRUE(job.end_step());
  }

  std::vector<Draft> drafts_of(const std::string& before, const DraftLimits& limits) {
    const std::vector<TokenId> tokens = tokens_of(before);
    const HeldBack held = hold_back(*bytes_, tokens, 1);
    const SequenceId prefix = cache_->add_sequence();
    const auto logits = read(prefix, std::span(tokens).first(held.n_kept));
    std::vector<Draft> drafts;
    {
      DraftJob job(*tokenizer_, *bytes_, *cache_, limits);
      EXPECT_TRUE(job.branch(prefix, logits, held.held));
      cache_->remove_sequence(prefix);
      while (job.running()) step(job);
      drafts = job.drafts();
    }
    EXPECT_EQ(cache_->n_free_blocks(), kSlots / 64) << "all pages came back";
    return drafts;
  }

  std::unique_ptr<gpu::Backend> backend_;
  std::optional<Tokenizer> tokenizer_;
  Model model_;
  std::optional<KvCache> cache_;
  std::optional<Forward> forward_;
  std::optional<TokenBytes> bytes_;
};

inline constexpr std::string_view kTexts[] = {"Thank you for your ", "Dear Mr. Brown,\n\nWe are sor", "The train was late again, so",
                                       "I hope you are we", "Could you please send me the ", "It had been rain", "Best reg",
                                       "My favourite colour is b", "W", "日本", "He said \"yes", "naïve caf\xC3\xA9"};

}  // namespace foreword::engine

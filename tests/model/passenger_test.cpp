// Rows that ride through the layers in several passes give what they give in one, and the others notice nothing.

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "engine/model/forward.h"
#include "gpu/registry.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

using Logits = std::vector<float>;

struct Case {
  const char* file;  // among the test data; or among the fixtures
  bool fixture = false;
  PagePolicy policy = {};
  std::int64_t window = 0;  // 0: the cache keeps all
};

class PassengerTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (GetParam().fixture) FW_NEED_FIXTURES();
    backend_ = std::move(gpu::open_device("cpu", {.n_threads = 2})).value();
    const auto folder = (GetParam().fixture ? test::fixtures_dir() : test::data_dir()) / "models";
    auto file = GgufFile::open(folder / GetParam().file);
    ASSERT_TRUE(file) << file.error().message;
    model_ = std::move(load_model(std::make_shared<const GgufFile>(std::move(file).value()), *backend_, 512, 512)).value();
  }

  /// A fresh cache and all that works with it.
  void start() {
    const Config& c = model_.config;
    forward_.reset();
    cache_ = std::move(KvCache::create(*backend_, {c.n_layers, c.n_kv_heads, c.head_dim, gpu::DType::f16, GetParam().policy, GetParam().window, c.is_local}, 1024)).value();
    forward_ = std::move(Forward::create(*backend_, model_, *cache_, 96)).value();
    rows_.clear();
    logits_.clear();
  }
  std::int64_t n_layers() const { return model_.config.n_layers; }

  static std::int32_t token(std::int64_t at) { return static_cast<std::int32_t>((at * 97 + 31) % 512); }
  static Batch chain(SequenceId id, std::int64_t from, std::int64_t n) {
    Batch batch;
    for (std::int64_t i = 0; i < n; ++i) batch.add(token(from + i), id, static_cast<std::int32_t>(i - 1), i + 1 == n);
    return batch;
  }
  std::vector<std::byte> pages(SequenceId id) {
    std::vector<std::byte> all;
    for (std::int64_t at = 0; at < cache_->length(id); at += gpu::kPageSlots) {
      const std::int32_t block = cache_->blocks(id)[static_cast<std::size_t>(at / gpu::kPageSlots)];
      const std::int64_t n = std::min(cache_->length(id) - at, gpu::kPageSlots);
      std::vector<std::byte> page(static_cast<std::size_t>(cache_->page_bytes(cache_->encoding_of(block), n)));
      EXPECT_TRUE(cache_->read_page(block, n, page));
      all.insert(all.end(), page.begin(), page.end());
    }
    return all;
  }
  std::int64_t most(SequenceId id, std::int64_t n) const { return std::min(n, cache_->n_steady(id)); }

  /// What reading and writing alone give: the prompt in large chunks, the answer row by row.
  void alone(std::int64_t n_prompt, std::int64_t n_answer) {
    start();
    const SequenceId answer = cache_->add_sequence(), prompt = cache_->add_sequence();
    for (std::int64_t n = 0; n < n_prompt;) {
      const Batch batch = chain(prompt, n, most(prompt, std::min<std::int64_t>(64, n_prompt - n)));
      ASSERT_TRUE(forward_->run(batch, [&](std::int64_t, std::span<const float> row) { last_ = {row.begin(), row.end()}; }));
      ASSERT_TRUE(cache_->commit(prompt, batch.size()));
      n += batch.size();
    }
    for (std::int64_t n = 0; n < n_answer; ++n) write(answer, {});
    expected_rows_ = rows_;
    expected_pages_ = pages(prompt);
    expected_last_ = last_;
  }

  /// One row of the answer, whose logits are noted.
  void write(SequenceId id, const PassOptions& options) {
    const std::int64_t at = cache_->length(id);
    ASSERT_TRUE(forward_->run(chain(id, 1000 + at, 1), [&](std::int64_t row, std::span<const float> logits) {
      if (row == 0) rows_.emplace_back(logits.begin(), logits.end());
      else last_ = {logits.begin(), logits.end()};
    }, options));
    ASSERT_TRUE(cache_->commit(id, 1));
  }

  std::unique_ptr<gpu::Backend> backend_;
  Model model_;
  std::optional<KvCache> cache_;
  std::optional<Forward> forward_;
  std::vector<Logits> rows_, expected_rows_;  // of the answer
  std::vector<std::byte> expected_pages_;     // of the prompt
  Logits last_, expected_last_, logits_;      // of the prompt's last row
};

TEST_P(PassengerTest, MayGetOffBehindAnyLayerAndChangesNoBit) {
  constexpr std::int64_t kPrompt = 150;
  alone(kPrompt, 12);
  const std::int64_t n_answer = std::ssize(expected_rows_);
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    start();
    const SequenceId answer = cache_->add_sequence(), prompt = cache_->add_sequence();
    std::optional<Passenger> passenger;
    while (cache_->length(prompt) < kPrompt || std::ssize(rows_) < n_answer) {
      const std::int64_t read = cache_->length(prompt);
      if (!passenger && read < kPrompt) {
        const std::int64_t n = std::min<std::int64_t>(1 + static_cast<std::int64_t>(random() % 40), kPrompt - read);
        passenger = forward_->passenger(chain(prompt, read, most(prompt, n)));
      }
      PassOptions options;
      std::int64_t left = static_cast<std::int64_t>(random()) % (n_layers() + 2);
      if (passenger) options.passenger = &*passenger;
      if (left <= n_layers()) options.rides = [&](std::int64_t layer) { EXPECT_EQ(layer, passenger->next_layer); return left-- > 0; };
      if (std::ssize(rows_) < n_answer && random() % 3 != 0) {
        write(answer, options);
      } else if (passenger) {
        ASSERT_TRUE(forward_->run({}, [&](std::int64_t, std::span<const float> row) { last_ = {row.begin(), row.end()}; }, options));
      }
      if (passenger && passenger->next_layer == n_layers()) {
        ASSERT_TRUE(cache_->commit(prompt, passenger->batch.size()));
        passenger.reset();
      }
    }
    EXPECT_TRUE(rows_ == expected_rows_) << "the answer";
    EXPECT_TRUE(last_ == expected_last_) << "the prompt's last row";
    EXPECT_TRUE(pages(prompt) == expected_pages_) << "the prompt's keys and values";
  }
}

TEST_P(PassengerTest, KeepsItsLayersWhenThePassIsGivenUp) {
  constexpr std::int64_t kPrompt = 40;
  alone(kPrompt, 1);
  for (std::int64_t stop = 1; stop <= n_layers(); ++stop) {
    start();
    const SequenceId answer = cache_->add_sequence(), prompt = cache_->add_sequence();
    Passenger passenger = forward_->passenger(chain(prompt, 0, most(prompt, kPrompt)));
    ASSERT_EQ(passenger.batch.size(), kPrompt);
    std::int64_t n_asked = 0;
    const auto nothing = [](std::int64_t, std::span<const float>) { ADD_FAILURE() << "a pass that was given up has no logits"; };
    const auto result = forward_->run(chain(answer, 1000, 1), nothing, {.go_on = [&] { return ++n_asked < stop; }, .passenger = &passenger});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::cancelled);
    EXPECT_EQ(passenger.next_layer, stop);
    write(answer, {.passenger = &passenger});
    EXPECT_EQ(passenger.next_layer, n_layers());
    ASSERT_TRUE(cache_->commit(prompt, kPrompt));
    EXPECT_TRUE(rows_ == expected_rows_);
    EXPECT_TRUE(last_ == expected_last_);
    EXPECT_TRUE(pages(prompt) == expected_pages_);
  }
}

TEST_P(PassengerTest, APageThatIsSharedMeanwhileIsCopied) {
  constexpr std::int64_t kPrompt = 40, kBefore = 10;
  alone(kPrompt, 0);
  start();
  const SequenceId prompt = cache_->add_sequence();
  const Batch first = chain(prompt, 0, kBefore);
  ASSERT_TRUE(forward_->run(first, [](std::int64_t, std::span<const float>) {}));
  ASSERT_TRUE(cache_->commit(prompt, kBefore));
  Passenger passenger = forward_->passenger(chain(prompt, kBefore, kPrompt - kBefore));
  ASSERT_TRUE(forward_->run({}, {}, {.passenger = &passenger, .rides = [](std::int64_t layer) { return layer < 1; }}));
  const SequenceId fork = cache_->fork(prompt);
  const Batch other = chain(fork, 5000, 3);
  ASSERT_TRUE(forward_->run(other, [](std::int64_t, std::span<const float>) {}));
  ASSERT_TRUE(cache_->commit(fork, 3));
  EXPECT_TRUE(forward_->can_go_on(passenger));
  ASSERT_TRUE(forward_->run({}, [&](std::int64_t, std::span<const float> row) { last_ = {row.begin(), row.end()}; }, {.passenger = &passenger}));
  ASSERT_TRUE(cache_->commit(prompt, kPrompt - kBefore));
  EXPECT_TRUE(last_ == expected_last_);
  EXPECT_TRUE(pages(prompt) == expected_pages_);
}

TEST_P(PassengerTest, CannotGoOnWhenItsTextIsAnother) {
  start();
  const auto boarded = [&](SequenceId id) {
    Passenger passenger = forward_->passenger(chain(id, 0, 5));
    EXPECT_TRUE(forward_->run({}, {}, {.passenger = &passenger, .rides = [](std::int64_t layer) { return layer < 1; }}));
    EXPECT_TRUE(forward_->can_go_on(passenger));
    return passenger;
  };
  const SequenceId id = cache_->add_sequence();
  const Passenger cut = boarded(id);
  cache_->truncate(id, 0);
  EXPECT_FALSE(forward_->can_go_on(cut));
  const Passenger longer = boarded(id);
  ASSERT_TRUE(cache_->commit(id, 1));
  EXPECT_FALSE(forward_->can_go_on(longer));
  const Passenger removed = boarded(id);
  cache_->remove_sequence(id);
  EXPECT_FALSE(forward_->can_go_on(removed));
  EXPECT_EQ(cache_->add_sequence(), id);
  EXPECT_FALSE(forward_->can_go_on(removed)) << "another text of the same number";
}

constexpr gpu::KvEncoding kK8V4{gpu::KvFormat::q8, gpu::KvFormat::q4h};
INSTANTIATE_TEST_SUITE_P(Models, PassengerTest,
                         testing::Values(Case{"arch-qwen2-Q8_0.gguf"}, Case{"arch-qwen2-Q8_0.gguf", false, {.old = kK8V4}}, Case{"arch-gemma2-Q4_0.gguf", true, {}, 16}),
                         [](const auto& each) { return "case" + std::to_string(each.index); });

}  // namespace
}  // namespace foreword::engine

// Rows of logits come to whoever wants them with the bits that they have on the device, however few are read back at first.

#include "engine/model/logit_reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "gpu/cpu/cpu_backend.h"
#include "gpu/cpu/reference.h"

namespace foreword::engine {
namespace {

class LogitReaderTest : public testing::Test {
 protected:
  static constexpr std::int64_t kRows = 6, kVocabulary = 1000;

  void open(std::unique_ptr<gpu::Backend> backend) {
    backend_ = std::move(backend);
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 2);
    for (std::int64_t i = 0; i < kRows * kVocabulary; ++i) values_.push_back(normal(random));
    for (std::size_t i = 0; i < kVocabulary; ++i) values_[i] = i % 2 == 0 ? std::nanf("") : static_cast<float>(i % 5);
    buffer_ = std::move(backend_->allocate(values_.size() * sizeof(float))).value();
    given_ = {buffer_.get(), 0, kRows, kVocabulary, kVocabulary, gpu::DType::f32};
    backend_->write(given_, std::as_bytes(std::span(values_)));
  }
  std::span<const float> row(std::int64_t i) const { return std::span(values_).subspan(static_cast<std::size_t>(i * kVocabulary), kVocabulary); }

  std::unique_ptr<gpu::Backend> backend_;
  std::vector<float> values_;
  std::unique_ptr<gpu::Buffer> buffer_;
  gpu::Tensor given_;
};

TEST_F(LogitReaderTest, GivesTheBestAndTheRestWhenAsked) {
  open(gpu::make_reference_backend());
  auto reader = std::move(LogitReader::create(*backend_, kRows, kVocabulary)).value();
  const LogitWish wishes[] = {LogitWish::best(256), true, LogitWish::best(3), LogitWish::best(257), true, LogitWish::best(1)};
  std::vector<std::int64_t> seen;
  const auto result = reader.hand_out(given_, wishes, [&](std::int64_t i, const LogitRow& got) {
    seen.push_back(i);
    const std::int32_t wanted = wishes[i].n_best();
    ASSERT_EQ(got.size(), static_cast<std::size_t>(kVocabulary));
    EXPECT_EQ(got.best().empty(), wanted > 256) << i;
    std::vector<Candidate> sorted;
    for (std::int32_t t = 0; t < kVocabulary; ++t) {
      if (!std::isnan(row(i)[static_cast<std::size_t>(t)])) sorted.push_back({row(i)[static_cast<std::size_t>(t)], t});
    }
    std::ranges::sort(sorted, kBetter);
    EXPECT_TRUE(got.best().empty() || std::ssize(got.best()) >= wanted);
    for (std::size_t j = 0; j < got.best().size(); ++j) {
      EXPECT_EQ(got.best()[j].token, sorted[j].token) << i << ", " << j;
      EXPECT_EQ(got.best()[j].logit, sorted[j].logit) << i << ", " << j;
    }
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(std::memcmp(got.all().data(), row(i).data(), kVocabulary * sizeof(float)), 0) << i;
    }
  });
  ASSERT_TRUE(result);
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
}

TEST_F(LogitReaderTest, OnTheProcessorAllIsAtHand) {
  open(gpu::make_cpu_backend({.n_threads = 1}));
  auto reader = std::move(LogitReader::create(*backend_, kRows, kVocabulary)).value();
  const std::vector<LogitWish> wishes(kRows, LogitWish::best(3));
  ASSERT_TRUE(reader.hand_out(given_, wishes, [&](std::int64_t i, const LogitRow& got) {
    EXPECT_TRUE(got.best().empty());
    EXPECT_EQ(std::memcmp(got.all().data(), row(i).data(), kVocabulary * sizeof(float)), 0) << i;
  }));
}

}  // namespace
}  // namespace foreword::engine

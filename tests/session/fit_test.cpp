// Whether a model fits is told before it is opened, with the numbers that opening it goes by.
#include "engine/fit.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "engine/device_plan.h"
#include "gpu/registry.h"
#include "tests/session/models.h"

namespace foreword::engine {
namespace {

constexpr std::int64_t kPlenty = std::int64_t{1} << 40;

class FitTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(builtin("main.gguf"))) GTEST_SKIP() << "no built-in model in this checkout";
    file_ = std::make_unique<GgufFile>(*GgufFile::open(builtin("main.gguf")));
    options_.context = 2048;
  }
  Fit judge(const MemoryThere& memory) const { return *judge_fit(*file_, options_, memory); }
  Fit judge(const MemoryThere& memory, std::int64_t context) const {
    ModelOptions options = options_;
    options.context = context;
    return *judge_fit(*file_, options, memory);
  }
  static MemoryThere processor(std::int64_t free) { return {.device = "cpu", .processor_free = free}; }
  static MemoryThere graphics(std::int64_t free, std::int64_t processor = kPlenty) { return {.device = "cuda:0", .device_free = free, .processor_free = processor}; }

  std::unique_ptr<GgufFile> file_;
  ModelOptions options_;
};

TEST_F(FitTest, OnTheProcessorAllOfItHasToFitWithSomethingToSpare) {
  const Fit plenty = judge(processor(kPlenty));
  EXPECT_EQ(plenty.verdict, FitVerdict::fits);
  EXPECT_EQ(plenty.context, 2048);
  EXPECT_EQ(plenty.layers, plenty.n_layers);
  EXPECT_GT(plenty.needed, static_cast<std::int64_t>(file_->total_bytes()));
  EXPECT_EQ(judge(processor(plenty.needed + kSpareBytes)).verdict, FitVerdict::fits);
  EXPECT_EQ(judge(processor(plenty.needed + kSpareBytes - 1)).verdict, FitVerdict::too_large);
}

TEST_F(FitTest, TheLargestContextIsTheLargest) {
  const std::int64_t own = read_config(file_->metadata())->trained_context;
  EXPECT_EQ(judge(processor(kPlenty)).largest_context, own / 256 * 256) << "its own length";
  for (const std::int64_t context : {512, 1024}) {
    const MemoryThere memory = processor(judge(processor(kPlenty), context).needed + kSpareBytes);
    const Fit fit = judge(memory, 256);
    EXPECT_GE(fit.largest_context, context);
    EXPECT_EQ(judge(memory, fit.largest_context).verdict, FitVerdict::fits);
    EXPECT_EQ(judge(memory, fit.largest_context + 256).verdict, FitVerdict::too_large);
    const Fit more = judge(memory, own);
    EXPECT_EQ(more.verdict, FitVerdict::too_large);
    EXPECT_EQ(more.largest_context, fit.largest_context) << "what would do is told where it does not fit";
  }
  EXPECT_EQ(judge(processor(1000)).largest_context, 0);
}

TEST_F(FitTest, OnADeviceItIsThePlanThatCounts) {
  const ModelBytes bytes = count_bytes(*file_, options_, 128);
  const Fit whole = judge(graphics(kPlenty));
  EXPECT_EQ(whole.verdict, FitVerdict::fits);
  int partly = 0, whole_ones = 0;
  for (std::int64_t free = 1 << 20; free < whole.needed + 2 * kSpareBytes; free += 4 << 20) {
    const Fit fit = judge(graphics(free));
    EXPECT_EQ(fit.layers, layers_that_fit(bytes, free));
    EXPECT_EQ(fit.verdict, fit.layers == fit.n_layers ? FitVerdict::fits : FitVerdict::partly);
    if (fit.verdict == FitVerdict::fits) {
      EXPECT_LE(fit.needed, fit.free);
    }
    ++(fit.verdict == FitVerdict::fits ? whole_ones : partly);
    EXPECT_EQ(judge(graphics(free, 1 << 20)).verdict == FitVerdict::too_large, fit.layers < fit.n_layers) << "nothing holds the rest";
  }
  EXPECT_GT(partly, 10);
  EXPECT_GT(whole_ones, 10);
  EXPECT_EQ(judge(graphics(0)).verdict, FitVerdict::fits) << "nobody knows how much there is";
  options_.gpu_layers = 2;
  EXPECT_EQ(judge(graphics(kPlenty)).layers, 2) << "as asked";
  options_.gpu_layers = 0;
  EXPECT_EQ(judge(graphics(kPlenty)).verdict, FitVerdict::fits) << "on the processor, as asked";
  options_.gpu_layers = -1;
  MemoryThere narrow = graphics(kPlenty);
  narrow.widest_head = 8;
  EXPECT_EQ(judge(narrow).free, narrow.processor_free) << "it goes to the processor";
}

TEST_F(FitTest, TheSameModelInAnotherNumberOfBits) {
  const auto bytes = static_cast<std::int64_t>(file_->total_bytes());
  const Fit own = judge(processor(kPlenty)), twice = *judge_fit(*file_, options_, processor(kPlenty), 2 * bytes);
  EXPECT_EQ(twice.needed - own.needed, bytes);
  EXPECT_EQ(judge_fit(*file_, options_, processor(kPlenty), bytes)->needed, own.needed);
  const MemoryThere memory = graphics(judge(graphics(kPlenty)).needed + kSpareBytes + (16 << 20));
  EXPECT_EQ(judge(memory).verdict, FitVerdict::fits);
  const Fit part = *judge_fit(*file_, options_, memory, 2 * bytes);
  EXPECT_EQ(part.verdict, FitVerdict::partly);
  EXPECT_GT(part.layers, 0);
}

// D49: within 3 % of what is taken. The emulated device counts each byte that it gives (FOREWORD_CUDA_PLUGIN, FOREWORD_TEST_DEVICE).
TEST_F(FitTest, WhatADeviceGivesIsWhatWasSaid) {
  const char* device = std::getenv("FOREWORD_TEST_DEVICE");
  if (device == nullptr || std::string_view(device) != "cuda") GTEST_SKIP() << "for the emulated device";
  options_.device = "cuda:0";
  const MemoryThere memory = memory_there(options_, nullptr);
  ASSERT_GT(memory.device_free, 0);
  const Fit fit = judge(memory);
  ASSERT_EQ(fit.verdict, FitVerdict::fits);
  const auto loaded = LoadedModel::open(builtin("main.gguf"), options_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(memory_there(options_, loaded->get()).device_free, memory.device_free) << "what would be there without it";
  std::vector<TokenId> tokens(70, 5);
  last_row(**loaded, (*loaded)->cache().add_sequence(), tokens);
  const auto taken = static_cast<double>(memory.device_free - (*loaded)->backend().device().memory_free_bytes);
  // It gives memory for weights in slabs, of which the last one is not full: 48 MiB, or as much as the file has.
  const double slab = std::min(48.0 * (1 << 20), static_cast<double>(file_->total_bytes()));
  EXPECT_LE(static_cast<double>(fit.needed), 1.03 * taken);
  EXPECT_GE(static_cast<double>(fit.needed), 0.97 * (taken - slab));
}

}  // namespace
}  // namespace foreword::engine

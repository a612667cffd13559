// Our encoders against the table of decoders: how near, how sound, and the bytes of a row worked out by hand.

#include "engine/quantize/encode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "tests/support/few_threads.h"
#include "tests/support/fixtures.h"

namespace foreword::engine {
namespace {

using gpu::Format;

constexpr Format kBlockFormats[] = {Format::q4_0, Format::q5_0, Format::q5_1, Format::q8_0,
                                    Format::q4_k, Format::q5_k, Format::q6_k};
constexpr Format kFormats[] = {Format::f32,  Format::f16,  Format::bf16, Format::q4_0, Format::q5_0,
                               Format::q5_1, Format::q8_0, Format::q4_k, Format::q5_k, Format::q6_k};

std::vector<std::byte> encoded(Format format, std::int64_t cols, std::span<const float> values,
                               std::span<const float> importance = {}, int n_threads = 1) {
  std::vector<std::byte> out(static_cast<std::size_t>(std::ssize(values) / cols * gpu::row_bytes(format, cols)),
                             std::byte{0xa5});
  const Result<void> result = encode(format, cols, values, importance, out, n_threads);
  EXPECT_TRUE(result) << result.error().message;
  return out;
}

std::vector<float> decoded(Format format, std::span<const std::byte> bytes) {
  const gpu::FormatInfo& row = gpu::info(format);
  const std::int64_t n_blocks = std::ssize(bytes) / row.block_bytes;
  std::vector<float> values(static_cast<std::size_t>(n_blocks * row.block_length));
  row.decode(bytes.data(), n_blocks, values.data());
  return values;
}

std::vector<float> there_and_back(Format format, std::int64_t cols, std::span<const float> values,
                                  std::span<const float> importance = {}) {
  return decoded(format, encoded(format, cols, values, importance));
}

/// sqrt(sum w (a - b)^2 / sum w b^2)
double relative_error(std::span<const float> found, std::span<const float> wanted, std::span<const float> weights = {}) {
  double error = 0, whole = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double weight = weights.empty() ? 1 : weights[i % weights.size()];
    error += weight * std::pow(static_cast<double>(found[i]) - wanted[i], 2);
    whole += weight * std::pow(static_cast<double>(wanted[i]), 2);
  }
  return std::sqrt(error / whole);
}

std::vector<float> gaussian(std::size_t n, unsigned seed, double deviation = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, deviation);
  std::vector<float> values(n);
  for (float& value : values) value = static_cast<float>(normal(random));
  return values;
}

std::string name(Format format) { return std::string(gpu::info(format).name); }

/// The widely used quantiser's error on the reference source (blocks.json), and the most that ours makes on Gaussian data.
struct Quality {
  Format format;
  double reference, gaussian;
};
constexpr Quality kQuality[] = {
    {Format::f16, 0.000207, 0.000215}, {Format::q4_0, 0.082038, 0.0812}, {Format::q5_0, 0.040555, 0.0402},
    {Format::q5_1, 0.033990, 0.0342},  {Format::q8_0, 0.005345, 0.0048}, {Format::q4_k, 0.071036, 0.0706},
    {Format::q5_k, 0.035424, 0.0350},  {Format::q6_k, 0.017284, 0.0166},
};

TEST(Encode, NoWorseThanTheReferenceOnItsSource) {
  FW_NEED_FIXTURES();
  const std::vector<std::byte> bytes = test::read_bytes(test::fixtures_dir() / "blocks" / "source.f32");
  std::vector<float> source(bytes.size() / sizeof(float));
  std::memcpy(source.data(), bytes.data(), bytes.size());
  for (const Quality& row : kQuality) {
    const double error = relative_error(there_and_back(row.format, 256, source), source);
    std::printf("%-5s relative RMS %.6f, reference %.6f\n", name(row.format).c_str(), error, row.reference);
    EXPECT_LE(error, row.reference + 5e-7) << name(row.format);
  }
}

TEST(Encode, GaussianNumbers) {
  const std::vector<float> source = gaussian(1 << 15, 7, 0.02);
  for (const Quality& row : kQuality) {
    const double error = relative_error(there_and_back(row.format, 1024, source), source);
    std::printf("%-5s relative RMS %.6f\n", name(row.format).c_str(), error);
    EXPECT_LE(error, row.gaussian) << name(row.format);
  }
}

TEST(Encode, BytesOfAKnownRow) {
  std::vector<float> row(32);
  for (int i = 0; i < 32; ++i) row[static_cast<std::size_t>(i)] = 0.5F * static_cast<float>(i * 8 - 121);  // -60.5 to 63.5
  const std::vector<std::byte> bytes = encoded(Format::q8_0, 32, row);
  EXPECT_EQ(bytes[0], std::byte{0x00});
  EXPECT_EQ(bytes[1], std::byte{0x38});  // 0.5
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(static_cast<std::int8_t>(bytes[static_cast<std::size_t>(2 + i)]), i * 8 - 121) << i;
  }
  const float numbers[] = {1, -2, 65504, 1e30F, 3e38F, 1.00390625F};
  const std::vector<std::byte> halves = encoded(Format::f16, 6, numbers), brains = encoded(Format::bf16, 6, numbers);
  const std::uint16_t wanted_halves[] = {0x3c00, 0xc000, 0x7bff, 0x7bff, 0x7bff, 0x3c04};
  const std::uint16_t wanted_brains[] = {0x3f80, 0xc000, 0x4780, 0x714a, 0x7f62, 0x3f80};  // the last one is a tie
  EXPECT_EQ(std::memcmp(halves.data(), wanted_halves, sizeof wanted_halves), 0);
  EXPECT_EQ(std::memcmp(brains.data(), wanted_brains, sizeof wanted_brains), 0);
}

TEST(Encode, WhatAFormatCanHoldComesBack) {
  // What was decoded can be held; encoding it again must find nearly the same numbers.
  for (const Format format : kBlockFormats) {
    const std::vector<float> source = gaussian(1 << 13, 12, 0.5);
    const std::vector<float> held = there_and_back(format, 512, source);
    EXPECT_LT(relative_error(there_and_back(format, 512, held), held), 0.5 * relative_error(held, source)) << name(format);
  }
}

TEST(Encode, EveryBitOfACodeAndAScaleIsUsed) {
  // Each value alone in its block, at another place and size: a wrong shift or index moves it.
  for (const Format format : kBlockFormats) {
    for (std::size_t at = 0; at < 256; ++at) {
      std::vector<float> values(256, 0);
      values[at] = at % 2 == 0 ? 3.7F : -3.7F;
      const std::vector<float> found = there_and_back(format, 256, values);
      for (std::size_t i = 0; i < 256; ++i) {
        ASSERT_NEAR(found[i], values[i], 0.01) << name(format) << ", value " << at << ", place " << i;
      }
    }
  }
}

TEST(Encode, UnevenBlocks) {
  // Sub-blocks from 1/1000 to 1, and all on one side of zero: nothing may be lost in the common scale.
  std::vector<float> uneven = gaussian(256 * 16, 3), positive = gaussian(256 * 16, 4);
  for (std::size_t i = 0; i < uneven.size(); ++i) uneven[i] *= std::pow(10.0F, -static_cast<float>(i / 16 % 4));
  for (float& value : positive) value = 5 + value;
  for (const Format format : kBlockFormats) {
    EXPECT_LT(relative_error(there_and_back(format, 256, uneven), uneven), 0.13) << name(format);
    EXPECT_LT(relative_error(there_and_back(format, 256, positive), positive), 0.06) << name(format);
  }
}

TEST(Encode, ImportantColumnsAreNearer) {
  const std::vector<float> source = gaussian(1 << 14, 21);
  std::vector<float> importance(256);
  std::mt19937 random(22);
  for (float& weight : importance) weight = std::exp(static_cast<float>(random() % 1000) / 100.0F - 5);
  for (const Format format : kBlockFormats) {
    const double plain = relative_error(there_and_back(format, 256, source), source, importance);
    const double weighted = relative_error(there_and_back(format, 256, source, importance), source, importance);
    std::printf("%-5s weighted error %.6f, without weights %.6f\n", name(format).c_str(), weighted, plain);
    EXPECT_LT(weighted, 0.97 * plain) << name(format);
  }
  // Only the ratios count, and weights of zero everywhere are none.
  std::vector<float> scaled = importance;
  for (float& weight : scaled) weight *= 1024;
  const std::vector<float> zeros(256, 0);
  for (const Format format : kBlockFormats) {
    EXPECT_EQ(encoded(format, 256, source, importance), encoded(format, 256, source, scaled)) << name(format);
    EXPECT_EQ(encoded(format, 256, source, zeros), encoded(format, 256, source)) << name(format);
  }
}

TEST(Encode, StrangeRowsStayNumbers) {
  constexpr float kTiny = 1e-38F, kDenormal = 1e-45F;
  for (const Format format : kFormats) {
    for (const float value : {0.0F, -0.0F, 1.0F, -1.0F, 0.1F, 1e30F, -1e30F, 3.4e38F, kTiny, -kTiny, kDenormal, 1e-7F, 6e4F}) {
      for (const float other : {value, 0.0F, -value, value / 3, 1.0F, 1e30F, kTiny}) {
        std::vector<float> row(256, value);
        for (std::size_t i = 1; i < row.size(); i += 7) row[i] = other;
        for (const float found : there_and_back(format, 256, row)) {
          ASSERT_TRUE(std::isfinite(found)) << name(format) << ": " << value << " and " << other;
        }
      }
    }
  }
  for (const Format format : kBlockFormats) {
    const std::vector<float> zero(256, 0), constant(256, 0.37F), minus(256, -0.37F);
    EXPECT_EQ(there_and_back(format, 256, zero), zero) << name(format);
    EXPECT_LT(relative_error(there_and_back(format, 256, constant), constant), 1e-3) << name(format);
    EXPECT_LT(relative_error(there_and_back(format, 256, minus), minus), 1e-3) << name(format);
  }
}

TEST(Encode, AnInfinityIsNamedByItsRow) {
  for (const Format format : kFormats) {
    std::vector<float> values(256 * 8, 0.5F);
    values[256 * 5 + 100] = std::numeric_limits<float>::infinity();
    values[256 * 6] = std::numeric_limits<float>::quiet_NaN();
    std::vector<std::byte> out(static_cast<std::size_t>(8 * gpu::row_bytes(format, 256)));
    for (const int n_threads : {1, 3}) {
      const Result<void> result = encode(format, 256, values, {}, out, n_threads);
      ASSERT_FALSE(result) << name(format);
      EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
      EXPECT_NE(result.error().message.find("Row 5"), std::string::npos) << result.error().message;
    }
  }
}

TEST(Encode, ThreadsChangeNothing) {
  const std::vector<float> values = gaussian(512 * 13, 5);
  for (const Format format : kFormats) {
    const std::vector<std::byte> alone = encoded(format, 512, values);
    EXPECT_EQ(encoded(format, 512, values, {}, 3), alone) << name(format);
    EXPECT_EQ(encoded(format, 512, values, {}, 64), alone) << name(format);
  }
}

TEST(Encode, WhereThereAreNoThreadsTheCallerDoesTheirRows) {
  const std::vector<float> values = gaussian(512 * 13, 5);
  const std::vector<std::byte> alone = encoded(Format::q8_0, 512, values);
  const test::RoomForTwoThreads limit;
  EXPECT_EQ(encoded(Format::q8_0, 512, values, {}, 13), alone);
}

TEST(Encode, RowsThatBlocksDoNotDivide) {
  struct Case {
    Format wanted;
    std::int64_t row_length;
    Format found;
  };
  constexpr Case kCases[] = {
      {Format::q4_k, 512, Format::q4_k}, {Format::q4_k, 96, Format::q5_0}, {Format::q5_k, 96, Format::q5_1},
      {Format::q6_k, 96, Format::q8_0},  {Format::q4_0, 96, Format::q4_0}, {Format::q4_k, 100, Format::f16},
      {Format::q6_k, 100, Format::f16},  {Format::q8_0, 16, Format::f16},  {Format::f32, 7, Format::f32},
  };
  for (const Case& row : kCases) {
    EXPECT_EQ(format_for_row(row.wanted, row.row_length), row.found) << name(row.wanted) << ", " << row.row_length;
  }
  EXPECT_FALSE(can_encode(Format::q4_1));
  EXPECT_EQ(encodable_names(), "F32, F16, BF16, Q4_0, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K");
}

}  // namespace
}  // namespace foreword::engine

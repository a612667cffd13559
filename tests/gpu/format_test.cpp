// The formats' table, the decoders against reference vectors, and the codebooks' checksums.

#include "gpu/format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gpu/codebooks.h"
#include "tests/gpu/sha256.h"
#include "tests/support/fixtures.h"

namespace foreword::gpu {
namespace {

namespace fs = std::filesystem;

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

/// First index at which the floats differ in a bit (all NaN count as equal), -1 if none.
std::int64_t first_difference(const std::vector<float>& got, const std::vector<float>& expected) {
  if (got.size() != expected.size()) return 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) && std::isnan(expected[i])) continue;
    if (bits_of(got[i]) != bits_of(expected[i])) return static_cast<std::int64_t>(i);
  }
  return -1;
}

std::vector<float> decode_all(const FormatInfo& row, const std::vector<std::byte>& blocks) {
  const auto n_blocks = static_cast<std::int64_t>(blocks.size()) / row.block_bytes;
  std::vector<float> out(static_cast<std::size_t>(n_blocks * row.block_length));
  row.decode(blocks.data(), n_blocks, out.data());
  return out;
}

std::vector<float> as_floats(const std::vector<std::byte>& bytes) {
  std::vector<float> out(bytes.size() / sizeof(float));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

std::vector<std::byte> random_bytes(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(n);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 255);
  return bytes;
}

TEST(FormatTable, IdsRiseAndAreFoundByIdAndName) {
  int last = -1;
  for (const FormatInfo& row : formats()) {
    const int id = static_cast<int>(row.format);
    EXPECT_GT(id, last);
    last = id;
    EXPECT_EQ(&info(row.format), &row);
    const Result<Format> by_id = format_from_id(static_cast<std::uint32_t>(id));
    ASSERT_TRUE(by_id) << row.name;
    EXPECT_EQ(*by_id, row.format);
    std::string lower(row.name);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return std::tolower(c); });
    EXPECT_EQ(format_from_name(lower), row.format);
    EXPECT_EQ(format_from_name(row.name), row.format);
    EXPECT_EQ(row_bytes(row.format, 3 * row.block_length), 3 * row.block_bytes);
    const bool is_number = id >= 24 && id <= 28;
    EXPECT_EQ(row.decode == nullptr, is_number) << row.name;
  }
  EXPECT_EQ(formats().size(), 32u);
  EXPECT_EQ(format_from_name("q4_k_m"), std::nullopt);
  EXPECT_EQ(format_from_name(""), std::nullopt);
}

TEST(FormatTable, RefusedIdsAreUnsupportedWithASentence) {
  for (const std::uint32_t id : {4u, 5u, 9u, 15u, 31u, 32u, 33u, 36u, 37u, 38u, 42u, 63u, 64u, 255u, 0xffffffffu}) {
    const Result<Format> format = format_from_id(id);
    ASSERT_FALSE(format) << id;
    EXPECT_EQ(format.error().code, ErrorCode::unsupported);
    EXPECT_EQ(format.error().message.back(), '.');
  }
  EXPECT_NE(format_from_id(31).error().message.find("Q4_0_4_4"), std::string::npos);
  EXPECT_NE(format_from_id(99).error().message.find("99"), std::string::npos);
}

TEST(Half, EveryHalfSurvivesTheWayThroughFloat) {
  for (std::uint32_t half = 0; half <= 0xffff; ++half) {
    const float value = half_to_float(static_cast<std::uint16_t>(half));
    const std::uint32_t exponent = half >> 10 & 31;
    const double mantissa = half & 1023;
    if (exponent == 31 && mantissa != 0) {
      EXPECT_TRUE(std::isnan(value)) << half;
      EXPECT_EQ(float_to_half(value), half | 0x0200u) << half;
      continue;
    }
    const double magnitude = exponent == 31 ? std::numeric_limits<double>::infinity()
                             : exponent == 0 ? std::ldexp(mantissa, -24)
                                             : std::ldexp(1024 + mantissa, static_cast<int>(exponent) - 25);
    EXPECT_EQ(value, half & 0x8000 ? -magnitude : magnitude) << half;
    EXPECT_EQ(std::signbit(value), (half & 0x8000) != 0) << half;
    EXPECT_EQ(float_to_half(value), half);
  }
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  // Between every two neighbours: just below, at, and just above the middle.
  for (std::uint32_t half = 0; half < 0x7bff; ++half) {
    const double low = half_to_float(static_cast<std::uint16_t>(half));
    const double high = half_to_float(static_cast<std::uint16_t>(half + 1));
    const auto middle = static_cast<float>((low + high) / 2);
    EXPECT_EQ(float_to_half(std::nextafter(middle, 0.0f)), half);
    EXPECT_EQ(float_to_half(middle), half % 2 == 0 ? half : half + 1) << half;
    EXPECT_EQ(float_to_half(std::nextafter(middle, 1e9f)), half + 1);
    EXPECT_EQ(float_to_half(-middle), (half % 2 == 0 ? half : half + 1) | 0x8000u);
  }
  EXPECT_EQ(float_to_half(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(3e38f), 0x7c00);
  EXPECT_EQ(float_to_half(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::denorm_min()), 0);
}

TEST(Sha256, KnownAnswer) {
  const std::string abc = "abc";
  const std::vector<std::uint8_t> bytes(abc.begin(), abc.end());
  EXPECT_EQ(test::sha256(bytes), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

template <class Table>
std::string checksum(const Table& table) {
  std::vector<std::uint8_t> bytes;
  for (const auto& entry : table) {
    for (const std::int8_t value : entry) bytes.push_back(static_cast<std::uint8_t>(value));
  }
  return test::sha256(bytes);
}

TEST(Codebooks, ExpandToTheKnownChecksums) {
  const Codebooks& books = codebooks();
  EXPECT_EQ(checksum(books.iq2_xxs), "05826b5d3e472a3a78f196be62ac78acf81df0f909626e12ab9fa2a5d490dd54");
  EXPECT_EQ(checksum(books.iq2_xs), "06e47aaca60b4dc1d9b5a3f34540437058a6b142b4d7a59d5ded769b4d1bf1de");
  EXPECT_EQ(checksum(books.iq2_s), "e1aa1473412b0552c2174c30ef22ab4073f6a181b85a17056e8249bd2932fd88");
  EXPECT_EQ(checksum(books.iq1), "07540ffc1aeaf6ad4d97e96b0fcc765aae39671d4ae4a27bbd0e796fde167c6a");
  EXPECT_EQ(checksum(books.iq3_xxs), "46e35f5a997efdee6c99ce57854c8a0d4f0ff8ca57e5e8a60c0793ea580acf5d");
  EXPECT_EQ(checksum(books.iq3_s), "bd1af4945a1717c65610b0284e4628b9a1ba3b306fae3a06f6e5f597356e349f");
}

TEST(Codebooks, AreBuiltOnceForAllThreads) {
  std::vector<const Codebooks*> seen(8);
  std::vector<std::thread> threads;
  for (const Codebooks*& slot : seen) threads.emplace_back([&slot] { slot = &codebooks(); });
  for (std::thread& thread : threads) thread.join();
  for (const Codebooks* books : seen) EXPECT_EQ(books, seen[0]);
}

TEST(Decode, ReferenceVectorsAreMetBitForBit) {
  FW_NEED_FIXTURES();
  const fs::path dir = test::fixtures_dir() / "blocks";
  int n_checked = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(dir)) {
    if (entry.path().extension() != ".blocks") continue;
    fs::path expected_path = entry.path();
    expected_path.replace_extension(".f32");
    const std::string file = entry.path().filename().string();
    const std::optional<Format> format = format_from_name(file.substr(0, file.find('.')));
    ASSERT_TRUE(format) << file;
    const std::vector<float> expected = as_floats(test::read_bytes(expected_path));
    const std::vector<float> got = decode_all(info(*format), test::read_bytes(entry.path()));
    ASSERT_EQ(got.size(), expected.size()) << file;
    const std::int64_t at = first_difference(got, expected);
    if (at >= 0) {
      const auto i = static_cast<std::size_t>(at);
      ADD_FAILURE() << file << " value " << i << ": " << got[i] << " instead of " << expected[i];
    }
    ++n_checked;
  }
  EXPECT_GE(n_checked, 40);
}

// Formulas for one value of a block, each on its own, for formats of which there may be no reference vectors here.
struct Formula {
  Format format;
  float (*value)(const std::uint8_t* block, int i);
};

float half_at(const std::uint8_t* p) { return half_to_float(static_cast<std::uint16_t>(p[0] | p[1] << 8)); }

float q5_1_value(const std::uint8_t* block, int i) {
  const int low = i < 16 ? block[8 + i] % 16 : block[8 + i - 16] / 16;
  const int high = block[4 + i / 8] >> (i % 8) & 1;
  return half_at(block) * static_cast<float>(low + 16 * high) + half_at(block + 2);
}

float iq2_s_value(const std::uint8_t* block, int i) {
  const int group = i / 8, sub_block = i / 32;
  const int code = block[74 + sub_block];
  const float scale = static_cast<float>(i % 32 < 16 ? code % 16 : code / 16);
  const int high = (block[66 + sub_block] >> (2 * (group % 4))) % 4;
  const auto index = static_cast<std::size_t>(block[2 + group] + 256 * high);
  const float magnitude = static_cast<float>(codebooks().iq2_s[index][static_cast<std::size_t>(i % 8)]);
  const bool negative = block[34 + group] >> (i % 8) & 1;
  const float value = half_at(block) * (0.5f + scale) * 0.25f * magnitude;
  return negative ? -value : value;
}

float tq1_0_value(const std::uint8_t* block, int i) {
  int byte, digit;
  if (i < 160) {
    byte = block[i % 32], digit = i / 32;
  } else if (i < 240) {
    byte = block[32 + i % 16], digit = i / 16 - 10;
  } else {
    byte = block[48 + i % 4], digit = i / 4 - 60;
  }
  for (int n = 0; n < digit; ++n) byte = byte * 3 % 256;
  return half_at(block + 52) * static_cast<float>(byte * 3 / 256 - 1);
}

float mxfp4_value(const std::uint8_t* block, int i) {
  const int code = i < 16 ? block[1 + i] % 16 : block[1 + i - 16] / 16;
  static constexpr float kE2M1[8] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  const double magnitude = std::ldexp(kE2M1[code % 8], block[0] - 127);
  // The field's table has no negative zero.
  return static_cast<float>(code > 8 ? -magnitude : magnitude);
}

constexpr Formula kFormulas[] = {
    {Format::q5_1, q5_1_value},
    {Format::iq2_s, iq2_s_value},
    {Format::tq1_0, tq1_0_value},
    {Format::mxfp4, mxfp4_value},
};

TEST(Decode, RandomBlocksMeetTheFormulas) {
  constexpr std::uint64_t kSeed = 20240817;
  for (const Formula& formula : kFormulas) {
    const FormatInfo& row = info(formula.format);
    const std::vector<std::byte> blocks = random_bytes(static_cast<std::size_t>(row.block_bytes) * 2000, kSeed);
    const std::vector<float> got = decode_all(row, blocks);
    std::vector<float> expected;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(blocks.data());
      const std::size_t block = i / static_cast<std::size_t>(row.block_length);
      expected.push_back(formula.value(bytes + block * static_cast<std::size_t>(row.block_bytes),
                                       static_cast<int>(i % static_cast<std::size_t>(row.block_length))));
    }
    EXPECT_EQ(first_difference(got, expected), -1) << row.name << ", seed " << kSeed;
  }
}

TEST(Decode, ReadsWholeBlocksOnlyAndAnyBits) {
  // All-ones and random bytes: scales are NaN or infinite, indices maximal. Exactly sized heap blocks, for sanitizers.
  for (const FormatInfo& row : formats()) {
    if (row.decode == nullptr) continue;
    const auto block_bytes = static_cast<std::size_t>(row.block_bytes);
    for (const std::vector<std::byte>& blocks :
         {std::vector<std::byte>(3 * block_bytes, std::byte{0xff}), random_bytes(3 * block_bytes, 7),
          std::vector<std::byte>(3 * block_bytes)}) {
      EXPECT_EQ(decode_all(row, blocks).size(), static_cast<std::size_t>(3 * row.block_length)) << row.name;
    }
    row.decode(nullptr, 0, nullptr);
  }
}

}  // namespace
}  // namespace foreword::gpu

#pragma once
// Runs the same little program on several backends. All random numbers come from one seed, so that two harnesses
// with the same seed see the same data.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "gpu/backend.h"
#include "gpu/cpu/reference.h"

namespace foreword::gpu {

/// `count` blocks of random bytes that decode to finite values of a moderate size. Of f16 every fifth is below 2^-14, where a half has no
/// leading one any more.
inline std::vector<std::byte> random_blocks(Format format, std::int64_t count, std::mt19937_64& random) {
  const FormatInfo& f = info(format);
  const auto size = static_cast<std::size_t>(f.block_bytes);
  std::vector<std::byte> all(size * static_cast<std::size_t>(count));
  std::normal_distribution<float> normal;
  std::vector<std::byte> good;  // blocks to draw from
  std::vector<float> values(static_cast<std::size_t>(f.block_length));
  for (std::size_t at = 0; at < all.size(); at += size) {
    std::byte* block = all.data() + at;
    const float value = normal(random);
    const std::uint16_t half = float_to_half(at % 10 == 0 ? value * 0x1p-18F : value);
    const auto top = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
    if (format == Format::f32) std::memcpy(block, &value, 4);
    else if (format == Format::f16) std::memcpy(block, &half, 2);
    else if (format == Format::bf16) std::memcpy(block, &top, 2);
    else if (good.size() >= 256 * size) {
      std::memcpy(block, good.data() + random() % 256 * size, size);
    } else {
      float largest = 0;
      do {
        for (std::size_t i = 0; i < size; ++i) block[i] = static_cast<std::byte>(random());
        f.decode(block, 1, values.data());
        largest = 0;
        for (const float v : values) largest = std::isfinite(v) ? std::max(largest, std::fabs(v)) : 1e9F;
      } while (largest < 0.01F || largest > 4.0F);
      good.insert(good.end(), block, block + size);
    }
  }
  return all;
}

/// Runs what is recorded and takes the values of a view.
inline std::vector<float> values_of(Backend& backend, const Tensor& tensor) {
  EXPECT_TRUE(backend.submit().has_value());
  std::vector<float> values(static_cast<std::size_t>(tensor.rows * tensor.cols));
  backend.read(tensor, std::as_writable_bytes(std::span(values)));
  return values;
}

class Harness {
 public:
  Harness(Backend& on, std::uint64_t seed) : backend(on), random(seed) {}

  Tensor empty(std::int64_t rows, std::int64_t cols, DType dtype = DType::f32, std::int64_t padding = 0) {
    const auto bytes = static_cast<std::size_t>(rows * (cols + padding) * bytes_of(dtype));
    buffers_.push_back(std::move(backend.allocate(std::max<std::size_t>(bytes, 64)).value()));
    return {buffers_.back().get(), 0, rows, cols, cols + padding, dtype};
  }
  Tensor put(const std::vector<float>& values, std::int64_t rows, std::int64_t cols, std::int64_t padding = 0) {
    const Tensor tensor = empty(rows, cols, DType::f32, padding);
    backend.write(tensor, std::as_bytes(std::span(values)));
    return tensor;
  }
  Tensor put(const std::vector<std::int32_t>& values, std::int64_t rows, std::int64_t cols) {
    const Tensor tensor = empty(rows, cols, DType::i32);
    backend.write(tensor, std::as_bytes(std::span(values)));
    return tensor;
  }
  std::vector<float> normal(std::int64_t count, float spread = 1) {
    std::normal_distribution<float> distribution(0, spread);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = distribution(random);
    return values;
  }
  /// Rows lie `padding` further apart than their width.
  Tensor floats(std::int64_t rows, std::int64_t cols, float spread = 1, std::int64_t padding = 0) {
    return put(normal(rows * cols, spread), rows, cols, padding);
  }
  WeightMatrix weight(Format format, std::int64_t rows, std::int64_t cols, std::int64_t n_experts = 1) {
    const std::int64_t blocks = n_experts * rows * (cols / info(format).block_length);
    // Nothing may be read behind the last byte: a sanitizer sees the end of this vector.
    bytes_.push_back(std::make_unique<std::vector<std::byte>>(random_blocks(format, blocks, random)));
    bytes_.back()->shrink_to_fit();
    buffers_.push_back(std::move(backend.import_weights(*bytes_.back()).value()));
    WeightMatrix w;
    w.buffer = buffers_.back().get();
    w.rows = rows;
    w.cols = cols;
    w.n_experts = n_experts;
    w.format = format;
    return w;
  }
  std::vector<float> take(const Tensor& tensor) { return values_of(backend, tensor); }
  std::vector<std::int32_t> take_integers(const Tensor& tensor) {
    EXPECT_TRUE(backend.submit().has_value());
    std::vector<std::int32_t> values(static_cast<std::size_t>(tensor.rows * tensor.cols));
    backend.read(tensor, std::as_writable_bytes(std::span(values)));
    return values;
  }

  /// Bytes of a buffer, wherever they lie; offset and n are multiples of 4.
  std::vector<std::byte> take_bytes(Buffer& buffer, std::size_t offset, std::size_t n) {
    EXPECT_TRUE(backend.submit().has_value());
    std::vector<std::byte> bytes(n);
    backend.read(words_of(buffer, offset, n), bytes);
    return bytes;
  }
  void put_bytes(Buffer& buffer, std::span<const std::byte> bytes) { backend.write(words_of(buffer, 0, bytes.size()), bytes); }

  Backend& backend;
  std::mt19937_64 random;

 private:
  static Tensor words_of(Buffer& buffer, std::size_t offset, std::size_t n) {
    const auto words = static_cast<std::int64_t>(n / 4);
    return {&buffer, static_cast<std::int64_t>(offset), 1, words, words, DType::i32};
  }

  std::vector<std::unique_ptr<std::vector<std::byte>>> bytes_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
};

using Program = std::function<std::vector<float>(Harness&)>;

/// What the cases run on: every level of the processor's instructions, or with FOREWORD_TEST_DEVICE=vulkan the first Vulkan device,
/// software included, under its validation layers (options by FOREWORD_VULKAN, see gpu/vulkan/options.h).
struct Subject {
  std::string name;
  bool rounds_inputs;  // of products, to 8 bits
  bool arranges;       // weights
  std::function<std::shared_ptr<Backend>(int n_threads)> open;
  bool rounds_precise = true;  // those of precise weights too, to two terms of 8 bits

  bool rounds(bool precise) const { return rounds_inputs && (rounds_precise || !precise); }
};
const std::vector<Subject>& subjects();

/// Whether an open Vulkan device rounds the inputs of products, as it does where it multiplies four bytes in one instruction.
inline bool rounds_inputs(const Backend& vulkan) { return std::ranges::count(vulkan.device().features, "int8dot") > 0; }

/// Fails the test that runs for everything that validation layers had to say since the last call.
void expect_silence();

/// rms(a - b) / rms(b); both zero gives 0, a value that is not finite gives infinity.
inline double relative_rms(std::span<const float> a, std::span<const float> b) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return HUGE_VAL;
    difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    size += static_cast<double>(b[i]) * b[i];
  }
  return difference == 0 ? 0 : std::sqrt(difference / size);
}

/// The program's result on every subject is within `tolerance` of the plain loops. precise: all of its weights are.
inline void expect_conforms(const Program& program, double tolerance, std::uint64_t seed = 1, bool precise = false) {
  for (const bool rounded : {false, true}) {
    if (std::ranges::none_of(subjects(), [&](const Subject& subject) { return subject.rounds(precise) == rounded; })) continue;
    const auto reference = make_reference_backend({.quantise_activations = rounded});
    Harness law(*reference, seed);
    const std::vector<float> expected = program(law);
    for (const Subject& subject : subjects()) {
      if (subject.rounds(precise) != rounded) continue;
      const auto backend = subject.open(2);
      Harness harness(*backend, seed);
      const std::vector<float> got = program(harness);
      ASSERT_EQ(got.size(), expected.size());
      EXPECT_LE(relative_rms(got, expected), tolerance) << subject.name << ", seed " << seed;
    }
  }
  expect_silence();
}

inline std::vector<Format> weight_formats() {
  std::vector<Format> all;
  for (const FormatInfo& format : formats()) {
    if (format.decode != nullptr) all.push_back(format.format);
  }
  return all;
}

inline std::string name_of_format(Format format) { return std::string(info(format).name); }

}  // namespace foreword::gpu

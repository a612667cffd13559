#include "gpu/device_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

namespace foreword::gpu {
namespace {

constexpr double kTolerance = 0.03;  // relative; inputs of 8 bits make a third of it, an error of ours more than 1
constexpr std::int64_t kCols = 512, kHeads = 8, kKvHeads = 4, kHeadDim = 64, kMostRows = 40;

struct Row {
  Format format;
  std::int64_t halves[2];  // where a block has its f16 scales
  float scale;             // their least; of the last two as small as in real files, where a half has no leading one any more
};
constexpr Row kFormats[] = {{Format::q4_0, {0, 0}, 1e-3F}, {Format::q8_0, {0, 0}, 1e-3F}, {Format::q4_k, {0, 2}, 1e-5F}, {Format::q6_k, {208, 208}, 1e-5F}};

/// The program's data, the same for every device, and what lies on it.
class Rig {
 public:
  explicit Rig(Backend& device) : device_(device) {}

  Tensor empty(std::int64_t rows, std::int64_t cols, DType dtype = DType::f32) {
    auto buffer = device_.allocate(static_cast<std::size_t>(rows * cols * bytes_of(dtype)));
    if (!buffer) return failure_ = buffer.error(), Tensor{};
    buffers_.push_back(std::move(*buffer));
    return {buffers_.back().get(), 0, rows, cols, cols, dtype};
  }
  template <class T>
  Tensor put(const std::vector<T>& values, std::int64_t rows, std::int64_t cols) {
    const Tensor tensor = empty(rows, cols, std::is_same_v<T, float> ? DType::f32 : DType::i32);
    if (tensor) device_.write(tensor, std::as_bytes(std::span(values)));
    return tensor;
  }
  Tensor numbers(std::int64_t rows, std::int64_t cols) {
    std::vector<float> values(static_cast<std::size_t>(rows * cols));
    for (float& value : values) value = static_cast<float>(random_() % 2001) / 1000.0F - 1.0F;
    return put(values, rows, cols);
  }
  WeightMatrix weight(const Row& row) {
    const auto block = static_cast<std::size_t>(info(row.format).block_bytes);
    std::vector<std::byte>& bytes = bytes_.emplace_back(static_cast<std::size_t>(kCols * row_bytes(row.format, kCols)));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
    for (std::size_t at = 0; at < bytes.size(); at += block) {
      for (const std::int64_t half : row.halves) {
        const std::uint16_t scale = float_to_half(static_cast<float>(1 + random_() % 8) * row.scale);
        std::memcpy(bytes.data() + at + half, &scale, 2);
      }
    }
    auto buffer = device_.import_weights(bytes);
    if (!buffer) return failure_ = buffer.error(), WeightMatrix{};
    buffers_.push_back(std::move(*buffer));
    WeightMatrix w;
    w.buffer = buffers_.back().get();
    w.rows = w.cols = kCols;
    w.format = row.format;
    WeightMatrix* const one[] = {&w};
    if (auto arranged = device_.arrange(one)) buffers_.push_back(std::move(arranged));
    return w;
  }
  /// Runs what is recorded; empty if anything has failed.
  std::vector<float> take(const Tensor& tensor) {
    if (failure_) return {};
    if (const auto done = device_.submit(); !done) return failure_ = done.error(), std::vector<float>{};
    std::vector<float> values(static_cast<std::size_t>(tensor.rows * tensor.cols));
    device_.read(tensor, std::as_writable_bytes(std::span(values)));
    return values;
  }
  const std::optional<Error>& failure() const { return failure_; }
  Backend& device() { return device_; }

 private:
  Backend& device_;
  std::mt19937 random_{1};
  std::vector<std::vector<std::byte>> bytes_ = {};
  std::vector<std::unique_ptr<Buffer>> buffers_ = {};
  std::optional<Error> failure_ = {};
};

/// A chain of rows that all see what is before them.
std::vector<float> attend(Rig& rig) {
  constexpr std::int64_t kBlocks = 1;
  KvLayer layer{nullptr, 0, kBlocks, kKvHeads, kHeadDim, DType::f16};
  layer.basis = kv_basis(kHeadDim);
  layer.buffer = rig.empty(1, kBlocks * kKvHeads * layer.page_bytes() / 4).buffer;
  std::vector<std::int32_t> slots, zeros(kMostRows), seen, begin(kMostRows + 1);
  for (std::int32_t i = 0; i < kMostRows; ++i) slots.push_back(i), seen.push_back(i + 1);
  const Tensor k = rig.numbers(kMostRows, kKvHeads * kHeadDim), v = rig.numbers(kMostRows, kKvHeads * kHeadDim);
  const Tensor q = rig.numbers(kMostRows, kHeads * kHeadDim), out = rig.empty(kMostRows, kHeads * kHeadDim);
  const Tensor places = rig.put(slots, kMostRows, 1);
  AttentionRows rows;
  rows.table = rig.put(std::vector<std::int32_t>{0}, 1, kBlocks);
  rows.sequence = rig.put(zeros, kMostRows, 1);
  rows.position = places;
  rows.prefix_slots = rig.put(seen, kMostRows, 1);
  rows.extra_begin = rig.put(begin, kMostRows + 1, 1);
  rows.max_slots = kPageSlots;
  if (rig.failure()) return {};
  rig.device().store_kv(k, v, layer, places);
  rig.device().attention(q, layer, rows, {.n_heads = kHeads, .scale = 0.125F, .sinks = {}}, out);
  return rig.take(out);
}

/// Every result, one after the other.
Result<std::vector<std::vector<float>>> results(Backend& device) {
  Rig rig(device);
  std::vector<std::vector<float>> all;
  const Tensor raw = rig.numbers(kMostRows, kCols), weight = rig.numbers(1, kCols), x = rig.empty(kMostRows, kCols);
  if (rig.failure()) return *rig.failure();
  device.rms_norm(raw, weight, 1e-5F, kCols, x);
  all.push_back(rig.take(x));
  for (const Row& row : kFormats) {
    const WeightMatrix w = rig.weight(row);
    for (const std::int64_t n : {std::int64_t{1}, std::int64_t{5}, kMostRows}) {
      const Tensor out = rig.empty(n, kCols);
      if (rig.failure()) return *rig.failure();
      device.linear(w, x.row_range(0, n), {}, out);
      all.push_back(rig.take(out));
    }
  }
  all.push_back(attend(rig));
  if (rig.failure()) return *rig.failure();
  return all;
}

bool near(const std::vector<float>& got, const std::vector<float>& right) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    const double d = static_cast<double>(got[i]) - right[i];
    difference += d * d;
    size += static_cast<double>(right[i]) * right[i];
  }
  return difference <= kTolerance * kTolerance * size;  // false for NaN
}

}  // namespace

Result<bool> computes_as(Backend& right, Backend& device) {
  FW_ASSIGN(const auto wanted, results(right));
  FW_ASSIGN(const auto got, results(device));
  return std::ranges::equal(got, wanted, [](const auto& a, const auto& b) { return a.size() == b.size() && near(a, b); });
}

}  // namespace foreword::gpu

#include "gpu/cpu/linear.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "gpu/cpu/scratch.h"

namespace foreword::gpu {
namespace {

constexpr std::int64_t kFloatTileRows = 16;
// How far before its use an interleaved weight is asked for: far enough for the memory, near enough for the first cache.
constexpr std::int64_t kFetchAhead = 16384;

DotFn direct_dot(const Kernels& kernels, Format format) {
  switch (format) {
    case Format::f32: return kernels.dot_f32;
    case Format::f16: return kernels.dot_f16;
    case Format::bf16: return kernels.dot_bf16;
    default: return nullptr;
  }
}

// acc [n][width] to the rows of the output.
void put_tile(const LinearTask& task, std::int64_t row, std::int64_t count, const float* acc, std::int64_t width,
              const std::int32_t* out_rows, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    float* out = task.out + out_rows[i] * task.out_stride + row;
    const float* from = acc + i * width;
    if (task.bias == nullptr) {
      for (std::int64_t r = 0; r < count; ++r) out[r] = task.scale * from[r];
    } else {
      for (std::int64_t r = 0; r < count; ++r) out[r] = task.scale * from[r] + task.bias[row + r];
    }
  }
}

void multiply_integer(const LinearTask& task, const IntegerKernel& kernel, std::int64_t first, std::int64_t last,
                      const std::int32_t* x_rows, const std::int32_t* out_rows, std::int64_t n, std::byte* memory) {
  const std::int64_t tile = task.tile_rows(), stride = row_bytes(task.format, task.cols);
  const std::int64_t chunk_bytes = row_bytes(task.format, kChunkCols);
  const MultiplyFn multiply = task.interleaved ? kernel.interleaved : kernel.as_filed;
  Scratch scratch(memory);
  auto* acc = scratch.take<float>(kMaxLinearRows * tile);
  auto* padded = scratch.take<std::uint8_t>(tile * stride);
  for (std::int64_t row = first; row < last; row += tile) {
    const std::int64_t count = std::min(tile, task.w_rows - row);
    const auto* rows = reinterpret_cast<const std::uint8_t*>(task.weights) + row * stride;
    WeightChunk w{rows, stride, 0, rows + (task.interleaved ? kFetchAhead : tile * stride)};
    if (count < tile && !task.interleaved) {
      std::memcpy(padded, rows, static_cast<std::size_t>(count * stride));
      std::memset(padded + count * stride, 0, static_cast<std::size_t>((tile - count) * stride));
      w.bytes = w.ahead = padded;
    }
    std::fill_n(acc, n * tile, 0.0F);
    QuantRows x{task.quant, task.quant_stride, x_rows, n};
    for (std::int64_t c = 0; c < task.cols; c += kChunkCols) {
      w.n_cols = std::min(kChunkCols, task.cols - c);
      multiply(w, x, acc);
      if (task.second_term > 0) multiply(w, {x.blocks + task.second_term, x.stride, x_rows, n}, acc);
      w.bytes += task.interleaved ? tile * chunk_bytes : chunk_bytes;
      w.ahead += tile * chunk_bytes;
      x.blocks += kChunkCols / kQuantCols * x.stride;
    }
    put_tile(task, row, count, acc, tile, out_rows, n);
  }
}

void multiply_float(const LinearTask& task, std::int64_t first, std::int64_t last, const std::int32_t* x_rows,
                    const std::int32_t* out_rows, std::int64_t n, std::byte* memory) {
  const std::int64_t stride = row_bytes(task.format, task.cols);
  const DotFn direct = direct_dot(*task.kernels, task.format);
  Scratch scratch(memory);
  auto* acc = scratch.take<float>(kMaxLinearRows * kFloatTileRows);
  auto* decoded = scratch.take<float>(direct != nullptr ? 0 : kFloatTileRows * task.cols);
  for (std::int64_t row = first; row < last; row += kFloatTileRows) {
    const std::int64_t count = std::min(kFloatTileRows, last - row);
    const std::byte* rows = task.weights + row * stride;
    if (direct != nullptr) {
      direct(rows, stride, count, task.x, task.x_stride, x_rows, n, task.cols, acc, kFloatTileRows);
    } else {
      const FormatInfo& format = info(task.format);
      format.decode(rows, count * (task.cols / format.block_length), decoded);
      task.kernels->dot_f32(decoded, task.cols * 4, count, task.x, task.x_stride, x_rows, n, task.cols, acc,
                            kFloatTileRows);
    }
    put_tile(task, row, count, acc, kFloatTileRows, out_rows, n);
  }
}

}  // namespace

const std::int32_t* counting_rows() {
  static constexpr auto kRows = [] {
    std::array<std::int32_t, kMaxLinearRows> rows{};
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
  }();
  return kRows.data();
}

const IntegerKernel* integer_kernel(const Kernels& kernels, Format format) {
  for (const IntegerKernel& kernel : kernels.integer) {
    if (kernel.format == static_cast<int>(format)) return &kernel;
  }
  return nullptr;
}

std::int64_t LinearTask::tile_rows() const { return quant != nullptr ? kernels->tile_rows : kFloatTileRows; }

std::size_t LinearTask::scratch_bytes() const {
  const std::int64_t acc = kMaxLinearRows * tile_rows() * 4;
  if (quant != nullptr) {
    return Scratch::rounded(acc) + Scratch::rounded(tile_rows() * row_bytes(format, cols));
  }
  return Scratch::rounded(acc) + Scratch::rounded(kFloatTileRows * cols * 4);
}

void multiply_rows(const LinearTask& task, std::int64_t first, std::int64_t last, const std::int32_t* x_rows,
                   const std::int32_t* out_rows, std::int64_t n, std::byte* scratch) {
  for (std::int64_t i = 0; i < n; i += kMaxLinearRows) {
    const std::int64_t here = std::min(kMaxLinearRows, n - i);
    if (task.quant != nullptr) {
      multiply_integer(task, *integer_kernel(*task.kernels, task.format), first, last, x_rows + i, out_rows + i, here,
                       scratch);
    } else {
      multiply_float(task, first, last, x_rows + i, out_rows + i, here, scratch);
    }
  }
}

}  // namespace foreword::gpu

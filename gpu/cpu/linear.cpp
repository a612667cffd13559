#include "gpu/cpu/linear.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "gpu/cpu/scratch.h"

namespace foreword::gpu {
namespace {

constexpr std::int64_t kFloatTileRows = 16;
// Rows of a list that are gathered and multiplied at once.
constexpr std::int64_t kMaxListedRows = 64;
// What the first reading of a block needs has been asked for this many bytes earlier, at least.
constexpr std::int64_t kFetchPastReach = 2048;

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
              RowList out_rows, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    float* out = task.out + out_rows[i] * task.out_stride + row;
    const float* from = acc + i * width;
    if (task.bias == nullptr && task.scale == 1.0F) {
      std::memcpy(out, from, static_cast<std::size_t>(count) * sizeof(float));
    } else if (task.bias == nullptr) {
      for (std::int64_t r = 0; r < count; ++r) out[r] = task.scale * from[r];
    } else {
      for (std::int64_t r = 0; r < count; ++r) out[r] = task.scale * from[r] + task.bias[row + r];
    }
  }
}

std::int64_t gathered_blocks(const LinearTask& task) {
  return task.listed ? kMaxListedRows * task.cols / kQuantCols * (task.second_term > 0 ? 2 : 1) : 0;
}

// The kernels take rows that lie side by side: a list of others is gathered. One term, or two.
struct Terms {
  Terms(const LinearTask& task, RowList rows, std::int64_t n, QuantBlock* room) {
    n_terms = task.second_term > 0 ? 2 : 1;
    bool in_line = true;
    for (std::int64_t i = 1; i < n; ++i) in_line = in_line && rows[i] == rows[0] + i;
    for (int term = 0; term < n_terms; ++term) {
      const QuantBlock* blocks = task.quant + term * task.second_term;
      if (in_line) {
        terms[term] = {blocks + rows[0], task.quant_stride, n};
        continue;
      }
      terms[term] = {room, n, n};
      for (std::int64_t b = 0; b < task.cols / kQuantCols; ++b, blocks += task.quant_stride) {
        for (std::int64_t i = 0; i < n; ++i) *room++ = blocks[rows[i]];
      }
    }
  }

  int n_terms = 0;
  QuantRows terms[2];
};

void multiply_integer(const LinearTask& task, const IntegerKernel& kernel, std::int64_t first, std::int64_t last,
                      RowList x_rows, RowList out_rows, std::int64_t n, std::byte* memory) {
  const std::int64_t tile = task.tile_rows(), stride = row_bytes(task.format, task.cols);
  const MultiplyFn multiply = task.interleaved ? kernel.interleaved : kernel.as_filed;
  const std::int64_t ahead = task.interleaved ? std::max(task.fetch_ahead, kernel.reach + kFetchPastReach) : tile * stride;
  Scratch scratch(memory);
  auto* acc = scratch.take<float>(kMaxLinearRows * tile);
  auto* padded = scratch.take<std::uint8_t>(tile * stride);
  const Terms x(task, x_rows, n, scratch.take<QuantBlock>(gathered_blocks(task)));
  for (std::int64_t row = first; row < last; row += tile) {
    const std::int64_t count = std::min(tile, task.w_rows - row);
    const auto* rows = reinterpret_cast<const std::uint8_t*>(task.weights) + row * stride;
    WeightTile w{rows, stride, task.cols, rows + ahead};
    if (count < tile && !task.interleaved) {
      std::memcpy(padded, rows, static_cast<std::size_t>(count * stride));
      std::memset(padded + count * stride, 0, static_cast<std::size_t>((tile - count) * stride));
      w.bytes = w.ahead = padded;
    }
    std::fill_n(acc, n * tile, 0.0F);
    for (int term = 0; term < x.n_terms; ++term) multiply(w, x.terms[term], acc);
    put_tile(task, row, count, acc, tile, out_rows, n);
  }
}

void multiply_float(const LinearTask& task, std::int64_t first, std::int64_t last, RowList x_rows, RowList out_rows,
                    std::int64_t n, std::byte* memory) {
  const std::int64_t stride = row_bytes(task.format, task.cols);
  const DotFn direct = direct_dot(*task.kernels, task.format);
  Scratch scratch(memory);
  auto* acc = scratch.take<float>(kMaxLinearRows * kFloatTileRows);
  auto* decoded = scratch.take<float>(direct != nullptr ? 0 : kFloatTileRows * task.cols);
  for (std::int64_t row = first; row < last; row += kFloatTileRows) {
    const std::int64_t count = std::min(kFloatTileRows, last - row);
    const std::byte* rows = task.weights + row * stride;
    if (direct != nullptr) {
      direct(rows, stride, count, task.x, task.x_stride, x_rows.rows, n, task.cols, acc, kFloatTileRows);
    } else {
      const FormatInfo& format = info(task.format);
      format.decode(rows, count * (task.cols / format.block_length), decoded);
      task.kernels->dot_f32(decoded, task.cols * 4, count, task.x, task.x_stride, x_rows.rows, n, task.cols, acc,
                            kFloatTileRows);
    }
    put_tile(task, row, count, acc, kFloatTileRows, out_rows, n);
  }
}

}  // namespace

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
    return Scratch::rounded(acc) + Scratch::rounded(tile_rows() * row_bytes(format, cols)) +
           Scratch::rounded(gathered_blocks(*this) * static_cast<std::int64_t>(sizeof(QuantBlock)));
  }
  return Scratch::rounded(acc) + Scratch::rounded(kFloatTileRows * cols * 4);
}

void multiply_rows(const LinearTask& task, std::int64_t first, std::int64_t last, RowList x_rows, RowList out_rows,
                   std::int64_t n, std::byte* scratch) {
  const std::int64_t most = task.quant != nullptr && task.listed ? kMaxListedRows : kMaxLinearRows;
  check(x_rows.rows != nullptr || n <= most, "multiply_rows: more rows want a list");
  for (std::int64_t i = 0; i < n; i += most) {
    const std::int64_t here = std::min(most, n - i);
    const RowList x{i == 0 ? x_rows.rows : x_rows.rows + i}, out{i == 0 ? out_rows.rows : out_rows.rows + i};
    if (task.quant != nullptr) {
      multiply_integer(task, *integer_kernel(*task.kernels, task.format), first, last, x, out, here, scratch);
    } else {
      multiply_float(task, first, last, x, out, here, scratch);
    }
  }
}

}  // namespace foreword::gpu

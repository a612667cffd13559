// Products of the formats whose weights are decoded to floats, with the input as it is: lane l of a warp adds the chunks l, l + 32, ..
// of 8 columns one after the other by fused multiply-adds, then the lanes are added by halving. The order depends on nothing else.

#include "gpu/cuda/lowering.h"
#include "gpu/cuda/values.cuh"

namespace foreword::gpu::cuda {
namespace {

constexpr int kWarps = 8;

struct FloatProduct {
  const std::uint8_t* weight;
  std::int64_t rows, cols, row_bytes, expert_bytes;
  const float* x;
  std::int64_t x_stride, rows_per_input;
  std::int64_t n_slots;
  const int *slot_row, *tile_expert;
  const float* scale;
  std::int64_t n_scales;
  const float* bias;
  std::int64_t bias_stride;
  float* out;
  std::int64_t out_stride;
  Books books;
  bool whole_weights, whole_inputs;  // every eight numbers of a row start at a multiple of 16 bytes
};

__device__ __forceinline__ void read_floats(const float* from, float (&v)[8]) {
  const float4 first = reinterpret_cast<const float4*>(from)[0], second = reinterpret_cast<const float4*>(from)[1];
  v[0] = first.x, v[1] = first.y, v[2] = first.z, v[3] = first.w;
  v[4] = second.x, v[5] = second.y, v[6] = second.z, v[7] = second.w;
}

// Eight plain numbers by loads of 16 bytes.
template <Format kFormat>
__device__ __forceinline__ void read_whole(const std::uint8_t* from, float (&v)[8]) {
  if constexpr (kFormat == Format::f32) return read_floats(reinterpret_cast<const float*>(from), v);
  const uint4 all = *reinterpret_cast<const uint4*>(from);
  const unsigned words[4] = {all.x, all.y, all.z, all.w};
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    const unsigned half = words[j / 2] >> 16 * (j % 2) & 0xffffu;
    v[j] = kFormat == Format::bf16 ? __uint_as_float(half << 16) : half_bits_to_float(static_cast<std::uint16_t>(half));
  }
}

// Values 8c .. 8c + 7 of a row; those behind `cols` are 0.
template <Format kFormat>
__device__ __forceinline__ void read_chunk(const FloatProduct& p, const std::uint8_t* row, std::int64_t c, float (&v)[8]) {
  using V = Values<kFormat>;
  if constexpr (V::kValues == 8) {  // plain numbers: a row may end anywhere
    if (8 * c + 8 > p.cols) {
      for (int j = 0; j < 8; ++j) v[j] = 8 * c + j < p.cols ? V::one(row + c * V::kBytes, j) : 0;
      return;
    }
    if (p.whole_weights) return read_whole<kFormat>(row + c * V::kBytes, v);
  }
  constexpr int kChunks = V::kValues / 8;
  V::read(p.books, row + c / kChunks * V::kBytes, static_cast<int>(c % kChunks), v);
}

template <Format kFormat, int kRows, int kColumns>
__global__ void __launch_bounds__(32 * kWarps) multiply_floats(FloatProduct p) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t first_row = (std::int64_t{blockIdx.x} * kWarps + warp) * kRows, first_slot = std::int64_t{blockIdx.y} * kColumns;
  const int expert = p.tile_expert == nullptr ? 0 : p.tile_expert[blockIdx.y];
  if (expert < 0 || first_row >= p.rows) return;
  const std::uint8_t* rows[kRows];
  for (int r = 0; r < kRows; ++r) {
    const std::int64_t row = first_row + r < p.rows ? first_row + r : p.rows - 1;
    rows[r] = p.weight + expert * p.expert_bytes + row * p.row_bytes;
  }
  std::int64_t to[kColumns];
  for (int n = 0; n < kColumns; ++n) {
    const std::int64_t slot = first_slot + n;
    to[n] = slot >= p.n_slots ? -1 : p.slot_row == nullptr ? slot : p.slot_row[slot];
  }
  float sums[kRows][kColumns] = {};
  for (std::int64_t c = lane; 8 * c < p.cols; c += 32) {
    float w[kRows][8];
#pragma unroll
    for (int r = 0; r < kRows; ++r) read_chunk<kFormat>(p, rows[r], c, w[r]);
#pragma unroll
    for (int n = 0; n < kColumns; ++n) {
      if (to[n] < 0) continue;
      const float* x = p.x + to[n] / p.rows_per_input * p.x_stride + 8 * c;
      float values[8];
      if (p.whole_inputs) {
        read_floats(x, values);
      } else {
        for (int j = 0; j < 8; ++j) values[j] = 8 * c + j < p.cols ? x[j] : 0;
      }
#pragma unroll
      for (int j = 0; j < 8; ++j) {
#pragma unroll
        for (int r = 0; r < kRows; ++r) sums[r][n] = fmaf(w[r][j], values[j], sums[r][n]);
      }
    }
  }
  for (int n = 0; n < kColumns; ++n) {
    if (to[n] < 0) continue;
    for (int r = 0; r < kRows; ++r) {
      float sum = sum_over_lanes(sums[r][n]);
      if (lane != 0 || first_row + r >= p.rows) continue;
      if (p.scale != nullptr) sum *= p.scale[p.n_scales == 1 ? 0 : expert];
      if (p.bias != nullptr) sum += p.bias[expert * p.bias_stride + first_row + r];
      p.out[to[n] * p.out_stride + first_row + r] = sum;
    }
  }
}

template <Format kFormat>
void launch_product(Lowering& to, FloatProduct p, std::int64_t tile) {
  using V = Values<kFormat>;
  p.row_bytes = V::kValues == 8 ? p.cols * (V::kBytes / 8) : p.cols / V::kValues * V::kBytes;
  p.expert_bytes = p.rows * p.row_bytes;
  const auto at_16 = [](const void* start, std::int64_t step) { return reinterpret_cast<std::uintptr_t>(start) % 16 == 0 && step % 16 == 0; };
  p.whole_weights = at_16(p.weight, p.row_bytes) && p.cols % 8 == 0;
  p.whole_inputs = at_16(p.x, p.x_stride * 4) && p.cols % 8 == 0;
  const std::int64_t columns = p.tile_expert != nullptr ? tile : p.n_slots;
  const auto go = [&](int rows, int per_block, auto kernel) {
    to.launch({blocks_for(p.rows, kWarps * rows), blocks_for(p.n_slots, per_block)}, 32 * kWarps, 0, kernel, p);
  };
  if (columns == 1) return go(1, 1, multiply_floats<kFormat, 1, 1>);
  if (columns <= 4) return go(2, 4, multiply_floats<kFormat, 2, 4>);
  go(4, 8, multiply_floats<kFormat, 4, 8>);
}

struct Row {
  Format format;
  void (*launch)(Lowering& to, FloatProduct p, std::int64_t tile);
};
#define FOREWORD_ROW(format) {Format::format, launch_product<Format::format>}
constexpr Row kFormats[] = {
    FOREWORD_ROW(f32),     FOREWORD_ROW(f16),   FOREWORD_ROW(bf16),  FOREWORD_ROW(iq2_xxs), FOREWORD_ROW(iq2_xs), FOREWORD_ROW(iq2_s), FOREWORD_ROW(iq3_xxs),
    FOREWORD_ROW(iq3_s),   FOREWORD_ROW(iq1_s), FOREWORD_ROW(iq1_m), FOREWORD_ROW(tq1_0),   FOREWORD_ROW(tq2_0),  FOREWORD_ROW(q1_0),
};
#undef FOREWORD_ROW

}  // namespace

void lower_float_product(Lowering& to, const LinearOp& op, const Grouping& grouping) {
  FloatProduct p{};
  p.weight = op.w.data;
  p.rows = op.w.rows;
  p.cols = op.w.cols;
  p.x = static_cast<const float*>(op.x.data);
  p.x_stride = op.x.stride;
  p.rows_per_input = op.out.rows / op.x.rows;
  p.n_slots = grouping.n_slots;
  p.slot_row = grouping.slot_row;
  p.tile_expert = grouping.tile_expert;
  p.scale = op.w.scale;
  p.n_scales = op.w.n_scales;
  p.bias = static_cast<const float*>(op.bias.data);
  p.bias_stride = op.bias.stride;
  p.out = static_cast<float*>(op.out.data);
  p.out_stride = op.out.stride;
  p.books = to.books;
  for (const Row& row : kFormats) {
    if (static_cast<std::int32_t>(row.format) == op.w.format) return row.launch(to, p, grouping.tile);
  }
}

}  // namespace foreword::gpu::cuda

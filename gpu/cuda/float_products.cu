// Products of the formats whose weights are decoded to floats, with the input as it is: lane l of a warp adds the chunks l, l + 32, ..
// of 8 columns one after the other by fused multiply-adds, then the lanes are added by halving. The order depends on nothing else.

#include "gpu/cuda/parts.cuh"
#include "gpu/cuda/values.cuh"

namespace foreword::gpu::cuda {
namespace {

constexpr int kWarps = 8;

struct FloatProduct : Target {
  std::int64_t cols, row_bytes;
  const float* x;
  std::int64_t x_stride;
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

// Values 8c .. 8c + 7 of a row of x.
__device__ __forceinline__ void read_input(const FloatProduct& p, std::int64_t row, std::int64_t c, float (&v)[8]) {
  const float* x = p.x + row * p.x_stride + 8 * c;
  if (p.whole_inputs) return read_floats(x, v);
  for (int j = 0; j < 8; ++j) v[j] = 8 * c + j < p.cols ? x[j] : 0;
}

// A warp a weight row of one row of the result.
template <Format kFormat, Way kWay>
__global__ void __launch_bounds__(32 * kWarps) multiply_floats_one(FloatProduct p) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const Part part = part_of(p);
  const std::int64_t row = std::int64_t{blockIdx.x - part.first_block} * kWarps + threadIdx.x / 32;
  if (row >= part.rows) return;
  make_row<kWay>(p, part, row, lane == 0, [&](const Part& of, int expert, std::int64_t input) {
    const std::uint8_t* weights = of.weight + (expert * of.height + of.first_row + row) * p.row_bytes;
    float sum = 0;
    for (std::int64_t c = lane; 8 * c < p.cols; c += 32) {
      float w[8], x[8];
      read_chunk<kFormat>(p, weights, c, w);
      read_input(p, input, c, x);
#pragma unroll
      for (int j = 0; j < 8; ++j) sum = fmaf(w[j], x[j], sum);
    }
    return sum_over_lanes(sum);
  });
}

template <Format kFormat, int kRows, int kColumns>
__global__ void __launch_bounds__(32 * kWarps) multiply_floats(FloatProduct p) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const Part part = part_of(p);
  const std::int64_t first_row = (std::int64_t{blockIdx.x - part.first_block} * kWarps + warp) * kRows, first_slot = std::int64_t{blockIdx.y} * kColumns;
  const int expert = p.tile_expert == nullptr ? 0 : p.tile_expert[blockIdx.y];
  if (expert < 0 || first_row >= part.rows) return;
  const std::uint8_t* rows[kRows];
  for (int r = 0; r < kRows; ++r) {
    const std::int64_t row = first_row + r < part.rows ? first_row + r : part.rows - 1;
    rows[r] = part.weight + (expert * part.height + row) * p.row_bytes;
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
      float values[8];
      read_input(p, to[n] / p.results_per_input, c, values);
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
      const float sum = sum_over_lanes(sums[r][n]);
      if (lane == 0) store(p, part, first_slot + n, first_row + r, expert, sum);
    }
  }
}

template <Format kFormat>
void launch_product(Lowering& to, FloatProduct p, Way way, std::int64_t n_rows, std::int64_t tile) {
  using V = Values<kFormat>;
  p.row_bytes = V::kValues == 8 ? p.cols * (V::kBytes / 8) : p.cols / V::kValues * V::kBytes;
  const auto at_16 = [](const void* start, std::int64_t step) { return reinterpret_cast<std::uintptr_t>(start) % 16 == 0 && step % 16 == 0; };
  p.whole_weights = p.cols % 8 == 0;
  for (const Part& part : p.parts) p.whole_weights = p.whole_weights && at_16(part.weight, p.row_bytes);
  p.whole_inputs = at_16(p.x, p.x_stride * 4) && p.cols % 8 == 0;
  const auto go = [&](int rows, std::int64_t n_rows_of_blocks, auto kernel) {
    const unsigned n_blocks = place_blocks(p, way, kWarps * rows);
    to.launch({n_blocks, static_cast<unsigned>(n_rows_of_blocks)}, 32 * kWarps, 0, kernel, p);
  };
  if (way == Way::one) return go(1, n_rows, multiply_floats_one<kFormat, Way::one>);
  if (way == Way::gated) return go(1, n_rows, multiply_floats_one<kFormat, Way::gated>);
  if (way == Way::combined) return go(1, n_rows, multiply_floats_one<kFormat, Way::combined>);
  const std::int64_t columns = p.tile_expert != nullptr ? tile : p.n_slots;
  if (columns <= 4) return go(2, blocks_for(p.n_slots, 4), multiply_floats<kFormat, 2, 4>);
  go(4, blocks_for(p.n_slots, 8), multiply_floats<kFormat, 4, 8>);
}

struct Row {
  Format format;
  void (*launch)(Lowering& to, FloatProduct p, Way way, std::int64_t n_rows, std::int64_t tile);
};
#define FOREWORD_ROW(format) {Format::format, launch_product<Format::format>}
constexpr Row kFormats[] = {
    FOREWORD_ROW(f32),     FOREWORD_ROW(f16),   FOREWORD_ROW(bf16),  FOREWORD_ROW(iq2_xxs), FOREWORD_ROW(iq2_xs), FOREWORD_ROW(iq2_s), FOREWORD_ROW(iq3_xxs),
    FOREWORD_ROW(iq3_s),   FOREWORD_ROW(iq1_s), FOREWORD_ROW(iq1_m), FOREWORD_ROW(tq1_0),   FOREWORD_ROW(tq2_0),  FOREWORD_ROW(q1_0),
};
#undef FOREWORD_ROW

}  // namespace

void launch_floats(Lowering& to, const Target& target, const LinearOp& first, Way way, std::int64_t n_rows, std::int64_t tile) {
  FloatProduct p{target, first.w.cols, 0, static_cast<const float*>(first.x.data), first.x.stride, to.books, false, false};
  for (const Row& row : kFormats) {
    if (static_cast<std::int32_t>(row.format) == first.w.format) return row.launch(to, p, way, n_rows, tile);
  }
}

}  // namespace foreword::gpu::cuda

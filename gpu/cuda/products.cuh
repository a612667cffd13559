#pragma once
// Products on the int8 matrix instruction, straight from the file's blocks: a warp multiplies 16 weight rows by tiles of 8 input rows.
// The input is rounded to 8 bits for each run of 16 columns (gpu/cpu/activations.h), the dot of a run is an exact integer, and what
// is left is adding floats: the columns are cut into units of 256, the units dealt to 8 classes in turn, each class summed run after
// run, and the classes added in order. One row and a thousand follow that order, so a row's bits depend on no other row.

#include "gpu/cuda/codes.cuh"
#include "gpu/cuda/lowering.h"
#include "gpu/cuda/rounding.cuh"

namespace foreword::gpu::cuda {

inline constexpr int kClasses = 8;
inline constexpr int kUnitRuns = 16;

// A weight matrix that the input is multiplied with.
struct Part {
  const std::uint8_t* weight;
  std::int64_t rows, row_bytes, expert_bytes;
  const float* scale;
  std::int64_t n_scales;
  const float* bias;
  std::int64_t bias_stride;
  float* out;
  std::int64_t out_stride;
  unsigned first_block;
};

struct Product {
  Rounded x;
  std::int64_t n_slots;
  const int *slot_row, *tile_expert;
  Part parts[kMostParts];  // those that are not there begin behind the last block
  // Then sum = residual + factor * out; absent: nothing more.
  const float* residual;
  float* sum;
  std::int64_t residual_stride, sum_stride;
  float factor;
};

__device__ __forceinline__ Part part_of(const Product& p) {
  return blockIdx.x < p.parts[1].first_block ? p.parts[0] : blockIdx.x < p.parts[2].first_block ? p.parts[1] : p.parts[2];
}

__device__ __forceinline__ void store(const Product& p, const Part& part, std::int64_t slot, std::int64_t row, int expert, float sum) {
  if (slot >= p.n_slots || row >= part.rows) return;
  const std::int64_t to = p.slot_row == nullptr ? slot : p.slot_row[slot];
  if (to < 0) return;
  if (part.scale != nullptr) sum *= part.scale[part.n_scales == 1 ? 0 : expert];
  if (part.bias != nullptr) sum += part.bias[expert * part.bias_stride + row];
  part.out[to * part.out_stride + row] = sum;
  if (p.sum != nullptr) p.sum[to * p.sum_stride + row] = fmaf(p.factor, sum, p.residual[to * p.residual_stride + row]);
}

__device__ __forceinline__ float at(const float4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }
__device__ __forceinline__ unsigned at(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

// Adds units class, class + 8, .. of 16 * kRowTiles weight rows times 8 * kColumnTiles slots to sums. With kOneSlot only what belongs to
// even slots, of which there is one: half the arithmetic.
template <Format kFormat, int kRowTiles, int kColumnTiles, bool kOneSlot>
__device__ __forceinline__ void add_class(const Product& p, const std::uint8_t* const (&rows)[2 * kRowTiles], std::int64_t first_tile, int of_class,
                                          float (&sums)[kRowTiles][kColumnTiles][4]) {
  using Chunk = cuda::Chunk<kFormat>;
  constexpr int kRuns = Chunk::kRuns, kChunks = kUnitRuns / kRuns;
  const int lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const std::int64_t n_chunks = p.x.runs / kRuns;
  const auto* codes_of_x = reinterpret_cast<const uint4*>(p.x.codes);
  const auto* steps_of_x = reinterpret_cast<const float4*>(p.x.steps);
  const auto* sums_of_x = reinterpret_cast<const float4*>(p.x.sums);
  for (std::int64_t unit = of_class; unit * kChunks < n_chunks; unit += kClasses) {
#pragma unroll
    for (int in_unit = 0; in_unit < kChunks; ++in_unit) {
      const std::int64_t chunk = unit * kChunks + in_unit;
      if (chunk >= n_chunks) break;
      const std::int64_t block = chunk / Chunk::kPerBlock * Chunk::kBlockBytes;
      Codes<kRuns> codes[2 * kRowTiles];
#pragma unroll
      for (int r = 0; r < 2 * kRowTiles; ++r) Chunk::read(rows[r] + block, in_unit % Chunk::kPerBlock, t, codes[r]);
      for (int term = 0; term < p.x.terms; ++term) {
#pragma unroll
        for (int column = 0; column < kColumnTiles; ++column) {
          const std::int64_t place = p.x.place(first_tile + column, term, unit * (kUnitRuns / kGroup) + in_unit * kRuns / kGroup, 0);
          const uint4 b = codes_of_x[4 * (place + g) + t];
          const float4 steps[2] = {steps_of_x[place + 2 * t], steps_of_x[place + 2 * t + (kOneSlot ? 0 : 1)]};
          float4 code_sums[2] = {};
          if (Chunk::kHasMin) {
            code_sums[0] = sums_of_x[place + 2 * t];
            code_sums[1] = sums_of_x[place + 2 * t + (kOneSlot ? 0 : 1)];
          }
#pragma unroll
          for (int run = 0; run < kRuns; ++run) {
            const int in_group = (in_unit * kRuns + run) % kGroup;
#pragma unroll
            for (int r = 0; r < kRowTiles; ++r) {
              int c[4];
              matrix_product(c, codes[2 * r].words[run], codes[2 * r + 1].words[run], static_cast<int>(at(b, in_group)));
              float(&sum)[4] = sums[r][column];
#pragma unroll
              for (int i = 0; i < 4; i += kOneSlot ? 2 : 1) {
                const Codes<kRuns>& w = codes[2 * r + i / 2];
                sum[i] = fmaf(w.scale[run] * at(steps[i % 2], in_group), static_cast<float>(c[i]), sum[i]);
                if (Chunk::kHasMin) sum[i] = fmaf(-w.min[run], at(code_sums[i % 2], in_group), sum[i]);
              }
            }
          }
        }
      }
    }
  }
}

template <int kRowTiles>
__device__ __forceinline__ void find_rows(const Part& part, std::int64_t first_row, int expert, const std::uint8_t* (&rows)[2 * kRowTiles]) {
  const int g = static_cast<int>(threadIdx.x) % 32 / 4;
  for (int r = 0; r < 2 * kRowTiles; ++r) {
    const std::int64_t row = first_row + 8 * r + g;
    rows[r] = part.weight + expert * part.expert_bytes + (row < part.rows ? row : part.rows - 1) * part.row_bytes;
  }
}

// Few input rows: the warps of a block take a class each of the same 16 weight rows.
template <Format kFormat, int kColumnTiles, bool kOneSlot>
__global__ void __launch_bounds__(32 * kClasses) multiply_few(Product p) {
  __shared__ float parts[kClasses][kTile * kColumnTiles][16];
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const Part part = part_of(p);
  const std::int64_t first_row = std::int64_t{blockIdx.x - part.first_block} * 16, first_tile = std::int64_t{blockIdx.y} * kColumnTiles;
  const int expert = p.tile_expert == nullptr ? 0 : p.tile_expert[first_tile];
  if (expert < 0) return;
  const std::uint8_t* rows[2];
  find_rows<1>(part, first_row, expert, rows);
  float sums[1][kColumnTiles][4] = {};
  add_class<kFormat, 1, kColumnTiles, kOneSlot>(p, rows, first_tile, warp, sums);
  for (int column = 0; column < kColumnTiles; ++column) {
    for (int i = 0; i < 4; ++i) parts[warp][kTile * column + 2 * t + i % 2][g + i / 2 * 8] = sums[0][column][i];
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < 16 * kTile * kColumnTiles; i += 32 * kClasses) {
    float sum = 0;
    for (int of_class = 0; of_class < kClasses; ++of_class) sum += parts[of_class][i / 16][i % 16];
    store(p, part, first_tile * kTile + i / 16, first_row + i % 16, expert, sum);
  }
}

// Many input rows: each warp has its own 32 weight rows and 32 slots and goes through the classes one after the other.
inline constexpr int kManyRows = 2, kManyColumns = 4, kWarpsDown = 4, kWarpsAcross = 2;
template <Format kFormat>
__global__ void __launch_bounds__(32 * kWarpsDown * kWarpsAcross) multiply_many(Product p) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const Part part = part_of(p);
  const std::int64_t first_row = (std::int64_t{blockIdx.x - part.first_block} * kWarpsDown + warp % kWarpsDown) * 16 * kManyRows;
  const std::int64_t first_tile = (std::int64_t{blockIdx.y} * kWarpsAcross + warp / kWarpsDown) * kManyColumns;
  if (first_row >= part.rows || first_tile * kTile >= p.n_slots) return;
  const std::uint8_t* rows[2 * kManyRows];
  find_rows<kManyRows>(part, first_row, 0, rows);
  float totals[kManyRows][kManyColumns][4] = {};
  for (int of_class = 0; of_class < kClasses; ++of_class) {
    float sums[kManyRows][kManyColumns][4] = {};
    add_class<kFormat, kManyRows, kManyColumns, false>(p, rows, first_tile, of_class, sums);
#pragma unroll
    for (int r = 0; r < kManyRows; ++r) {
#pragma unroll
      for (int column = 0; column < kManyColumns; ++column) {
#pragma unroll
        for (int i = 0; i < 4; ++i) totals[r][column][i] += sums[r][column][i];
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kManyRows; ++r) {
#pragma unroll
    for (int column = 0; column < kManyColumns; ++column) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        store(p, part, (first_tile + column) * kTile + 2 * t + i % 2, first_row + 16 * r + g + i / 2 * 8, 0, totals[r][column][i]);
      }
    }
  }
}

template <Format kFormat>
void launch_product(Lowering& to, Product p) {
  const bool few = p.tile_expert != nullptr || p.n_slots <= 4 * kTile;
  unsigned n_blocks = 0;
  for (Part& part : p.parts) {
    part.row_bytes = p.x.runs / (Chunk<kFormat>::kRuns * Chunk<kFormat>::kPerBlock) * Chunk<kFormat>::kBlockBytes;
    part.expert_bytes = part.rows * part.row_bytes;
    part.first_block = n_blocks;
    n_blocks += blocks_for(part.rows, few ? 16 : 16 * kManyRows * kWarpsDown);
  }
  const auto go = [&](int tiles, auto kernel) { to.launch({n_blocks, blocks_for(p.n_slots, kTile * tiles)}, 32 * kClasses, 0, kernel, p); };
  if (p.n_slots == 1) return go(1, multiply_few<kFormat, 1, true>);
  if (p.tile_expert != nullptr || p.n_slots <= kTile) return go(1, multiply_few<kFormat, 1, false>);
  if (p.n_slots <= 2 * kTile) return go(2, multiply_few<kFormat, 2, false>);
  if (p.n_slots <= 4 * kTile) return go(4, multiply_few<kFormat, 4, false>);
  to.launch({n_blocks, blocks_for(p.n_slots, kTile * kManyColumns * kWarpsAcross)}, 32 * kWarpsDown * kWarpsAcross, 0, multiply_many<kFormat>, p);
}

struct ProductRow {
  Format format;
  void (*launch)(Lowering& to, Product p);
};
// products.cu, products_more.cu, which share the work of compiling
const ProductRow* product_row(Format format);
const ProductRow* more_product_row(Format format);

}  // namespace foreword::gpu::cuda

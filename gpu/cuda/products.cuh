#pragma once
// Products on the int8 matrix instruction: 16 weight rows, a tile, by tiles of 8 input rows, slots. The input is rounded to 8 bits for each
// run of 16 columns (gpu/cpu/activations.h), the dot of a run is an exact integer, and what is left is adding floats, in one order for one
// row, few and many (add_half), so a row's bits depend on no other row: the units of 256 columns are dealt to 8 classes in turn; a class
// adds chunk q (packing.h) of its units, half after half; what the 8 classes have of chunk 0 is added in their order, then of chunk 1, 2, 3.

#include "gpu/cuda/parts.cuh"

namespace foreword::gpu::cuda {

inline constexpr int kClasses = 8, kOneThreads = 32 * kClasses;

struct Product : Target {
  Rounded x;
  // Of few rows, of which the weights are read once: how many tiles on one is brought to the cache, and how much of the block's own; 0: nothing.
  std::int64_t lookahead, own_bytes;
};

// The units of a tile of weight rows.
template <Format kFormat>
__device__ __forceinline__ const std::uint8_t* units_at(const Product& p, const Part& part, std::int64_t tile, int expert) {
  const std::int64_t n_tiles = tiles_of(part.height), at = part.first_row / kTileRows + tile;
  return part.weight + (expert * n_tiles + (at < n_tiles ? at : n_tiles - 1)) * p.x.units() * unit_bytes(kFormat);
}

// What a lane has of a chunk of weights.
template <Format kFormat>
struct ChunkOfTile {
  int words[2][kInChunk];
  Scales scales[2];

  __device__ __forceinline__ void read(const std::uint8_t* codes, const std::uint8_t* head, int q, int lane) {
    Unit<kFormat>::codes(codes, lane, words);
#pragma unroll
    for (int r = 0; r < 2; ++r) Unit<kFormat>::scales(head, q, lane / 4 + 8 * r, scales[r]);
  }
};

// What a lane has of a chunk of a tile of slots in one term.
template <bool kHasMin>
struct ChunkOfInput {
  uint4 codes;
  float4 steps[2], sums[2];  // of result columns 2t and 2t + 1

  __device__ __forceinline__ void read(const unsigned* all_codes, const float* all_steps, const float* all_sums, int lane) {
    codes = reinterpret_cast<const uint4*>(all_codes)[lane];
    for (int i = 0; i < 2; ++i) {
      steps[i] = reinterpret_cast<const float4*>(all_steps)[lane % 4 * 2 + i];
      if constexpr (kHasMin) sums[i] = reinterpret_cast<const float4*>(all_sums)[lane % 4 * 2 + i];
    }
  }
};

// step * a count, as rounded as if the offset were not there: a step times kCountOffset is exact.
__device__ __forceinline__ float counted(int c, float step) { return fmaf(step, __int_as_float(c), -kCountOffset * step); }

// Adds two runs: their counts, the input's steps, d * the sum of its codes; `first` is the number of the first run in its chunk.
template <class U>
__device__ __forceinline__ void add_half(const Scales& w, int first, const int (&counts)[2], const float (&steps)[2], const float (&sums)[2], float& sum) {
  const float products[2] = {counted(counts[0], steps[0]), counted(counts[1], steps[1])};
  if constexpr (U::kByHalf) {
    sum = fmaf(w.scale[first], products[0] + products[1], sum);
    if constexpr (U::kHasMin) sum = fmaf(-w.min[first], sums[0] + sums[1], sum);
  } else {
    for (int i = 0; i < 2; ++i) {
      sum = fmaf(w.scale[first + i], products[i], sum);
      if constexpr (U::kHasMin) sum = fmaf(-w.min[first + i], sums[i], sum);
    }
  }
}

template <Format kFormat, int kHalves>
__device__ __forceinline__ void add_chunk(const ChunkOfTile<kFormat>& w, const ChunkOfInput<Unit<kFormat>::kHasMin>& x, float (&sums)[4]) {
#pragma unroll
  for (int half = 0; half < kHalves; ++half) {
    int c[2][4];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const int run = 2 * half + i;
      matrix_product(c[i], w.words[0][run], w.words[1][run], static_cast<int>(at(x.codes, run)));
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float steps[2] = {at(x.steps[i % 2], 2 * half), at(x.steps[i % 2], 2 * half + 1)};
      const float code_sums[2] = {at(x.sums[i % 2], 2 * half), at(x.sums[i % 2], 2 * half + 1)};
      add_half<Unit<kFormat>>(w.scales[i / 2], 2 * half, {c[0][i], c[1][i]}, steps, code_sums, sums[i]);
    }
  }
}

// 2, or 1 where the second half of the chunk is behind the last column, or 0.
__device__ __forceinline__ int halves_of_chunk(const Product& p, int unit, int q) {
  const int left = static_cast<int>(p.x.runs) - unit * 16 - 2 * q;  // of the chunk's first run on
  return left <= 0 ? 0 : left <= 8 ? 1 : 2;
}
// body(n_halves) with the number as a constant, unless it is 0.
template <int n>
struct HalfCount {
  static constexpr int kNumber = n;
};
template <class Body>
__device__ __forceinline__ void with_halves(int n_halves, const Body& body) {
  if (n_halves == 2) body(HalfCount<2>{});
  else if (n_halves == 1) body(HalfCount<1>{});
}

// The weights of a block that comes later.
template <Format kFormat>
__device__ __forceinline__ void look_ahead(const Product& p, const Part& part, std::int64_t tile) {
  if (p.lookahead == 0 || tile + p.lookahead >= tiles_of(part.rows)) return;
  bring(units_at<kFormat>(p, part, tile + p.lookahead, 0), p.x.units() * unit_bytes(kFormat), threadIdx.x, blockDim.x);
}

// One input row: the warps of a block take a class each of one tile. The input's runs are spread over the eight columns of the matrix
// instruction, zeros elsewhere, so one result holds eight runs, and every lane has something to add: lane 4g + t chunk t of rows g, g + 8.
template <Format kFormat>
__device__ __forceinline__ void add_one(const Product& p, const std::uint8_t* units, std::int64_t input, float (&sums)[2]) {
  using U = Unit<kFormat>;
  constexpr int kPlaces = kUnitChunks * kTile;  // of a unit
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const int n_units = static_cast<int>(p.x.units());
  // Of the two results columns g are runs g and g + 8, which chunk g / 2 has.
  const int slot = static_cast<int>(input % kTile);
  const unsigned* codes = p.x.codes + 16 * p.x.place(input / kTile, 0, g / 2, slot) + kInChunk * t + g % 2;
  const std::int64_t mine = kInChunk * p.x.place(input / kTile, 0, t, slot);
  const float *steps_of_x = p.x.steps + mine, *sums_of_x = p.x.sums + mine;
  for (int unit = warp; unit < n_units; unit += kClasses) {
    const std::uint8_t* chunks = units + unit * unit_bytes(kFormat);
    int words[kUnitChunks][2][kInChunk];
#pragma unroll
    for (int q = 0; q < kUnitChunks; ++q) U::codes(chunks + q * U::kCodeBytes, lane, words[q]);
    Scales scales[2];
#pragma unroll
    for (int r = 0; r < 2; ++r) U::scales(chunks + kUnitChunks * U::kCodeBytes, t, g + 8 * r, scales[r]);
    const int n_halves = halves_of_chunk(p, unit, t);
    for (int term = 0; term < p.x.terms; ++term) {
      const std::int64_t place = (std::int64_t{term} * n_units + unit) * kPlaces;
      const unsigned* words_of_x = codes + 16 * place;
      const int x[2] = {static_cast<int>(words_of_x[0]), static_cast<int>(words_of_x[2])};
      const float4 steps = *reinterpret_cast<const float4*>(steps_of_x + kInChunk * place);
      float4 code_sums{};
      if constexpr (U::kHasMin) code_sums = *reinterpret_cast<const float4*>(sums_of_x + kInChunk * place);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        int c[4] = {kZero, kZero, kZero, kZero};
#pragma unroll
        for (int q = 0; q < kUnitChunks; ++q) {
          const int a[4] = {words[q][0][2 * half], words[q][1][2 * half], words[q][0][2 * half + 1], words[q][1][2 * half + 1]};
          add_matrix_product(c, a, g == 2 * q ? x[half] : 0, g == 2 * q + 1 ? x[half] : 0);
        }
        if (half >= n_halves) continue;
#pragma unroll
        for (int r = 0; r < 2; ++r) {
          add_half<U>(scales[r], 2 * half, {c[2 * r], c[2 * r + 1]}, {at(steps, 2 * half), at(steps, 2 * half + 1)},
                      {at(code_sums, 2 * half), at(code_sums, 2 * half + 1)}, sums[r]);
        }
      }
    }
  }
}

template <Format kFormat, Way kWay>
__device__ __forceinline__ void multiply_part(const Product& p, const Part& part) {
  __shared__ float parts[kUnitChunks][kClasses][kTileRows];
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t tile = blockIdx.x - part.first_block;
  look_ahead<kFormat>(p, part, tile);
  if (kWay == Way::gated) look_ahead<kFormat>(p, p.parts[1], tile);
  const float value = make_row<kWay>(p, part, tile * kTileRows + threadIdx.x, threadIdx.x < kTileRows, [&](const Part& of, int expert, std::int64_t input) {
    float sums[2] = {};
    add_one<kFormat>(p, units_at<kFormat>(p, of, tile, expert), input, sums);
    __syncthreads();  // the last ones were read
    for (int r = 0; r < 2; ++r) parts[lane % 4][warp][lane / 4 + 8 * r] = sums[r];
    __syncthreads();
    float sum = 0;
    if (threadIdx.x >= kTileRows) return sum;
#pragma unroll
    for (int i = 0; i < kUnitChunks * kClasses; ++i) sum += parts[i / kClasses][i % kClasses][threadIdx.x];
    return sum;
  });
  if (p.made.codes == nullptr) return;
  static_assert(kTileRows == kRun);
  if (warp == 0) round_run(value, blockIdx.y, threadIdx.x < kRun ? static_cast<unsigned>(tile) : kNoRun, p.made);
}

// Three blocks to a processor where the codes leave registers for it.
template <Format kFormat, Way kWay>
__global__ void __launch_bounds__(kOneThreads, Unit<kFormat>::kBits == 4 && !Unit<kFormat>::kHasTable ? 3 : 2) multiply_one(Product p) { multiply_part<kFormat, kWay>(p, part_of(p)); }

// Parts of two formats in one launch.
template <Format kFirst, Format kSecond>
__global__ void __launch_bounds__(kOneThreads) multiply_mixed(Product p) {
  const Part part = part_of(p);
  if (part.format == kFirst) multiply_part<kFirst, Way::one>(p, part);
  else multiply_part<kSecond, Way::one>(p, part);
}

// Few input rows: the warps of a block take a class each of one tile, half of them chunks 0 and 2, the others 1 and 3.
inline constexpr int kFewThreads = 2 * 32 * kClasses;
template <Format kFormat, int kColumnTiles>
__global__ void __launch_bounds__(kFewThreads, kColumnTiles == 1 ? 2 : 1) multiply_few(Product p) {
  using U = Unit<kFormat>;
  constexpr int kSlots = kTile * kColumnTiles;
  constexpr int kRowLength = kTileRows + 4;  // lanes write to different banks
  constexpr int kOutputs = (kTileRows * kSlots + kFewThreads - 1) / kFewThreads;  // of a thread
  __shared__ float parts[2 * kClasses][kSlots][kRowLength];
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const Part part = part_of(p);
  const std::int64_t tile = blockIdx.x - part.first_block, first_tile = std::int64_t{blockIdx.y} * kColumnTiles;
  const int expert = p.tile_expert == nullptr ? 0 : p.tile_expert[first_tile];
  if (expert < 0) return;
  const std::uint8_t* units = units_at<kFormat>(p, part, tile, expert);
  const int n_units = static_cast<int>(p.x.units());
  bring(units, p.own_bytes, threadIdx.x, blockDim.x);
  look_ahead<kFormat>(p, part, tile);
  float totals[kOutputs] = {};
  for (int q = warp / kClasses; q < kUnitChunks; q += 2) {
    float sums[kColumnTiles][4] = {};
    for (int unit = warp % kClasses; unit < n_units; unit += kClasses) {
      const std::uint8_t* chunks = units + unit * unit_bytes(kFormat);
      ChunkOfTile<kFormat> w;
      w.read(chunks + q * U::kCodeBytes, chunks + kUnitChunks * U::kCodeBytes, q, lane);
      with_halves(halves_of_chunk(p, unit, q), [&](auto halves) {
#pragma unroll 1  // there is seldom more than one
        for (int term = 0; term < p.x.terms; ++term) {
#pragma unroll
          for (int column = 0; column < kColumnTiles; ++column) {
            const std::int64_t place = p.x.place(first_tile + column, term, unit * kUnitChunks + q, 0);
            ChunkOfInput<U::kHasMin> x;
            x.read(p.x.codes + 16 * place, p.x.steps + kInChunk * place, p.x.sums + kInChunk * place, lane);
            add_chunk<kFormat, decltype(halves)::kNumber>(w, x, sums[column]);
          }
        }
      });
    }
    if (q >= 2) __syncthreads();  // the last ones were read
    for (int column = 0; column < kColumnTiles; ++column) {
      for (int i = 0; i < 4; ++i) parts[warp][kTile * column + 2 * t + i % 2][g + i / 2 * 8] = sums[column][i];
    }
    __syncthreads();
    for (int o = 0; o < kOutputs; ++o) {
      const int i = static_cast<int>(threadIdx.x) + o * kFewThreads;
      if (i >= kTileRows * kSlots) break;
      for (int k = 0; k < 2 * kClasses; ++k) totals[o] += parts[k][i / kTileRows][i % kTileRows];
    }
  }
  for (int o = 0; o < kOutputs; ++o) {
    const int i = static_cast<int>(threadIdx.x) + o * kFewThreads;
    if (i < kTileRows * kSlots) store(p, part, first_tile * kTile + i / kTileRows, tile * kTileRows + i % kTileRows, expert, totals[o]);
  }
}

}  // namespace foreword::gpu::cuda

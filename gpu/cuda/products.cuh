#pragma once
// Products on the int8 matrix instruction: 16 weight rows, a tile, by tiles of 8 input rows, slots. The input is rounded to 8 bits for each
// run of 16 columns (gpu/cpu/activations.h), the dot of a run is an exact integer, and what is left is adding floats, in one order for one
// row, few and many (add_half), so a row's bits depend on no other row: the units of 256 columns are dealt to 8 classes in turn; a class
// adds chunk q (packing.h) of its units, half after half; what the 8 classes have of chunk 0 is added in their order, then of chunk 1, 2, 3.

#include <algorithm>

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
struct Halves {
  static constexpr int kNumber = n;
};
template <class Body>
__device__ __forceinline__ void with_halves(int n_halves, const Body& body) {
  if (n_halves == 2) body(Halves<2>{});
  else if (n_halves == 1) body(Halves<1>{});
}

// To the cache, by all threads of the block.
__device__ __forceinline__ void bring(const std::uint8_t* from, std::int64_t bytes) {
  constexpr std::int64_t kLine = 128;
  for (std::int64_t i = threadIdx.x * kLine; i < bytes; i += blockDim.x * kLine) prefetch(from + i);
}
// The weights of a block that comes later.
template <Format kFormat>
__device__ __forceinline__ void look_ahead(const Product& p, const Part& part, std::int64_t tile) {
  if (p.lookahead == 0 || tile + p.lookahead >= tiles_of(part.rows)) return;
  bring(units_at<kFormat>(p, part, tile + p.lookahead, 0), p.x.units() * unit_bytes(kFormat));
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
  bring(units, p.own_bytes);
  look_ahead<kFormat>(p, part, tile);
  float totals[kOutputs] = {};
  for (int q = warp / kClasses; q < kUnitChunks; q += 2) {
    float sums[kColumnTiles][4] = {};
    for (int unit = warp % kClasses; unit < n_units; unit += kClasses) {
      const std::uint8_t* chunks = units + unit * unit_bytes(kFormat);
      ChunkOfTile<kFormat> w;
      w.read(chunks + q * U::kCodeBytes, chunks + kUnitChunks * U::kCodeBytes, q, lane);
      with_halves(halves_of_chunk(p, unit, q), [&](auto halves) {
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

// Many input rows: a block has 128 weight rows and 64 slots, a warp 32 and 32 of them. What the block needs of a chunk comes to shared
// memory while the ones before it are multiplied.
inline constexpr int kWarpRows = 2, kWarpColumns = 4, kWarpsDown = 4, kWarpsAcross = 2;
inline constexpr int kBlockTiles = kWarpRows * kWarpsDown, kBlockColumns = kWarpColumns * kWarpsAcross;
inline constexpr int kManyThreads = 32 * kWarpsDown * kWarpsAcross;
inline constexpr int kMostShared = 64 * 1024;  // bytes that a block may have on every device
inline constexpr int kPiece = 16;  // bytes of a copy

template <Format kFormat>
struct Stage {
  using U = Unit<kFormat>;
  static constexpr int kWeightBytes = U::kCodeBytes + U::kHeadBytes;             // of a tile
  static constexpr int kCodes = 512, kSteps = 128, kInputBytes = kCodes + 2 * kSteps;  // of a tile of slots in a term

  __host__ __device__ static int bytes(int terms) { return kBlockTiles * kWeightBytes + terms * kBlockColumns * kInputBytes; }
  /// Of stages: two where three are too many.
  __host__ __device__ static int number(int terms) { return 3 * bytes(terms) <= kMostShared ? 3 : 2; }
  static_assert(2 * (kBlockTiles * kWeightBytes + 3 * kBlockColumns * kInputBytes) <= kMostShared);
  __device__ static const std::uint8_t* weights(const std::uint8_t* stage, int tile) { return stage + tile * kWeightBytes; }
  __device__ static const std::uint8_t* input(const std::uint8_t* stage, int term, int column) {
    return stage + kBlockTiles * kWeightBytes + (term * kBlockColumns + column) * kInputBytes;
  }
};

// The chunks in their order: all units of class 0, then 1, .. for chunk 0, then the same for chunk 1, 2, 3.
struct Walk {
  int q = 0, of_class = 0, unit = 0;

  __device__ __forceinline__ bool done() const { return q == kUnitChunks; }
  /// Whether the next one is of another class.
  __device__ __forceinline__ bool step(int n_units) {
    unit += kClasses;
    if (unit < n_units) return false;
    ++of_class;
    if (of_class == kClasses || of_class >= n_units) of_class = 0, ++q;
    unit = of_class;
    return true;
  }
};

// Of a tile of slots what a lane copies, in its first chunk: a piece of the codes; of the steps, or from lane 8 on of the sums.
struct InputPieces {
  const unsigned* codes;
  const float* others;

  __device__ InputPieces(const Rounded& x, std::int64_t column, int lane) {
    const std::int64_t place = x.place(column, 0, 0, 0);
    codes = x.codes + 16 * place + 4 * lane;
    others = (lane < 8 ? x.steps : x.sums) + kInChunk * (place + lane % 8);
  }
};

// A warp copies a tile of weights and a tile of slots: `units` those of the first, `from` of the second.
static_assert(kManyThreads == 32 * kBlockTiles && kManyThreads == 32 * kBlockColumns);
template <Format kFormat>
__device__ __forceinline__ void copy_stage(const std::uint8_t* units, const InputPieces& from, int n_units, int n_terms, const Walk& at, std::uint8_t* stage) {
  using S = Stage<kFormat>;
  using U = Unit<kFormat>;
  constexpr int kCodePieces = U::kCodeBytes / kPiece, kPieces = S::kWeightBytes / kPiece;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const std::uint8_t* unit = units + at.unit * unit_bytes(kFormat) + lane * kPiece;
  std::uint8_t* weights = stage + warp * S::kWeightBytes + lane * kPiece;
#pragma unroll
  for (int piece = 0; piece < kPieces; piece += 32) {
    const bool codes = piece + lane < kCodePieces;
    if (piece + lane < kPieces) copy_async(weights + piece * kPiece, unit + (piece * kPiece + (codes ? at.q : kUnitChunks - 1) * U::kCodeBytes));
  }
  std::uint8_t* input = stage + kBlockTiles * S::kWeightBytes + warp * S::kInputBytes + lane * kPiece;
  for (int term = 0; term < n_terms; ++term, input += kBlockColumns * S::kInputBytes) {
    const int place = ((term * n_units + at.unit) * kUnitChunks + at.q) * kTile;
    copy_async(input, from.codes + 16 * place);
    if (lane < (U::kHasMin ? 16 : 8)) copy_async(input + S::kCodes, from.others + kInChunk * place);
  }
}

template <Format kFormat>
__global__ void __launch_bounds__(kManyThreads, 2) multiply_many(Product p) {
  using S = Stage<kFormat>;
  using U = Unit<kFormat>;
  auto* stages = dynamic_shared<std::uint8_t>();
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const Part part = part_of(p);
  const std::int64_t first_tile = std::int64_t{blockIdx.x - part.first_block} * kBlockTiles, first_column = std::int64_t{blockIdx.y} * kBlockColumns;
  const int tile = warp % kWarpsDown * kWarpRows, column = warp / kWarpsDown * kWarpColumns;  // of this warp in the block
  const bool works = (first_tile + tile) * kTileRows < part.rows && (first_column + column) * kTile < p.n_slots;
  const int n_units = static_cast<int>(p.x.units()), stage_bytes = S::bytes(p.x.terms), n_stages = S::number(p.x.terms);
  const std::uint8_t* units = units_at<kFormat>(p, part, first_tile + warp, 0);
  const InputPieces from(p.x, first_column + warp, lane);
  Walk ahead, now;
  int ahead_stage = 0, now_stage = 0;
  const auto copy_next = [&] {
    if (!ahead.done()) {
      copy_stage<kFormat>(units, from, n_units, p.x.terms, ahead, stages + ahead_stage * stage_bytes);
      ahead.step(n_units);
    }
    ahead_stage = ahead_stage + 1 == n_stages ? 0 : ahead_stage + 1;
    end_copy_group();
  };
  for (int i = 0; i + 1 < n_stages; ++i) copy_next();
  float kept[kWarpRows * kWarpColumns * 4] = {}, sums[kWarpRows][kWarpColumns][4] = {};
  float* totals = in_memory(kept);
  while (!now.done()) {
    if (n_stages == 3) wait_for_copies<1>();
    else wait_for_copies<0>();
    __syncthreads();
    copy_next();
    const std::uint8_t* stage = stages + now_stage * stage_bytes;
    now_stage = now_stage + 1 == n_stages ? 0 : now_stage + 1;
    if (works) {
      ChunkOfTile<kFormat> w[kWarpRows];
#pragma unroll
      for (int r = 0; r < kWarpRows; ++r) {
        const std::uint8_t* weights = S::weights(stage, tile + r);
        w[r].read(weights, weights + U::kCodeBytes, now.q, lane);
      }
      with_halves(halves_of_chunk(p, now.unit, now.q), [&](auto halves) {
        for (int term = 0; term < p.x.terms; ++term) {
#pragma unroll
          for (int c = 0; c < kWarpColumns; ++c) {
            const std::uint8_t* input = S::input(stage, term, column + c);
            ChunkOfInput<U::kHasMin> x;
            x.read(reinterpret_cast<const unsigned*>(input), reinterpret_cast<const float*>(input + S::kCodes),
                   reinterpret_cast<const float*>(input + S::kCodes + S::kSteps), lane);
#pragma unroll
            for (int r = 0; r < kWarpRows; ++r) add_chunk<kFormat, decltype(halves)::kNumber>(w[r], x, sums[r][c]);
          }
        }
      });
    }
    if (!now.step(n_units)) continue;
#pragma unroll
    for (int i = 0; i < kWarpRows * kWarpColumns * 4; ++i) {
      totals[i] += sums[i / 4 / kWarpColumns][i / 4 % kWarpColumns][i % 4];
      sums[i / 4 / kWarpColumns][i / 4 % kWarpColumns][i % 4] = 0;
    }
  }
  if (!works) return;
#pragma unroll
  for (int r = 0; r < kWarpRows; ++r) {
#pragma unroll
    for (int c = 0; c < kWarpColumns; ++c) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        store(p, part, (first_column + column + c) * kTile + 2 * t + i % 2, (first_tile + tile + r) * kTileRows + g + i / 2 * 8, 0, totals[(r * kWarpColumns + c) * 4 + i]);
      }
    }
  }
}

template <Format kFormat>
void launch_product(Lowering& to, Product p, Way way, std::int64_t n_rows) {
  constexpr std::int64_t kFewSlots = 12 * kTile;  // more than 32 are done 32 at a time: what many make too few blocks of is done sooner so
  const bool few = way != Way::by_slots || p.tile_expert != nullptr || p.n_slots <= kFewSlots;
  const unsigned n_blocks = place_blocks(p, way, kTileRows * (few ? 1 : kBlockTiles));
  if (few && p.experts == nullptr) {  // no further than to blocks that are not there yet, nor more than the cache has room for
    const std::int64_t tile_bytes = p.x.units() * unit_bytes(kFormat);
    p.lookahead = std::min<std::int64_t>(3 * to.n_processors, to.ahead_bytes / (way == Way::gated ? 2 * tile_bytes : tile_bytes));
    p.own_bytes = std::min(tile_bytes, to.ahead_bytes / std::max(1u, to.n_processors));
  }
  const auto go = [&](std::int64_t n_rows_of_blocks, int threads, auto kernel) { to.launch({n_blocks, static_cast<unsigned>(n_rows_of_blocks)}, threads, 0, kernel, p); };
  if (way == Way::one) return go(n_rows, kOneThreads, multiply_one<kFormat, Way::one>);
  if (way == Way::gated) return go(n_rows, kOneThreads, multiply_one<kFormat, Way::gated>);
  if (way == Way::combined) return go(n_rows, kOneThreads, multiply_one<kFormat, Way::combined>);
  if (p.tile_expert != nullptr || p.n_slots <= kTile) return go(blocks_for(p.n_slots, kTile), kFewThreads, multiply_few<kFormat, 1>);
  if (p.n_slots <= 2 * kTile) return go(1, kFewThreads, multiply_few<kFormat, 2>);
  if (few) return go(blocks_for(p.n_slots, 4 * kTile), kFewThreads, multiply_few<kFormat, 4>);
  to.launch({n_blocks, blocks_for(p.n_slots, kTile * kBlockColumns)}, kManyThreads, static_cast<std::size_t>(Stage<kFormat>::number(p.x.terms) * Stage<kFormat>::bytes(p.x.terms)),
            multiply_many<kFormat>, p);
}

struct ProductRow {
  Format format;
  void (*launch)(Lowering& to, Product p, Way way, std::int64_t n_rows);  // n_rows: of blocks, where they have a result row each
};
// products.cu, products_more.cu, which share the work of compiling
const ProductRow* product_row(Format format);
const ProductRow* more_product_row(Format format);

}  // namespace foreword::gpu::cuda

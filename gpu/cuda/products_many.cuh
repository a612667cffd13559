#pragma once
// Many input rows: a block has 128 weight rows and 64 slots, a warp 32 and 32 of them. What the block needs of a chunk comes to shared
// memory while the ones before it are multiplied.

#include "gpu/cuda/products.cuh"

namespace foreword::gpu::cuda {

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
__global__ void __launch_bounds__(kManyThreads) multiply_many(Product p) {
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
  float totals[kWarpRows][kWarpColumns][4] = {}, sums[kWarpRows][kWarpColumns][4] = {};
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
      totals[i / 4 / kWarpColumns][i / 4 % kWarpColumns][i % 4] += sums[i / 4 / kWarpColumns][i / 4 % kWarpColumns][i % 4];
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
        store(p, part, (first_column + column + c) * kTile + 2 * t + i % 2, (first_tile + tile + r) * kTileRows + g + i / 2 * 8, 0, totals[r][c][i]);
      }
    }
  }
}

}  // namespace foreword::gpu::cuda

#pragma once
// Many input rows: a block has 128 weight rows and 64 slots, a warp 32 and 32 of them. What the block needs of a chunk in a term comes to
// shared memory while the one before it is multiplied. The totals lie there too, since a class ends seldom: so two blocks fit on a processor.

#include <algorithm>

#include "gpu/cuda/products.cuh"

namespace foreword::gpu::cuda {

inline constexpr int kWarpRows = 2, kWarpColumns = 4, kWarpsDown = 4, kWarpsAcross = 2;
inline constexpr int kBlockTiles = kWarpRows * kWarpsDown, kBlockColumns = kWarpColumns * kWarpsAcross;
inline constexpr int kManyThreads = 32 * kWarpsDown * kWarpsAcross;
inline constexpr int kMostShared = 64 * 1024;  // bytes that a block may have on every device
inline constexpr int kPiece = 16;              // bytes of a copy
inline constexpr int kStages = 2;

// The scales of a row in a chunk as floats, those that its format has: made once a block, not by every lane that has the row.
template <class U>
struct alignas((U::kByHalf ? 8 : 16) * (U::kByHalf && U::kHasMin ? 2 : 1)) Line {
  static constexpr int kStep = U::kByHalf ? 2 : 1, kScales = kInChunk / kStep;
  float values[kScales * (U::kHasMin ? 2 : 1)];

  __device__ __forceinline__ explicit Line(const Scales& s) {
#pragma unroll
    for (int i = 0; i < kScales; ++i) {
      values[i] = s.scale[i * kStep];
      if constexpr (U::kHasMin) values[kScales + i] = s.min[i * kStep];
    }
  }
  __device__ __forceinline__ void read(Scales& s) const {
#pragma unroll
    for (int i = 0; i < kScales; ++i) {
      s.scale[i * kStep] = values[i];
      if constexpr (U::kHasMin) s.min[i * kStep] = values[kScales + i];
    }
  }
};

template <Format kFormat>
struct Stage {
  using U = Unit<kFormat>;
  static constexpr int kHeadRoom = std::max<int>(U::kHeadBytes, kTileRows * sizeof(Line<U>));  // lines take the head's place
  static constexpr int kWeightBytes = U::kCodeBytes + kHeadRoom;                               // of a tile
  static constexpr int kCodes = 512, kSteps = 128, kInputBytes = kCodes + 2 * kSteps;          // of a tile of slots
  static constexpr int kBytes = kBlockTiles * kWeightBytes + kBlockColumns * kInputBytes;
  static constexpr int kTotalsBytes = kBlockTiles * kTileRows * kBlockColumns * kTile * 4;
  static constexpr int kSharedBytes = kTotalsBytes + kStages * kBytes;
  static_assert(kSharedBytes <= kMostShared && kWeightBytes % kPiece == 0);

  __device__ static std::uint8_t* weights(std::uint8_t* stage, int tile) { return stage + tile * kWeightBytes; }
  __device__ static std::uint8_t* head(std::uint8_t* stage, int tile) { return weights(stage, tile) + U::kCodeBytes; }
  __device__ static Line<U>* lines(std::uint8_t* stage, int tile) { return reinterpret_cast<Line<U>*>(head(stage, tile)); }
  __device__ static std::uint8_t* input(std::uint8_t* stage, int column) { return stage + kBlockTiles * kWeightBytes + column * kInputBytes; }
};

// The chunks in their order, each in all terms: all units of class 0, then 1, .. for chunk 0, then the same for chunk 1, 2, 3.
struct Walk {
  int q = 0, of_class = 0, unit = 0, term = 0;

  __device__ __forceinline__ bool done() const { return q == kUnitChunks; }
  /// Whether the next one is of another class.
  __device__ __forceinline__ bool step(int n_units, int n_terms) {
    if (++term < n_terms) return false;
    term = 0;
    unit += kClasses;
    if (unit < n_units) return false;
    ++of_class;
    if (of_class == kClasses || of_class >= n_units) of_class = 0, ++q;
    unit = of_class;
    return true;
  }
};

// What a warp copies to each stage: a tile of weights and a tile of slots.
static_assert(kManyThreads == 32 * kBlockTiles && kManyThreads == 32 * kBlockColumns);
template <Format kFormat>
struct Copies {
  using S = Stage<kFormat>;
  using U = Unit<kFormat>;
  const std::uint8_t* units;
  const unsigned* codes;  // this lane's piece in the first chunk
  const float* others;    // a piece of the steps, or from lane 8 on of the sums
  int n_units;

  __device__ Copies(const Product& p, const Part& part, std::int64_t tile, std::int64_t column, int lane) : n_units(static_cast<int>(p.x.units())) {
    const std::int64_t place = p.x.place(column, 0, 0, 0);
    units = units_at<kFormat>(p, part, tile, 0) + lane * kPiece;
    codes = p.x.codes + 16 * place + 4 * lane;
    others = (lane < 8 ? p.x.steps : p.x.sums) + kInChunk * (place + lane % 8);
  }
  __device__ __forceinline__ void copy(const Walk& at, std::uint8_t* stage, int warp, int lane) const {
    constexpr int kCodePieces = U::kCodeBytes / kPiece, kPieces = kCodePieces + U::kHeadBytes / kPiece;
    const std::uint8_t* unit = units + at.unit * static_cast<int>(unit_bytes(kFormat));
    std::uint8_t* weights = S::weights(stage, warp) + lane * kPiece;
#pragma unroll
    for (int piece = 0; piece < kPieces; piece += 32) {
      const bool is_code = piece + lane < kCodePieces;
      if (piece + lane < kPieces) copy_async(weights + piece * kPiece, unit + (piece * kPiece + (is_code ? at.q : kUnitChunks - 1) * U::kCodeBytes));
    }
    std::uint8_t* input = S::input(stage, warp) + lane * kPiece;
    const int place = ((at.term * n_units + at.unit) * kUnitChunks + at.q) * kTile;
    copy_async(input, codes + 16 * place);
    if (lane < (U::kHasMin ? 16 : 8)) copy_async(input + S::kCodes, others + kInChunk * place);
  }
};

template <Format kFormat>
__global__ void __launch_bounds__(kManyThreads, 2) multiply_many(Product p) {
  using S = Stage<kFormat>;
  using U = Unit<kFormat>;
  auto* totals = dynamic_shared<float4>() + threadIdx.x;  // of this thread, one in kManyThreads
  auto* stages = dynamic_shared<std::uint8_t>() + S::kTotalsBytes;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const Part part = part_of(p);
  const std::int64_t first_tile = std::int64_t{blockIdx.x - part.first_block} * kBlockTiles, first_column = std::int64_t{blockIdx.y} * kBlockColumns;
  const int tile = warp % kWarpsDown * kWarpRows, column = warp / kWarpsDown * kWarpColumns;  // of this warp in the block
  const bool works = (first_tile + tile) * kTileRows < part.rows && (first_column + column) * kTile < p.n_slots;
  const int n_units = static_cast<int>(p.x.units()), n_terms = p.x.terms;
  const Copies<kFormat> copies(p, part, first_tile + warp, first_column + warp, lane);
  float sums[kWarpRows][kWarpColumns][4] = {};
#pragma unroll
  for (int i = 0; i < kWarpRows * kWarpColumns; ++i) totals[i * kManyThreads] = float4{};
  Walk now, next;
  copies.copy(next, stages, warp, lane);
  end_copy_group();
  std::uint8_t *stage = stages, *other = stages + S::kBytes;
  while (!now.done()) {
    wait_for_copies<0>();
    __syncwarp();
    Scales scales;
    U::scales(S::head(stage, warp), now.q, lane % kTileRows, scales);
    __syncwarp();
    if (lane < kTileRows) S::lines(stage, warp)[lane] = Line<U>(scales);
    __syncthreads();
    next.step(n_units, n_terms);
    if (!next.done()) copies.copy(next, other, warp, lane);
    end_copy_group();
    if (works) {
      ChunkOfTile<kFormat> w[kWarpRows];
#pragma unroll
      for (int r = 0; r < kWarpRows; ++r) {
        U::codes(S::weights(stage, tile + r), lane, w[r].words);
        for (int i = 0; i < 2; ++i) S::lines(stage, tile + r)[g + 8 * i].read(w[r].scales[i]);
      }
      with_halves(halves_of_chunk(p, now.unit, now.q), [&](auto halves) {
#pragma unroll
        for (int c = 0; c < kWarpColumns; ++c) {
          const std::uint8_t* input = S::input(stage, column + c);
          ChunkOfInput<U::kHasMin> x;
          x.read(reinterpret_cast<const unsigned*>(input), reinterpret_cast<const float*>(input + S::kCodes),
                 reinterpret_cast<const float*>(input + S::kCodes + S::kSteps), lane);
#pragma unroll
          for (int r = 0; r < kWarpRows; ++r) add_chunk<kFormat, decltype(halves)::kNumber>(w[r], x, sums[r][c]);
        }
      });
    }
    const bool ends = now.of_class != next.of_class || now.q != next.q;
    now = next;
    std::swap(stage, other);
    if (!ends) continue;
#pragma unroll
    for (int i = 0; i < kWarpRows * kWarpColumns; ++i) {
      float(&sum)[4] = sums[i / kWarpColumns][i % kWarpColumns];
      const float4 total = totals[i * kManyThreads];
      totals[i * kManyThreads] = float4{total.x + sum[0], total.y + sum[1], total.z + sum[2], total.w + sum[3]};
      for (float& value : sum) value = 0;
    }
  }
  if (!works) return;
#pragma unroll 1
  for (int i = 0; i < kWarpRows * kWarpColumns * 4; ++i) {
    const int r = i / 4 / kWarpColumns, c = i / 4 % kWarpColumns;
    store(p, part, (first_column + column + c) * kTile + 2 * t + i % 2, (first_tile + tile + r) * kTileRows + g + i % 4 / 2 * 8, 0,
          reinterpret_cast<const float*>(totals + i / 4 * kManyThreads)[i % 4]);
  }
}

}  // namespace foreword::gpu::cuda

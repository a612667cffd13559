#pragma once
// The two products of attention for a warp, on the matrix instruction of halves: queries with keys, weights with values. A warp has eight
// slots of each page of a span, 32 positions, and one or two tiles of eight vectors, rows of A and of what comes out. The lines come straight from
// memory, many loads before the first is used, in the order in which the instruction wants them: lane 4g + t has
//   of keys    quads t and t + 4 of 32 columns of position g of each page, columns of B
//   of values  quad g of 32 columns of positions 2t and 2t + 1 of each page, rows of B
// and of products with keys, logits and weights vectors g and g + 8 with positions 2t and 2t + 1 of each page. Queries, weights and what is no half
// lie in two terms of halves, 22 bits. Each sum starts at 0 for 32 columns or for the 32 positions, lesser terms first, and what is added to others
// is added outside of the instruction, which rounds by dropping bits.

#include "gpu/cuda/attention_block.cuh"
#include "gpu/cuda/lines.cuh"

namespace foreword::gpu::cuda {

// On its way to the cache while the warp does other things: a lane's next loads of it wait less.
__device__ __forceinline__ void prefetch_row(const std::uint8_t* tile, int slot, int row) {
#pragma unroll 1
  for (int i = 0; i < row; i += 128) prefetch(tile + slot * row + i);
}

/// Which of a warp's positions are meant: those that lie in a pool, or with kAllPools all, whose lines are of one encoding and have whole groups.
inline constexpr int kAllPools = -1;

/// Sums of products with the low terms of an encoding, as large as they are.
template <class Format>
__device__ __forceinline__ void lessen(float (&sums)[4]) {
  if constexpr (Format::kLowFactor != 1) {
#pragma unroll
    for (float& sum : sums) sum *= 1.0f / Format::kLowFactor;
  }
}

/// Of each page, of vector g positions 2t and 2t + 1, then of vector g + 8, which is nobody's where there is one tile.
using Scores = float[kPages][4];

/// Adds the products of queries with the keys of the warp's positions.
template <class Format, bool kAll, int kTiles>
__device__ __forceinline__ void add_scores(const Found* found, int pool, int dim, const uint4* queries, Scores& scores) {
  constexpr int kGroups = 2;  // that are fetched at once: more registers there are not
  const int lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  SlotLine lines[kPages];
  bool here[kPages];
#pragma unroll
  for (int page = 0; page < kPages; ++page) {
    const Found at = found[page * kShare + g];
    lines[page] = Format::line(at.page, at.slot, dim);
    here[page] = kAll || at.pool == pool;
  }
#pragma unroll 1
  for (int first = 0; first * kGroup < dim; first += kGroups) {
    typename Format::Raw raw[kGroups][2][kPages];
#pragma unroll
    for (int j = 0; j < kGroups; ++j) {
#pragma unroll
      for (int s = 0; s < 2; ++s) {
        const int quad = (first + j) * kGroupQuads + 4 * s + t;
        const QuadPlace place = Format::place(dim, quad);
#pragma unroll
        for (int page = 0; page < kPages; ++page) {
          if constexpr (!kAll) raw[j][s][page] = typename Format::Raw{};
          if (kAll ? (first + j) * kGroup < dim : here[page] && 4 * quad < dim) raw[j][s][page] = Format::fetch(lines[page], place);
        }
      }
    }
#pragma unroll
    for (int j = 0; j < kGroups; ++j) {
      if ((first + j) * kGroup >= dim) break;
      unsigned high[2][4], low[2][4];
#pragma unroll
      for (int s = 0; s < 2; ++s) {
        const uint4* query = queries + ((first + j) * 2 + s) * kQueryStep + lane;
        const uint4 upper = query[0], lower = query[32];
        high[s][0] = upper.x, high[s][1] = upper.y, high[s][2] = upper.z, high[s][3] = upper.w;
        low[s][0] = lower.x, low[s][1] = lower.y, low[s][2] = lower.z, low[s][3] = lower.w;
      }
#pragma unroll
      for (int page = 0; page < kPages; ++page) {
        HalfQuad keys[2];
#pragma unroll
        for (int s = 0; s < 2; ++s) keys[s] = Format::decode(raw[j][s][page], Format::place(dim, (first + j) * kGroupQuads + 4 * s + t));
        float sums[4];
        if constexpr (Format::kExact) {
          half_product(sums, low[0], keys[0].high[0], keys[0].high[1]);
        } else {
          half_product(sums, high[0], keys[0].low[0], keys[0].low[1]);
          add_half_product(sums, high[1], keys[1].low[0], keys[1].low[1]);
          lessen<Format>(sums);
          add_half_product(sums, low[0], keys[0].high[0], keys[0].high[1]);
        }
        add_half_product(sums, low[1], keys[1].high[0], keys[1].high[1]);
#pragma unroll
        for (int s = 0; s < 2; ++s) add_half_product(sums, high[s], keys[s].high[0], keys[s].high[1]);
#pragma unroll
        for (int i = 0; i < 2 * kTiles; ++i) scores[page][i] += sums[i];
      }
    }
  }
}

/// Weights in two terms of halves: of pages 2i and 2i + 1.
struct WeightTerms {
  unsigned high[2][4], low[2][4];

  __device__ __forceinline__ explicit WeightTerms(const Scores& weights) {
#pragma unroll
    for (int page = 0; page < kPages; ++page) {
      const HalfQuad quad = halves_of(weights[page]);
#pragma unroll
      for (int k = 0; k < 2; ++k) high[page / 2][page % 2 * 2 + k] = quad.high[k], low[page / 2][page % 2 * 2 + k] = quad.low[k];
    }
  }
};
inline constexpr float kWeightFactor = 16384;  // small weights have as many bits as halves can have

/// Of 32 columns quads 2t and 2t + 1 as sums[column of the quad]: of vector g in both, then of vector g + 8.
using ValueSums = float[kPieceGroups][4][4];

/// Adds the weighted values of the warp's positions, of kPiece columns from `first` on; with kAll there was nothing before.
template <class Format, bool kAll, int kTiles>
__device__ __forceinline__ void add_values(const Found* found, int pool, std::int64_t tile_bytes, int dim, int first, const WeightTerms& weights, ValueSums& sums) {
  const int lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  typename Format::Raw raw[kPieceGroups][kPages][2];
#pragma unroll
  for (int page = 0; page < kPages; ++page) {
#pragma unroll
    for (int odd = 0; odd < 2; ++odd) {
      const Found at = found[page * kShare + 2 * t + odd];
      const SlotLine line = Format::line(at.page + tile_bytes, at.slot, dim);
#pragma unroll
      for (int j = 0; j < kPieceGroups; ++j) {
        const int quad = first / 4 + j * kGroupQuads + g;
        if constexpr (!kAll) raw[j][page][odd] = typename Format::Raw{};
        if (kAll ? first + j * kGroup < dim : at.pool == pool && 4 * quad < dim) raw[j][page][odd] = Format::fetch(line, Format::place(dim, quad));
      }
    }
  }
#pragma unroll
  for (int j = 0; j < kPieceGroups; ++j) {
    if (first + j * kGroup >= dim) break;
    const QuadPlace place = Format::place(dim, first / 4 + j * kGroupQuads + g);
    HalfQuad values[kPages][2];
#pragma unroll
    for (int page = 0; page < kPages; ++page) {
#pragma unroll
      for (int odd = 0; odd < 2; ++odd) values[page][odd] = Format::decode(raw[j][page][odd], place);
    }
#pragma unroll
    for (int column = 0; column < 4; ++column) {
      // A column of both positions of a page, in one word.
      const auto high = [&](int page) { return __byte_perm(values[page][0].high[column / 2], values[page][1].high[column / 2], column % 2 == 0 ? 0x5410u : 0x7632u); };
      const auto low = [&](int page) { return __byte_perm(values[page][0].low[column / 2], values[page][1].low[column / 2], column % 2 == 0 ? 0x5410u : 0x7632u); };
      float all[4];
      if constexpr (Format::kExact) {
        half_product(all, weights.low[0], high(0), high(1));
      } else {
        half_product(all, weights.high[0], low(0), low(1));
        add_half_product(all, weights.high[1], low(2), low(3));
        lessen<Format>(all);
        add_half_product(all, weights.low[0], high(0), high(1));
      }
      add_half_product(all, weights.low[1], high(2), high(3));
      add_half_product(all, weights.high[0], high(0), high(1));
      add_half_product(all, weights.high[1], high(2), high(3));
#pragma unroll
      for (int i = 0; i < 2 * kTiles; ++i) sums[j][column][i] = kAll ? all[i] : sums[j][column][i] + all[i];
    }
  }
}

}  // namespace foreword::gpu::cuda

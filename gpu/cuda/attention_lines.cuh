#pragma once
// The two products of attention for a warp: queries with keys, weights with values. A warp has eight slots of each page of a span, and
// four vectors; the lines come straight from memory, several loads before the first is used.

#include "gpu/cuda/attention_block.cuh"
#include "gpu/cuda/lines.cuh"

namespace foreword::gpu::cuda {

// On its way to the cache while the warp does other things: a lane's next loads of it wait less.
__device__ __forceinline__ void prefetch_row(const std::uint8_t* tile, int slot, int row) {
#pragma unroll 1
  for (int i = 0; i < row; i += 128) prefetch(tile + slot * row + i);
}

// Of the queries of four vectors the quads of this lane.
template <int kDim>
using Queries = float4[kTogether][Shape<kDim>::kKeyQuads];

// The position of a share of a page whose logit is this lane's after dots().
template <int kDim>
__device__ __forceinline__ int position_of(int lane) {
  constexpr int kLanes = Shape<kDim>::kKeyLanes;
  return lane % kLanes / kTogether * (32 / kLanes) + lane / kLanes;
}

// Products of four queries with the keys of one share of a page that lie in `pool`: in each lane that of vector lane % 4 with position_of(lane).
template <class Format, int kDim>
__device__ __forceinline__ float dots(const Found* found, int pool, int dim, const Queries<kDim>& queries) {
  constexpr int kLanes = Shape<kDim>::kKeyLanes, kQuads = Shape<kDim>::kKeyQuads, kAtOnce = 32 / kLanes, kLoads = kShare / kAtOnce;
  constexpr int kBatch = kLoads * kQuads < 8 ? kLoads : 8 / kQuads;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  QuadPlace places[kQuads];
#pragma unroll
  for (int q = 0; q < kQuads; ++q) places[q] = Format::place(dim, lane % kLanes + q * kLanes);
  float sums[kLanes];
#pragma unroll
  for (int batch = 0; batch < kLoads; batch += kBatch) {
    typename Format::Raw raw[kBatch][kQuads];
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const Found at = found[(batch + i) * kAtOnce + lane / kLanes];
#pragma unroll
      for (int q = 0; q < kQuads; ++q) {
        raw[i][q] = typename Format::Raw{};
        if (at.pool == pool && 4 * (lane % kLanes + q * kLanes) < dim) raw[i][q] = Format::fetch(at.page, at.slot, places[q]);
      }
    }
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      float* sum = sums + (batch + i) * kTogether;
#pragma unroll
      for (int q = 0; q < kQuads; ++q) {
        const float4 key = Format::decode(raw[i][q], places[q]);
#pragma unroll
        for (int v = 0; v < kTogether; ++v) {
          const float4 query = queries[v][q];
          sum[v] = q == 0 ? query.x * key.x : fmaf(query.x, key.x, sum[v]);
          sum[v] = fmaf(query.y, key.y, sum[v]);
          sum[v] = fmaf(query.z, key.z, sum[v]);
          sum[v] = fmaf(query.w, key.w, sum[v]);
        }
      }
    }
  }
  // As many sums as lanes have a key: each step, a lane keeps one half of them and gives the other away.
#pragma unroll
  for (int step = 1; step < 6; ++step) {
    const int half = kLanes >> step;
    const bool upper = (lane & half) != 0;
#pragma unroll
    for (int i = 0; i < kLanes / 2; ++i) {  // all bounds known and values first, or the sums are kept in memory
      if (i >= half) continue;
      const float low = sums[i], high = sums[i + half];
      sums[i] = (upper ? high : low) + lane_xor(upper ? low : high, half);
    }
  }
  return sums[0];
}

// Adds the weighted values of one share of a page that lie in `pool`. Where a value takes half a warp, half the lanes have the odd positions.
template <class Format, int kDim>
__device__ __forceinline__ void add_values(const Found* found, int pool, std::int64_t tile, int dim, const float4* weights,
                                           float4 (&sums)[kTogether][Shape<kDim>::kValueQuads]) {
  constexpr int kLanes = Shape<kDim>::kValueLanes, kQuads = Shape<kDim>::kValueQuads, kAtOnce = 32 / kLanes, kLoads = kShare / kAtOnce;
  constexpr int kBatch = kLoads * kQuads < 8 ? kLoads : 8 / kQuads;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  QuadPlace places[kQuads];
#pragma unroll
  for (int q = 0; q < kQuads; ++q) places[q] = Format::place(dim, lane % kLanes + q * kLanes);
#pragma unroll
  for (int batch = 0; batch < kLoads; batch += kBatch) {
    typename Format::Raw raw[kBatch][kQuads];
    bool here[kBatch];
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const Found at = found[(batch + i) * kAtOnce + lane / kLanes];
      here[i] = at.pool == pool;
#pragma unroll
      for (int q = 0; q < kQuads; ++q) {
        raw[i][q] = typename Format::Raw{};
        if (here[i] && 4 * (lane % kLanes + q * kLanes) < dim) raw[i][q] = Format::fetch(at.page + tile, at.slot, places[q]);
      }
    }
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const float4 four = weights[(batch + i) * kAtOnce + lane / kLanes];
      const float weight[kTogether] = {four.x, four.y, four.z, four.w};
#pragma unroll
      for (int q = 0; q < kQuads; ++q) {
        const float4 value = Format::decode(raw[i][q], places[q]);
#pragma unroll
        for (int v = 0; v < kTogether; ++v) {
          if (!here[i] || weight[v] < 0) continue;
          sums[v][q].x = fmaf(weight[v], value.x, sums[v][q].x);
          sums[v][q].y = fmaf(weight[v], value.y, sums[v][q].y);
          sums[v][q].z = fmaf(weight[v], value.z, sums[v][q].z);
          sums[v][q].w = fmaf(weight[v], value.w, sums[v][q].w);
        }
      }
    }
  }
}

}  // namespace foreword::gpu::cuda

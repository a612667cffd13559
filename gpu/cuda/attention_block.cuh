#pragma once
// A block of attend(): which vectors it has, and what of them lies in shared memory.

#include "gpu/cuda/attention.cuh"

namespace foreword::gpu::cuda {

inline constexpr int kWarps = 8, kThreads = 32 * kWarps;
inline constexpr int kTogether = 4;                // vectors
inline constexpr int kPages = kSpan / kSlots, kShare = kSlots / kWarps;
static_assert(kPages * kShare == 32 && kTogether * kShare == 32, "a lane a position, and a lane a vector with a position");

/// What heads of up to kDim columns need: vectors of a block; lanes that have a key and a value together, and how many quads each.
template <int kDim>
struct Shape {
  static constexpr int kVectors = kDim <= 128 ? 16 : kDim <= 256 ? 8 : 4;
  static constexpr int kKeyLanes = kDim < 256 ? kDim / 8 : 32, kKeyQuads = kDim / 4 / kKeyLanes;
  static constexpr int kValueLanes = kDim < 128 ? kDim / 4 : 32, kValueQuads = kDim / 4 / kValueLanes;
};

// Where a position lies. pool -1: no row here sees it.
struct alignas(16) Found {
  const std::uint8_t* page;
  int slot, pool;
};

// What a block works on.
struct Part {
  std::int64_t first_row, kv_head, first_head;
  int heads, n_rows, n_vectors, width;

  __device__ explicit Part(const Attention& p) {
    const int chunks = (p.group + p.chunk - 1) / p.chunk;
    first_row = std::int64_t{blockIdx.x} * p.rows_per_block;
    kv_head = blockIdx.y / static_cast<unsigned>(chunks);
    first_head = kv_head * p.group + blockIdx.y % static_cast<unsigned>(chunks) * p.chunk;
    heads = static_cast<int>(min(std::int64_t{p.chunk}, (kv_head + 1) * p.group - first_head));
    n_rows = static_cast<int>(min(std::int64_t{p.rows_per_block}, p.n_rows - first_row));
    n_vectors = n_rows * p.chunk;
    width = (static_cast<int>(p.cache.head_dim) + 3) / 4 * 4;
  }
  /// False for a head that is the next kv head's.
  __device__ bool has(const Attention& p, int v) const { return v < n_vectors && v % p.chunk < heads; }
  __device__ std::int64_t row(const Attention& p, int v) const { return first_row + v / p.chunk; }
  __device__ std::int64_t head(const Attention& p, int v) const { return first_head + v % p.chunk; }
  /// Its number among all vectors.
  __device__ std::int64_t at(const Attention& p, int v) const { return row(p, v) * p.n_heads + head(p, v); }
  /// Its number among those of watched rows; below 0: it is none of theirs.
  __device__ std::int64_t watched_at(const Attention& p, int v) const {
    const int watch = has(p, v) ? watch_of(p, row(p, v)) : -1;
    return watch < 0 ? -1 : watch * p.n_heads + head(p, v);
  }
};

struct Shared {
  Found* found;      // [kWarps][32] a warp's positions: its share of the first page, of the second, ..
  float4* weights;   // [kWarps][32] of four vectors, below 0 where a vector does not see the position
  float4* pages;     // [kWarps][kTogether] weights of the pages of a span
  float2* states;    // [kWarps][kTogether] largest logit and sum of the weights
  float2* totals;    // [vectors] the same of all spans so far
  float* sums;       // [kWarps][kTogether][width]
  float* queries;    // [vectors][width]
  float* results;    // [vectors][width] sums of all spans so far
  Sight* sights;     // [vectors] of rows

  // `vectors` is a multiple of kTogether.
  __host__ __device__ static int bytes(int vectors, int width) {
    return kWarps * 32 * 32 + kWarps * kTogether * 24 + vectors * 8 + (kWarps * kTogether + 2 * vectors) * width * 4 + vectors * static_cast<int>(sizeof(Sight));
  }
  __device__ Shared(float* at, int vectors, int width) {
    found = reinterpret_cast<Found*>(at);
    weights = reinterpret_cast<float4*>(found + kWarps * 32);
    pages = weights + kWarps * 32;
    sums = reinterpret_cast<float*>(pages + kWarps * kTogether);
    queries = sums + kWarps * kTogether * width;
    results = queries + vectors * width;
    states = reinterpret_cast<float2*>(results + vectors * width);
    totals = states + kWarps * kTogether;
    sights = reinterpret_cast<Sight*>(totals + vectors);
  }
};

}  // namespace foreword::gpu::cuda

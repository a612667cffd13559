#pragma once
// A block of attend(): which vectors it has, and what of them lies in shared memory.

#include "gpu/cuda/attention.cuh"

namespace foreword::gpu::cuda {

inline constexpr int kWarps = 8, kThreads = 32 * kWarps;
inline constexpr int kMostTiles = 2;               // of kTile vectors, that go through a span together
inline constexpr int kPages = kSpan / kSlots, kShare = kSlots / kWarps;
static_assert(kPages == 4 && kShare == 8 && kTile == kWarps, "the tiles of the matrix instruction; and a warp merges a vector");
inline constexpr int kGroup = 32, kGroupQuads = kGroup / 4;  // columns of two matrix instructions, whatever the encoding's own groups are
inline constexpr int kPieceGroups = 2, kPiece = kPieceGroups * kGroup;  // columns of values that are added up and merged at once
inline constexpr int kSumRow = kPiece + 4;  // in shared memory; so long that the lanes of a warp meet in few banks
inline constexpr int kQueryStep = 64;       // uint4 of 16 columns of queries: two terms of what each lane needs

inline constexpr int kMostColumns = 512, kWideColumns = 128;            // of a head; wider ones leave no room for a second block

// Where a position lies. pool -1: no row here sees it.
struct alignas(16) Found {
  const std::uint8_t* page;
  int slot, pool;
};

// What a block works on.
struct Part {
  std::int64_t first_row, kv_head, first_head;
  int heads, n_rows, n_vectors, width;  // columns, up to whole quads

  __device__ explicit Part(const Attention& p) {
    const int chunks = (p.group + p.chunk - 1) / p.chunk;
    first_row = std::int64_t{blockIdx.x} * p.rows_per_block;
    kv_head = blockIdx.y / static_cast<unsigned>(chunks);
    first_head = kv_head * p.group + blockIdx.y % static_cast<unsigned>(chunks) * p.chunk;
    heads = static_cast<int>(min(std::int64_t{p.chunk}, (kv_head + 1) * p.group - first_head));
    n_rows = static_cast<int>(min(std::int64_t{p.rows_per_block}, p.n_rows - first_row));
    n_vectors = n_rows * p.chunk;
    width = width_of(static_cast<int>(p.cache.head_dim));
  }
  __host__ __device__ static constexpr int width_of(int dim) { return (dim + 3) / 4 * 4; }
  /// In shared memory, uint4 of the queries that go through spans together.
  __host__ __device__ static constexpr int query_size(int width) { return (width + kGroup - 1) / kGroup * 2 * kQueryStep; }
  /// Its row among those of the block; below 0: it is behind the last, or a head of the next kv head's.
  __device__ int row(const Attention& p, int v) const { return v < n_vectors && v % p.chunk < heads ? v / p.chunk : -1; }
  __device__ std::int64_t head(const Attention& p, int v, int row) const { return first_head + v - row * p.chunk; }
  /// Its number among all vectors.
  __device__ std::int64_t at(const Attention& p, int v, int row) const { return (first_row + row) * p.n_heads + head(p, v, row); }
  /// Its number among those of watched rows; below 0: it is none of theirs.
  __device__ std::int64_t watched_at(const Attention& p, int v, int row) const {
    const int watch = row < 0 ? -1 : watch_of(p, first_row + row);
    return watch < 0 ? -1 : watch * p.n_heads + head(p, v, row);
  }
};

struct Shared {
  Found* found;      // [kWarps][32] a warp's positions: its share of the first page, of the second, ..
  float4* pages;     // [kWarps][kTogether] weights of the pages of a span, of vectors that go through it together
  uint4* queries;    // of vectors that go through spans together [16 columns][term][32 lanes] a word of halves of vector g, of g + 8, the next word of g, of g + 8; times a power of two
  float* sums;       // [kWarps][kTile][kSumRow]
  float* results;    // [vectors][width] sums of all spans so far
  float* largest;    // [kTogether][kWarps] logits of a warp's positions
  float* weighed;    // [kTogether][kWarps] sums of their weights
  float2* totals;    // [vectors] largest logit and sum of the weights of all spans so far
  float* scales;     // [vectors] what makes logits of their products
  int* rows;         // [vectors] Part::row
  Sight* sights;     // [vectors] of rows

  static constexpr int kTogether = kMostTiles * kTile;

  // `vectors` is a multiple of kTile; `sets` of them go through spans one after the other.
  __host__ __device__ static int bytes(int vectors, int sets, int width) {
    return kWarps * (32 * static_cast<int>(sizeof(Found)) + kTogether * 24 + kTile * 4 * kSumRow) + sets * 16 * Part::query_size(width) +
           vectors * (4 * width + 16 + static_cast<int>(sizeof(Sight)));
  }
  __device__ Shared(float* at, int vectors, int sets, int width) {
    found = reinterpret_cast<Found*>(at);
    pages = reinterpret_cast<float4*>(found + kWarps * 32);
    queries = reinterpret_cast<uint4*>(pages + kWarps * kTogether);
    sums = reinterpret_cast<float*>(queries + sets * Part::query_size(width));
    results = sums + kWarps * kTile * kSumRow;
    largest = results + vectors * width;
    weighed = largest + kWarps * kTogether;
    totals = reinterpret_cast<float2*>(weighed + kWarps * kTogether);
    scales = reinterpret_cast<float*>(totals + vectors);
    rows = reinterpret_cast<int*>(scales + vectors);
    sights = reinterpret_cast<Sight*>(rows + vectors);
  }
};

}  // namespace foreword::gpu::cuda

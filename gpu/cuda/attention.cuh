#pragma once
// What the kernels of attention share: attention.cu sums spans of 256 positions, attention_fold.cu folds them where each had its own block.

#include "gpu/cuda/lowering.h"
#include "gpu/cuda/pages.cuh"

namespace foreword::gpu::cuda {

inline constexpr int kSpan = 256;

struct Attention {
  const float* q;
  std::int64_t q_stride;
  float* out;
  std::int64_t out_stride, n_rows, n_heads, window;
  const int *table, *sequence, *position, *prefix, *extra_begin, *extra_slots, *watch;
  std::int64_t table_stride, sequence_stride, position_stride, prefix_stride, extra_begin_stride, extra_stride, watch_stride;
  std::int64_t n_pages;      // columns of the table
  const float* sinks;
  float scale, softcap;
  Cache cache;
  int group, chunk;          // query heads of a kv head; those that one block takes
  int rows_per_block;
  std::int64_t n_spans;
  float2* state;             // [rows][heads][spans] of a span: largest logit and sum; absent where one block folds all spans
  float* sums;               // [rows][heads][spans][dim]
  float2* page_state;        // [watched][heads][pages]; absent: nobody is watched
  float2* final_state;       // [watched][heads]
  Rounded rounded;           // of the output, for products; codes = nullptr: not wanted
  unsigned layers;           // blocks along z that attend; those behind bring weights
  Ahead ahead;
};

// What a row sees: positions [begin, end), those from `prefix` on in extra[position - prefix].
struct Sight {
  int begin, end, prefix, extra, sequence;
};

__device__ inline Sight sight_of(const Attention& p, std::int64_t row) {
  Sight s;
  s.extra = p.extra_begin[row * p.extra_begin_stride];
  s.prefix = p.prefix[row * p.prefix_stride];
  s.end = s.prefix + p.extra_begin[(row + 1) * p.extra_begin_stride] - s.extra;
  const std::int64_t begin = p.window > 0 ? p.position[row * p.position_stride] - p.window + 1 : 0;
  s.begin = begin > 0 ? static_cast<int>(begin) : 0;
  s.sequence = p.sequence[row * p.sequence_stride];
  return s;
}

// The row's number among the watched ones; below 0: nobody watches it.
__device__ inline int watch_of(const Attention& p, std::int64_t row) { return p.watch != nullptr ? p.watch[row * p.watch_stride] : -1; }

// Softmax of one vector before its first span: the largest logit and the sum of the weights, relative to that.
__device__ __forceinline__ float2 start_of(const Attention& p, std::int64_t head) {
  return p.sinks != nullptr ? float2{p.sinks[head], 1} : float2{-INFINITY, 0};
}

/// The spans that p.state and p.sums hold, folded, and the result in p.out, also rounded for `n_slots` slots if p.rounded is wanted.
void launch_fold(Lowering& to, const Attention& p, std::int64_t n_slots);
/// What pages of watched rows got, after p.page_state and p.final_state are known.
void launch_share(Lowering& to, const Attention& p, float* shares, std::int64_t shares_stride);

}  // namespace foreword::gpu::cuda

#pragma once
// One span for some tiles of vectors: whose rows find its positions in the same slots, logits, weights, and what the warps of a block have of them put
// together.

#include "gpu/cuda/attention_lines.cuh"

namespace foreword::gpu::cuda {

// Over the lanes that have positions of the same vectors.
template <class Combine>
__device__ __forceinline__ float over_positions(float value, const Combine& combine) {
#pragma unroll
  for (int distance = 1; distance < 4; distance *= 2) value = combine(value, lane_xor(value, distance));
  return value;
}
__device__ __forceinline__ float most_of(float a, float b) { return fmaxf(a, b); }
__device__ __forceinline__ float sum_of(float a, float b) { return a + b; }

// Rows that find the positions of a span in the same slots: a leader alone, or with those behind it that see the same prefix. Bits of rows
// of the block, and the positions that any of them sees.
struct RowSet {
  unsigned members;
  int begin, end;
  bool is_plain;  // all lies in the prefix

  // A lane a row.
  __device__ __forceinline__ RowSet(const Sight* sights, int span, int leader, int last) {
    const int span_begin = span * kSpan, span_end = span_begin + kSpan, row = static_cast<int>(threadIdx.x) % 32;
    const Sight first = sights[leader], sight = row > leader && row < last ? sights[row] : first;
    is_plain = min(first.end, span_end) <= first.prefix;
    const bool same = row == leader || (row > leader && row < last && is_plain && min(sight.end, span_end) <= sight.prefix && sight.sequence == first.sequence);
    const bool has = same && sight.begin < span_end && sight.end > span_begin;
    members = has ? 1u << row : 0;
    begin = has ? max(span_begin, sight.begin) : span_end;
    end = has ? min(span_end, sight.end) : span_begin;
#pragma unroll
    for (int distance = 1; distance < kMostTiles * kTile; distance *= 2) {
      members |= lane_xor(members, distance);
      begin = min(begin, lane_xor(begin, distance));
      end = max(end, lane_xor(end, distance));
    }
    members = lane_value(members, 0), begin = lane_value(begin, 0), end = lane_value(end, 0);
  }
  __device__ __forceinline__ bool has(int row) const { return row >= 0 && (members >> row & 1) != 0; }
};

// Where the warp's positions of a span lie: into found; for those that the set does not see another one that it sees, in pool -1. Returns the pools
// they lie in, a bit each.
template <Pages kOf>
__device__ __forceinline__ unsigned find(const Attention& p, const Part& part, const Sight& sight, const RowSet& set, int span, Found* found, bool brings) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, dim = static_cast<int>(p.cache.head_dim);
  const int position = span * kSpan + lane / kShare * kSlots + warp * kShare + lane % kShare, at = min(max(position, set.begin), set.end - 1);
  const int slot = !set.is_plain && at >= sight.prefix ? p.extra_slots[(sight.extra + at - sight.prefix) * p.extra_stride] : at;
  const int block = p.table[sight.sequence * p.table_stride + slot / kSlots], pool = block >> kPlaceBits;
  constexpr bool kHalves = kOf == Pages::halves;
  constexpr int kHalf = static_cast<int>(KvFormat::f16);
  const int k_format = kHalves ? kHalf : p.cache.pools[pool].k_format, v_format = kHalves ? kHalf : p.cache.pools[pool].v_format;
  const std::int64_t keys = tile_bytes_of(k_format, dim);
  const Found here{page_of(p.cache, block, part.kv_head, keys + tile_bytes_of(v_format, dim)), slot % kSlots, at == position ? pool : -1};
  if (brings) {
    prefetch_row(here.page, here.slot, static_cast<int>(row_bytes_of(k_format, dim)));
    prefetch_row(here.page + keys, here.slot, static_cast<int>(row_bytes_of(v_format, dim)));
  }
  __syncwarp();  // nobody looks at those before any more
  found[lane] = here;
  unsigned pools = here.pool < 0 ? 0 : 1u << here.pool;
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) pools |= lane_xor(pools, distance);
  __syncwarp();
  return pools;
}

// body(pool, format of its keys or of its values), once if the kernel is for halves alone.
template <Pages kOf, class Body>
__device__ __forceinline__ void each_pool(const Cache& cache, unsigned pools, bool values, const Body& body) {
  if constexpr (kOf == Pages::halves) {
    body(kAllPools, Halves<false>{});
  } else {
#pragma unroll 1
    for (int pool = 0; pools >> pool != 0; ++pool) {
      if ((pools >> pool & 1) == 0) continue;
      with_format<kOf>(values ? cache.pools[pool].v_format : cache.pools[pool].k_format, [&](auto format) { body(pool, format); });
    }
  }
}

static __device__ __noinline__ float capped(float logit, float most) { return most * tanhf(logit / most); }

// Makes logits of the products, -inf of what is not seen, and says which is the largest one of each vector.
template <int kTiles>
__device__ __forceinline__ void make_logits(const Attention& p, const Shared& shared, const RowSet& set, int span, int first_vector, Scores& scores) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
    const int in_set = tile * kTile + g, row = shared.rows[first_vector + in_set];
    const bool takes = set.has(row);
    const int begin = takes ? shared.sights[row].begin : 0, length = takes ? shared.sights[row].end - begin : 0;
    const float scale = shared.scales[first_vector + in_set];
    float most = -INFINITY;
#pragma unroll
    for (int page = 0; page < kPages; ++page) {
#pragma unroll
      for (int odd = 0; odd < 2; ++odd) {
        const int position = span * kSpan + page * kSlots + warp * kShare + 2 * t + odd;
        float& logit = scores[page][2 * tile + odd];
        logit *= scale;
        if (p.softcap > 0) logit = capped(logit, p.softcap);
        if (static_cast<unsigned>(position - begin) >= static_cast<unsigned>(length)) logit = -INFINITY;
        most = fmaxf(most, logit);
      }
    }
    most = over_positions(most, most_of);
    if (t == 0) shared.largest[in_set * kWarps + warp] = most;
  }
}

// Makes weights of the logits, times kWeightFactor; their sums go to shared.weighed and, if somebody is watched, .pages. A vector that sees nothing of the
// span has none.
template <int kTiles>
__device__ __forceinline__ void weigh(const Attention& p, const Shared& shared, Scores& scores) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
    const int in_set = tile * kTile + g;
    const auto* of_warps = reinterpret_cast<const float4*>(shared.largest + in_set * kWarps);
    static_assert(kWarps == 8);
    const float4 first = of_warps[0], second = of_warps[1];
    const float most = fmaxf(fmaxf(fmaxf(first.x, first.y), fmaxf(first.z, first.w)), fmaxf(fmaxf(second.x, second.y), fmaxf(second.z, second.w)));
    const float base = most == -INFINITY ? 0 : most;  // the weight of -inf is 0 then, too
    float sum = 0;
#pragma unroll
    for (int page = 0; page < kPages; ++page) {
      float of_page = 0;
#pragma unroll
      for (int odd = 0; odd < 2; ++odd) {
        float& logit = scores[page][2 * tile + odd];
        const float weight = expf(logit - base);
        of_page += weight;
        logit = weight * kWeightFactor;
      }
      sum += of_page;
      if (p.page_state == nullptr) continue;
      of_page = over_positions(of_page, sum_of);
      if (t == 0) reinterpret_cast<float*>(shared.pages + warp * Shared::kTogether + in_set)[page] = of_page;
    }
    sum = over_positions(sum, sum_of);
    if (t == 0) shared.weighed[in_set * kWarps + warp] = sum;
  }
}

// How a warp puts what all warps have of its vector into what the spans before gave.
struct Merging {
  int vector, row;  // of the block; row below 0: nothing to do
  float keep, take;

  Merging() = default;
  /// By the weights of number `in_set` of those together, and lane 0 says what comes of them.
  __device__ __forceinline__ Merging(const Attention& p, const Part& part, const Shared& shared, const RowSet& set, int span, int first_vector, int in_set)
      : vector(first_vector + in_set), row(shared.rows[vector]), keep(0), take(1) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    if (!set.has(row)) row = -1;
    if (row < 0) return;
    float largest = shared.largest[in_set * kWarps + lane % kWarps], weight = shared.weighed[in_set * kWarps + lane % kWarps];
#pragma unroll
    for (int distance = 1; distance < kWarps; distance *= 2) {
      largest = fmaxf(largest, lane_xor(largest, distance));
      weight += lane_xor(weight, distance);
    }
    float2 next{largest, weight};
    if (p.state == nullptr) {
      const float2 before = shared.totals[vector];
      next.x = fmaxf(before.x, largest);
      keep = expf(before.x - next.x);
      take = expf(largest - next.x);
      next.y = fmaf(before.y, keep, weight * take);
    }
    if (p.page_state != nullptr) {
      float of_page = 0;
#pragma unroll
      for (int w = 0; w < kWarps; ++w) of_page += reinterpret_cast<const float*>(shared.pages + w * Shared::kTogether + in_set)[lane % kPages];
      const std::int64_t at = std::int64_t{span} * kPages + lane, watched = part.watched_at(p, vector, row);
      if (lane < kPages && at < p.n_pages && watched >= 0) p.page_state[watched * p.n_pages + at] = float2{largest, of_page};
    }
    __syncwarp();  // all know what was before
    if (lane != 0) return;
    if (p.state == nullptr) shared.totals[vector] = next;
    else p.state[part.at(p, vector, row) * p.n_spans + span] = next;
  }

  /// Columns [first, first + kPiece).
  __device__ __forceinline__ void merge(const Attention& p, const Part& part, const Shared& shared, int span, int first) const {
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, dim = static_cast<int>(p.cache.head_dim);
    static_assert(kPiece == 64, "two columns a lane");
    float2 sum{};
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
      const float2 of_warp = *reinterpret_cast<const float2*>(shared.sums + (w * kTile + warp) * kSumRow + 2 * lane);
      sum.x += of_warp.x, sum.y += of_warp.y;
    }
    sum.x *= 1 / kWeightFactor, sum.y *= 1 / kWeightFactor;
    const int c = first + 2 * lane;
    if (c >= dim) return;
    if (p.state == nullptr) {
      auto& result = *reinterpret_cast<float2*>(shared.results + vector * part.width + c);
      result = float2{fmaf(result.x, keep, sum.x * take), fmaf(result.y, keep, sum.y * take)};
    } else {
      float* to = p.sums + (part.at(p, vector, row) * p.n_spans + span) * dim + c;
      to[0] = sum.x;
      if (c + 1 < dim) to[1] = sum.y;
    }
  }
};

// Some tiles of vectors with a span.
template <int kTiles, Pages kOf>
__device__ __forceinline__ void attend_span(const Attention& p, const Part& part, const Shared& shared, int span, int first_vector) {
  constexpr bool kAll = kOf == Pages::halves;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4, dim = static_cast<int>(p.cache.head_dim);
  const uint4* queries = shared.queries + first_vector / (kTiles * kTile) * Part::query_size(part.width);
  Found* found = shared.found + warp * 32;
  const int first_row = first_vector / p.chunk, last_row = min(part.n_rows, (first_vector + kTiles * kTile - 1) / p.chunk + 1);
  unsigned done = 0;
#pragma unroll 1
  for (int leader = first_row; leader < last_row; ++leader) {
    if ((done >> leader & 1) != 0) continue;
    const RowSet set(shared.sights, span, leader, last_row);
    if (set.members == 0) continue;
    done |= set.members;
    const unsigned pools = find<kOf>(p, part, shared.sights[leader], set, span, found, first_vector == 0);
    Scores scores = {};
    each_pool<kOf>(p.cache, pools, false, [&](int pool, auto format) { add_scores<decltype(format), kAll, kTiles>(found, pool, dim, queries, scores); });
    make_logits<kTiles>(p, shared, set, span, first_vector, scores);
    __syncthreads();
    weigh<kTiles>(p, shared, scores);
    const WeightTerms weights(scores);
    __syncthreads();
    Merging merging[kTiles];
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) merging[tile] = Merging(p, part, shared, set, span, first_vector, tile * kTile + warp);
#pragma unroll 1
    for (int first = 0; first < dim; first += kPiece) {
      ValueSums sums = {};
      each_pool<kOf>(p.cache, pools, true, [&](int pool, auto format) {
        const std::int64_t tile_bytes = tile_bytes_of(kAll ? static_cast<int>(KvFormat::f16) : p.cache.pools[pool].k_format, dim);
        add_values<decltype(format), kAll, kTiles>(found, pool, tile_bytes, dim, first, weights, sums);
      });
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
        for (int j = 0; j < kPieceGroups; ++j) {
#pragma unroll
          for (int odd = 0; odd < 2; ++odd) {
            const int i = 2 * tile + odd;
            float* to = shared.sums + (warp * kTile + g) * kSumRow + j * kGroup + 8 * t + 4 * odd;
            *reinterpret_cast<float4*>(to) = float4{sums[j][0][i], sums[j][1][i], sums[j][2][i], sums[j][3][i]};
          }
        }
        __syncthreads();
        if (merging[tile].row >= 0) merging[tile].merge(p, part, shared, span, first);
        __syncthreads();
      }
    }
  }
}

}  // namespace foreword::gpu::cuda

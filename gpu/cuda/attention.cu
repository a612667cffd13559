// Attention over pages. A span is 256 positions counted from 0, four pages; a block takes one kv head, and of some rows the query heads
// that share its keys (up to 16 vectors, eight or all at a time). Of every page of a span each of the eight warps takes eight slots of its own:
// few positions are work for all warps too. Vectors go through a span in sets of rows that find its positions in the same slots:
//   keys     their products with the queries (attention_lines.cuh)
//   weights  of the warp's positions, by the largest logit of the whole span
//   values   weighted, 64 columns, which are then added up over the warps in their order, and the next 64
// The spans are put together in their order: by this block, or each span has its own and launch_fold() follows. The arithmetic is the same, so a
// row's bits depend on its positions alone.

#include <algorithm>

#include "gpu/cuda/attention_span.cuh"

namespace foreword::gpu::cuda {
namespace {

// Of a block, with those that fill up a set of tiles.
template <int kTiles>
__host__ __device__ int vectors_of(const Attention& p) { return (p.rows_per_block * p.chunk + kTiles * kTile - 1) / (kTiles * kTile) * (kTiles * kTile); }

// A query in two terms of halves, times a power of two that makes its largest number one of 2^13 .. 2^14: far from both ends of what halves hold.
template <int kTiles>
__device__ __forceinline__ void split_query(const Shared& shared, const Part& part, int vector, float of_logits) {
  const int lane = static_cast<int>(threadIdx.x) % 32, in_set = vector % (kTiles * kTile), size = Part::query_size(part.width);
  const float* from = shared.results + vector * part.width;
  float most = 0;
#pragma unroll 1
  for (int c = lane; c < part.width; c += 32) most = fmaxf(most, fabsf(from[c]));
  const unsigned exponent = min(max(__float_as_uint(max_over_lanes(most)) >> 23, 14u), 253u);
  const float scale = __uint_as_float((267u - exponent) << 23);
  if (lane == 0) shared.scales[vector] = of_logits * __uint_as_float((exponent - 13) << 23);
  uint4* queries = shared.queries + vector / (kTiles * kTile) * size + in_set % kTile * 4;
#pragma unroll 1
  for (int quad = lane; quad < size / kQueryStep * 4; quad += 32) {
    float values[4] = {};
    if (4 * quad < part.width) {
      const float4 all = *reinterpret_cast<const float4*>(from + 4 * quad);
      values[0] = all.x * scale, values[1] = all.y * scale, values[2] = all.z * scale, values[3] = all.w * scale;
    }
    const HalfQuad split = halves_of(values);
    uint4* to = queries + quad / 4 * kQueryStep + quad % 4;
    if constexpr (kTiles == 1) {
      to[0] = uint4{split.high[0], 0, split.high[1], 0};
      to[32] = uint4{split.low[0], 0, split.low[1], 0};
    } else {
      auto* words = reinterpret_cast<unsigned*>(to) + in_set / kTile;
#pragma unroll
      for (int k = 0; k < 2; ++k) words[2 * k] = split.high[k], words[4 * 32 + 2 * k] = split.low[k];
    }
  }
}

template <int kTiles, bool kIsWide, Pages kOf>
__global__ void __launch_bounds__(kThreads, kIsWide ? 1 : 2) attend(Attention p) {
  if (blockIdx.z >= p.layers) return fetch_ahead(p.ahead, ((blockIdx.z - p.layers) * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x);
  const Part part(p);
  const int dim = static_cast<int>(p.cache.head_dim), width = part.width, me = static_cast<int>(threadIdx.x);
  const int vectors = vectors_of<kTiles>(p);
  const Shared shared(dynamic_shared<float>(), vectors, vectors / (kTiles * kTile), width);
  const bool folds = p.state == nullptr;

  if (me < part.n_rows) shared.sights[me] = sight_of(p, part.first_row + me);
  __syncthreads();
  int begin = 0x7fffffff, end = 0;
#pragma unroll 1
  for (int i = 0; i < part.n_rows; ++i) {
    begin = min(begin, shared.sights[i].begin);
    end = max(end, shared.sights[i].end);
  }
  if (!folds) {
    const int span = static_cast<int>(blockIdx.z);
#pragma unroll 1
    for (int v = me; v < part.n_vectors; v += kThreads) {
      if (const int row = part.row(p, v); row >= 0) p.state[part.at(p, v, row) * p.n_spans + span] = float2{-INFINITY, 0};  // unless it sees something
    }
    if (begin >= (span + 1) * kSpan || end <= span * kSpan) return;
  }
  const int warp = me / 32, lane = me % 32;
#pragma unroll 1
  for (int v = warp; v < vectors; v += kWarps) {  // queries pass through the place of the results
    const int row = part.row(p, v);
    if (lane == 0) shared.rows[v] = row;
    if (lane == 0) shared.totals[v] = row < 0 ? float2{-INFINITY, 0} : start_of(p, part.head(p, v, row));
    const float* q = p.q + (part.first_row + row) * p.q_stride + part.head(p, v, row) * dim;
    for (int c = lane; c < width; c += 32) shared.results[v * width + c] = row >= 0 && c < dim ? q[c] : 0;
  }
  rotate_shared(shared.results, part.n_vectors * width, static_cast<int>(p.cache.basis_k));
#pragma unroll 1
  for (int v = warp; v < vectors; v += kWarps) {
    split_query<kTiles>(shared, part, v, p.scale);
    __syncwarp();
#pragma unroll 1
    for (int c = lane; c < width; c += 32) shared.results[v * width + c] = 0;
  }
  __syncthreads();

  const int first_span = folds ? begin / kSpan : static_cast<int>(blockIdx.z), last_span = folds ? (end + kSpan - 1) / kSpan : first_span + 1;
#pragma unroll 1
  for (int span = first_span; span < last_span; ++span) {
#pragma unroll 1
    for (int first = 0; first < part.n_vectors; first += kTiles * kTile) attend_span<kTiles, kOf>(p, part, shared, span, first);
  }
  if (!folds) return;
  __syncthreads();
#pragma unroll 1
  for (int v = warp; v < vectors; v += kWarps) {
    const float2 total = shared.totals[v];
#pragma unroll 1
    for (int c = lane; c < width; c += 32) shared.results[v * width + c] = total.y > 0 ? shared.results[v * width + c] / total.y : 0;
    const std::int64_t watched = part.watched_at(p, v, shared.rows[v]);
    if (lane == 0 && watched >= 0) p.final_state[watched] = total;
  }
  rotate_shared(shared.results, part.n_vectors * width, static_cast<int>(p.cache.basis_v));
#pragma unroll 1
  for (int v = warp; v < part.n_vectors; v += kWarps) {
    if (shared.rows[v] < 0) continue;
    const std::int64_t row = part.first_row + shared.rows[v], first = part.head(p, v, shared.rows[v]) * dim;
    const float* result = shared.results + v * width;
#pragma unroll 1
    for (int c = lane; c < dim; c += 32) p.out[row * p.out_stride + first + c] = result[c];
    if (p.rounded.codes == nullptr) continue;  // else a head has whole runs
#pragma unroll 1
    for (int c = lane; c - lane < dim; c += 32) {
      round_run(c < dim ? result[c] : 0, static_cast<unsigned>(row), c < dim ? static_cast<unsigned>(first + c) / kRun : kNoRun, p.rounded);
    }
  }
}

const int* ids(const View& view) { return static_cast<const int*>(view.data); }

constexpr unsigned kEnoughBlocks = 256;

// Blocks of one span, or of all, if one takes up to `vectors`.
Grid blocks_with(Attention& p, int vectors) {
  p.chunk = min(p.group, vectors);
  p.rows_per_block = vectors / p.chunk;
  return {blocks_for(p.n_rows, p.rows_per_block), static_cast<unsigned>(p.cache.n_kv_heads * ((p.group + p.chunk - 1) / p.chunk))};
}

template <bool kIsWide, Pages kOf>
void launch_attention(Lowering& to, const AttentionOp& op, Attention p, std::int64_t terms) {
  int vectors = kIsWide ? kTile : kMostTiles * kTile;
  Grid grid = blocks_with(p, vectors);
  // Enough blocks without cutting the positions: then no sums have to travel through memory.
  constexpr std::int64_t kMostScratch = std::int64_t{64} << 20;  // no plan counts it
  const std::int64_t n = p.n_rows * p.n_heads * p.n_spans;
  const bool cut = grid.x * grid.y < kEnoughBlocks && p.n_spans > 1 &&
                   n * (4 * p.cache.head_dim + static_cast<std::int64_t>(sizeof(float2))) <= kMostScratch;
  const unsigned spans = cut ? static_cast<unsigned>(p.n_spans) : 1;
  // Nor a tile that would be nobody's.
  for (; vectors > kTile && (p.n_rows * p.chunk <= kTile || grid.x * grid.y * spans < kEnoughBlocks); grid = blocks_with(p, vectors)) vectors /= 2;
  p.layers = spans;
  p.ahead = to.ahead;
  const unsigned more = blocks_for(p.ahead.blocks, grid.x * grid.y);
  p.ahead.blocks = more * grid.x * grid.y;
  grid.z = spans + more;
  if (cut) {
    p.state = reinterpret_cast<float2*>(to.scratch.take(n * static_cast<std::int64_t>(sizeof(float2))));
    p.sums = reinterpret_cast<float*>(to.scratch.take(n * p.cache.head_dim * 4));
  }
  const int width = Part::width_of(static_cast<int>(p.cache.head_dim));
  const auto attend_all = [&] {
    const auto go = [&](int n_vectors, int sets, auto kernel) { to.launch(grid, kThreads, static_cast<std::size_t>(Shared::bytes(n_vectors, sets, width)), kernel, p); };
    if constexpr (!kIsWide) {
      if (vectors > kTile) return go(vectors_of<kMostTiles>(p), vectors_of<kMostTiles>(p) / (kMostTiles * kTile), attend<kMostTiles, false, kOf>);
    }
    go(vectors_of<1>(p), vectors_of<1>(p) / kTile, attend<1, kIsWide, kOf>);
  };
  if (cut) attend_all();
  std::int64_t n_slots = p.n_rows;
  if (terms > 0 && p.cache.head_dim % kRun == 0) {
    p.rounded = room_for_rounded(to, op.out, op.out.cols, terms, p.n_rows);
    n_slots = slots_in_tiles(n_slots);
  }
  if (cut) launch_fold(to, p, n_slots);
  else attend_all();
  if (p.page_state != nullptr) launch_share(to, p, static_cast<float*>(op.shares.data), op.shares.stride);
}

template <bool kIsWide>
void launch_by_pages(Lowering& to, const AttentionOp& op, const Attention& p, std::int64_t terms) {
  constexpr auto kHalf = static_cast<std::int32_t>(KvFormat::f16);
  const auto has_halves = [](const Pool& pool) { return pool.pages == nullptr || (pool.k_format == kHalf && pool.v_format == kHalf); };
  if (p.cache.head_dim % kGroup == 0 && std::ranges::all_of(p.cache.pools, has_halves)) return launch_attention<kIsWide, Pages::halves>(to, op, p, terms);
  launch_attention<kIsWide, Pages::any>(to, op, p, terms);
}

}  // namespace

std::int32_t widest_head(std::int32_t shared_bytes) {
  int width = kMostColumns;
  while (width > 0 && Shared::bytes(kTile, 1, width) > shared_bytes) width -= 4;
  return width;
}

void lower(Lowering& to, const AttentionOp& op, std::int64_t terms) {
  if (op.q.rows == 0) return;
  Attention p{};
  p.q = static_cast<const float*>(op.q.data);
  p.q_stride = op.q.stride;
  p.out = static_cast<float*>(op.out.data);
  p.out_stride = op.out.stride;
  p.n_rows = op.q.rows;
  p.n_heads = op.n_heads;
  p.window = op.window;
  p.table = ids(op.table), p.table_stride = op.table.stride;
  p.sequence = ids(op.sequence), p.sequence_stride = op.sequence.stride;
  p.position = ids(op.position), p.position_stride = op.position.stride;
  p.prefix = ids(op.prefix_slots), p.prefix_stride = op.prefix_slots.stride;
  p.extra_begin = ids(op.extra_begin), p.extra_begin_stride = op.extra_begin.stride;
  p.extra_slots = ids(op.extra_slots), p.extra_stride = op.extra_slots.stride;
  p.watch = ids(op.watch), p.watch_stride = op.watch.stride;
  p.n_pages = op.table.cols;
  p.sinks = op.sinks;
  p.scale = op.scale;
  p.softcap = op.softcap;
  p.cache = op.cache;
  p.group = static_cast<int>(op.n_heads / op.cache.n_kv_heads);
  p.n_spans = (op.max_slots + kSpan - 1) / kSpan;
  if (op.watch.data != nullptr) {
    const std::int64_t n_vectors = op.shares.rows / op.cache.n_kv_heads * p.n_heads;
    p.page_state = reinterpret_cast<float2*>(to.scratch.take(n_vectors * p.n_pages * static_cast<std::int64_t>(sizeof(float2))));
    p.final_state = reinterpret_cast<float2*>(to.scratch.take(n_vectors * static_cast<std::int64_t>(sizeof(float2))));
  }
  if (p.cache.head_dim % 4 != 0) return launch_attention<true, Pages::ragged>(to, op, p, terms);
  if (p.cache.head_dim <= kWideColumns) return launch_by_pages<false>(to, op, p, terms);
  launch_by_pages<true>(to, op, p, terms);
}

}  // namespace foreword::gpu::cuda

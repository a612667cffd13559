// Attention over pages. A span is 256 positions counted from 0, four pages; a block takes one kv head, and of some rows the query heads
// that share its keys (up to 16 vectors, four at a time). Of every page of a span each of the eight warps takes eight slots of its own:
// few positions are work for all warps too. A warp goes through three parts, without waiting for the others:
//   keys     some lanes a position, eight columns each, straight from memory; what the lanes have is added up so that in the end each
//            has the logits of one vector with four positions
//   weights  the softmax of the warp's positions by themselves
//   values   a lane has four columns, position by position
// The sums of the warps are put together in their order, the spans in theirs: by this block, or each span has its own and launch_fold()
// follows. The arithmetic is the same, so a row's bits depend on its positions alone.

#include <algorithm>

#include "gpu/cuda/attention.cuh"
#include "gpu/cuda/attention_lines.cuh"

namespace foreword::gpu::cuda {
namespace {

// Over the lanes that have the same vector after dots().
template <class Combine>
__device__ __forceinline__ float over_positions(float value, const Combine& combine) {
#pragma unroll
  for (int distance = kTogether; distance < 32; distance *= 2) value = combine(value, lane_xor(value, distance));
  return value;
}
__device__ __forceinline__ float most_of(float a, float b) { return fmaxf(a, b); }
__device__ __forceinline__ float sum_of(float a, float b) { return a + b; }

// Four vectors with this warp's positions of a span: into its part of shared.states, .pages and .sums.
template <int kDim, Pages kOf>
__device__ __forceinline__ void attend_span(const Attention& p, const Part& part, const Shared& shared, int span, int first_vector) {
  using S = Shape<kDim>;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, dim = static_cast<int>(p.cache.head_dim);
  const int span_begin = span * kSpan, span_end = span_begin + kSpan;
  Found* found = shared.found + warp * 32;
  float4* weights = shared.weights + warp * 32;
  const Sight* sights = shared.sights;

  float4 sums[kTogether][S::kValueQuads];
#pragma unroll
  for (int v = 0; v < kTogether; ++v) {
#pragma unroll
    for (int q = 0; q < S::kValueQuads; ++q) sums[v][q] = float4{0, 0, 0, 0};
  }
  float largest = -INFINITY, total = 0;  // of vector lane % 4
  float of_page[kPages] = {};

  const int my_vector = first_vector + lane % kTogether, my_row = my_vector / p.chunk, mine = position_of<kDim>(lane);
  const int first_row = first_vector / p.chunk, last_row = min(part.n_rows, (first_vector + kTogether - 1) / p.chunk + 1);
  // A pass for each set of rows that find the positions of this span in the same slots.
#pragma unroll 1
  for (int leader = first_row; leader < last_row; ++leader) {
    const auto seen = [&](int row) { return sights[row].begin < span_end && sights[row].end > span_begin; };
    const auto plain = [&](int row) { return seen(row) && min(sights[row].end, span_end) <= sights[row].prefix; };
    const auto member = [&](int row) {
      return row == leader || (plain(leader) && plain(row) && sights[row].sequence == sights[leader].sequence);
    };
    bool covered = !seen(leader);
#pragma unroll 1
    for (int row = first_row; row < leader; ++row) covered = covered || (plain(row) && member(row));
    if (covered) continue;
    int from = span_end, until = span_begin;
#pragma unroll 1
    for (int row = leader; row < last_row; ++row) {
      if (!member(row)) continue;
      from = min(from, max(span_begin, sights[row].begin));
      until = max(until, min(span_end, sights[row].end));
    }
    const Sight& sight = sights[leader];
    const bool own = !plain(leader);

    __syncwarp();  // nobody looks at the last pass' positions and weights any more
    const int at = span_begin + lane / kShare * kSlots + warp * kShare + lane % kShare;
    Found here{nullptr, 0, -1};
    if (at >= from && at < until) {
      const int slot = own && at >= sight.prefix ? p.extra_slots[(sight.extra + at - sight.prefix) * p.extra_stride] : at;
      const int block = p.table[sight.sequence * p.table_stride + slot / kSlots];
      here = Found{line_of(p.cache, block, part.kv_head, 0, false).codes, slot % kSlots, block >> kPlaceBits};
      if (first_vector == 0) {
        const Pool& pool = p.cache.pools[here.pool];
        prefetch_row(here.page, here.slot, static_cast<int>(row_bytes_of(pool.k_format, dim)));
        prefetch_row(here.page + tile_bytes_of(pool.k_format, dim), here.slot, static_cast<int>(row_bytes_of(pool.v_format, dim)));
      }
    }
    found[lane] = here;
    unsigned pools = here.pool < 0 ? 0 : 1u << here.pool;  // in which this share of a page lies
    for (int distance = 1; distance < kShare; distance *= 2) pools |= lane_xor(pools, distance);
    __syncwarp();

    float4 queries[kTogether][S::kKeyQuads];
#pragma unroll
    for (int v = 0; v < kTogether; ++v) {
#pragma unroll
      for (int q = 0; q < S::kKeyQuads; ++q) {
        const int c = 4 * (lane % S::kKeyLanes + q * S::kKeyLanes);
        queries[v][q] = c < dim ? *reinterpret_cast<const float4*>(shared.queries + (first_vector + v) * part.width + c) : float4{0, 0, 0, 0};
      }
    }
    float logits[kPages];
#pragma unroll 1
    for (int page = 0; page < kPages; ++page) {
      const unsigned in = lane_value(pools, page * kShare);
      float logit = 0;
#pragma unroll 1
      for (int pool = 0; in >> pool != 0; ++pool) {
        if ((in >> pool & 1) == 0) continue;
        with_format<kOf>(p.cache.pools[pool].k_format, [&](auto format) {
          const float dot = dots<decltype(format), kDim>(found + page * kShare, pool, dim, queries);
          if (found[page * kShare + mine].pool == pool) logit = dot;
        });
      }
#pragma unroll
      for (int i = 0; i < kPages; ++i) logits[i] = i == page ? logit : logits[i];
    }

    const bool takes = my_vector < part.n_vectors && member(my_row);
    const int begin = takes ? sights[my_row].begin : span_end, end = takes ? sights[my_row].end : span_begin;
    bool sees[kPages];
    float most = -INFINITY;
#pragma unroll
    for (int page = 0; page < kPages; ++page) {
      const int position = span_begin + page * kSlots + warp * kShare + mine;
      sees[page] = position >= begin && position < end;
      logits[page] *= p.scale;
      if (p.softcap > 0) logits[page] = p.softcap * tanhf(logits[page] / p.softcap);
      most = fmaxf(most, sees[page] ? logits[page] : -INFINITY);
    }
    most = over_positions(most, most_of);
    float sum = 0;
#pragma unroll
    for (int page = 0; page < kPages; ++page) {
      const float weight = sees[page] ? expf(logits[page] - most) : 0;
      sum += weight;
      reinterpret_cast<float*>(weights + page * kShare + mine)[lane % kTogether] = sees[page] ? weight : -1;
      if (p.page_state != nullptr) {
        const float all = over_positions(weight, sum_of);
        of_page[page] = takes ? all : of_page[page];
      }
    }
    sum = over_positions(sum, sum_of);
    if (takes) largest = most, total = sum;
    __syncwarp();

#pragma unroll 1
    for (int page = 0; page < kPages; ++page) {
      const unsigned in = lane_value(pools, page * kShare);
#pragma unroll 1
      for (int pool = 0; in >> pool != 0; ++pool) {
        if ((in >> pool & 1) == 0) continue;
        const std::int64_t tile = tile_bytes_of(p.cache.pools[pool].k_format, dim);
        with_format<kOf>(p.cache.pools[pool].v_format, [&](auto format) {
          add_values<decltype(format), kDim>(found + page * kShare, pool, tile, dim, weights + page * kShare, sums);
        });
      }
    }
  }

  if (lane < kTogether) {
    shared.states[warp * kTogether + lane] = float2{largest, total};
    shared.pages[warp * kTogether + lane] = float4{of_page[0], of_page[1], of_page[2], of_page[3]};
  }
#pragma unroll
  for (int v = 0; v < kTogether; ++v) {
#pragma unroll
    for (int q = 0; q < S::kValueQuads; ++q) {
      float4 sum = sums[v][q];
      if constexpr (S::kValueLanes == 16) {
        sum = float4{sum.x + lane_xor(sum.x, 16), sum.y + lane_xor(sum.y, 16), sum.z + lane_xor(sum.z, 16), sum.w + lane_xor(sum.w, 16)};
      }
      const int c = 4 * (lane % S::kValueLanes + q * S::kValueLanes);
      if (lane < S::kValueLanes && c < dim) *reinterpret_cast<float4*>(shared.sums + (warp * kTogether + v) * part.width + c) = sum;
    }
  }
}

// What the warps have of four vectors, put together, and folded into what the spans before gave if this block has them all.
__device__ __forceinline__ void merge(const Attention& p, const Part& part, const Shared& shared, int span, int first_vector) {
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32, dim = static_cast<int>(p.cache.head_dim);
  const int my_vector = first_vector + lane / kWarps;  // and what warp lane % kWarps has of it
  const float2 one = shared.states[lane % kWarps * kTogether + lane / kWarps];
  float largest = one.x;
#pragma unroll
  for (int distance = 1; distance < kWarps; distance *= 2) largest = fmaxf(largest, lane_xor(largest, distance));
  const float factor = one.y == 0 ? -1 : expf(one.x - largest);  // below 0: saw nothing, and has no sums
  float weight = one.y == 0 ? 0 : one.y * factor;
#pragma unroll
  for (int distance = 1; distance < kWarps; distance *= 2) weight += lane_xor(weight, distance);

  const bool folds = p.state == nullptr;
  float2 next{largest, weight};
  float keep = 0, take = 1;
  if (folds) {
    const float2 before = shared.totals[my_vector];
    next.x = fmaxf(before.x, largest);
    keep = expf(before.x - next.x);
    take = expf(largest - next.x);
    next.y = fmaf(before.y, keep, weight * take);
    if (weight == 0) next = before, keep = -1;  // nothing to fold
  }
  const int runs = (dim + 31) / 32;
#pragma unroll 1
  for (int item = warp; item < kTogether * runs; item += kWarps) {
    const int v = item % kTogether, c = item / kTogether * 32 + lane, first = v * kWarps;
    float sum = 0;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
      const float of_warp = lane_value(factor, first + w);
      if (c < dim && !(of_warp < 0)) sum = fmaf(of_warp, shared.sums[(w * kTogether + v) * part.width + c], sum);
    }
    const float keeps = lane_value(keep, first), takes = lane_value(take, first);
    if (c >= dim || !part.has(p, first_vector + v)) continue;
    if (folds && !(keeps < 0)) {
      float& result = shared.results[(first_vector + v) * part.width + c];
      result = fmaf(result, keeps, sum * takes);
    } else if (!folds) {
      p.sums[(part.at(p, first_vector + v) * p.n_spans + span) * dim + c] = sum;
    }
  }
  if (p.page_state != nullptr && warp == 0) {
    const int page = lane % kWarps;
    float sum = 0;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
      const float of_warp = lane_value(factor, lane / kWarps * kWarps + w);
      if (page < kPages && !(of_warp < 0)) {
        sum = fmaf(of_warp, reinterpret_cast<const float*>(shared.pages + w * kTogether + lane / kWarps)[page], sum);
      }
    }
    const std::int64_t at = std::int64_t{span} * kPages + page;
    const std::int64_t watched = part.watched_at(p, my_vector);
    if (page < kPages && at < p.n_pages && watched >= 0) p.page_state[watched * p.n_pages + at] = float2{largest, sum};
  }
  __syncthreads();
  if (warp != 0 || lane % kWarps != 0) return;
  if (folds) {
    shared.totals[my_vector] = next;
  } else if (part.has(p, my_vector)) {
    p.state[part.at(p, my_vector) * p.n_spans + span] = next;
  }
}

template <int kDim, Pages kOf>
__global__ void __launch_bounds__(kThreads, kDim <= 128 ? 2 : 1) attend(Attention p) {
  if (blockIdx.z >= p.layers) return fetch_ahead(p.ahead, ((blockIdx.z - p.layers) * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x);
  const Part part(p);
  const int dim = static_cast<int>(p.cache.head_dim), width = part.width, me = static_cast<int>(threadIdx.x);
  const int vectors = (p.rows_per_block * p.chunk + kTogether - 1) / kTogether * kTogether;
  const Shared shared(dynamic_shared<float>(), vectors, width);
  const bool folds = p.state == nullptr;

  if (me < part.n_rows) shared.sights[me] = sight_of(p, part.first_row + me);
  if (me < vectors) shared.totals[me] = part.has(p, me) ? start_of(p, part.head(p, me)) : float2{-INFINITY, 0};
  const int warp = me / 32, lane = me % 32;
  for (int v = warp; v < vectors; v += kWarps) {
    const bool has = part.has(p, v);
    const float* q = p.q + part.row(p, v) * p.q_stride + part.head(p, v) * dim;
    for (int c = lane; c < width; c += 32) {
      shared.queries[v * width + c] = has && c < dim ? q[c] : 0;
      shared.results[v * width + c] = 0;
    }
  }
  rotate_shared(shared.queries, vectors * width, static_cast<int>(p.cache.basis_k));

  int begin = 0x7fffffff, end = 0;
  for (int i = 0; i < part.n_rows; ++i) {
    begin = min(begin, shared.sights[i].begin);
    end = max(end, shared.sights[i].end);
  }
  const int first_span = folds ? begin / kSpan : static_cast<int>(blockIdx.z), last_span = folds ? (end + kSpan - 1) / kSpan : first_span + 1;
#pragma unroll 1
  for (int span = first_span; span < last_span; ++span) {
#pragma unroll 1
    for (int first = 0; first < part.n_vectors; first += kTogether) {
      attend_span<kDim, kOf>(p, part, shared, span, first);
      __syncthreads();
      merge(p, part, shared, span, first);
    }
  }
  if (!folds) return;
  __syncthreads();
  for (int v = warp; v < vectors; v += kWarps) {
    const float total = shared.totals[v].y;
    for (int c = lane; c < width; c += 32) shared.results[v * width + c] = total > 0 ? shared.results[v * width + c] / total : 0;
  }
  if (me < vectors && part.watched_at(p, me) >= 0) p.final_state[part.watched_at(p, me)] = shared.totals[me];
  rotate_shared(shared.results, vectors * width, static_cast<int>(p.cache.basis_v));
  for (int v = warp; v < part.n_vectors; v += kWarps) {
    if (!part.has(p, v)) continue;
    const std::int64_t row = part.row(p, v), first = part.head(p, v) * dim;
    const float* result = shared.results + v * width;
    for (int c = lane; c < dim; c += 32) p.out[row * p.out_stride + first + c] = result[c];
    if (p.rounded.codes == nullptr) continue;  // else a head has whole runs
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

template <int kDim, Pages kOf>
void launch_attention(Lowering& to, const AttentionOp& op, Attention p, std::int64_t terms) {
  int vectors = Shape<kDim>::kVectors;
  Grid grid = blocks_with(p, vectors);
  // Enough blocks without cutting the positions: then no sums have to travel through memory.
  constexpr std::int64_t kMostScratch = std::int64_t{64} << 20;  // no plan counts it
  const std::int64_t n = p.n_rows * p.n_heads * p.n_spans;
  const bool cut = grid.x * grid.y < kEnoughBlocks && p.n_spans > 1 &&
                   n * (4 * p.cache.head_dim + static_cast<std::int64_t>(sizeof(float2))) <= kMostScratch;
  const unsigned spans = cut ? static_cast<unsigned>(p.n_spans) : 1;
  for (; vectors > kTogether && grid.x * grid.y * spans < kEnoughBlocks; grid = blocks_with(p, vectors)) vectors /= 2;
  p.layers = spans;
  p.ahead = to.ahead;
  const unsigned more = blocks_for(p.ahead.blocks, grid.x * grid.y);
  p.ahead.blocks = more * grid.x * grid.y;
  grid.z = spans + more;
  if (cut) {
    p.state = reinterpret_cast<float2*>(to.scratch.take(n * static_cast<std::int64_t>(sizeof(float2))));
    p.sums = reinterpret_cast<float*>(to.scratch.take(n * p.cache.head_dim * 4));
  }
  const int width = static_cast<int>((p.cache.head_dim + 3) / 4 * 4);
  const int shared = Shared::bytes((p.rows_per_block * p.chunk + kTogether - 1) / kTogether * kTogether, width);
  const auto attend_all = [&] { to.launch(grid, kThreads, static_cast<std::size_t>(shared), attend<kDim, kOf>, p); };
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

template <int kDim>
void launch_by_pages(Lowering& to, const AttentionOp& op, const Attention& p, std::int64_t terms) {
  constexpr auto kHalf = static_cast<std::int32_t>(KvFormat::f16);
  const auto has_halves = [](const Pool& pool) { return pool.pages == nullptr || (pool.k_format == kHalf && pool.v_format == kHalf); };
  if (std::ranges::all_of(p.cache.pools, has_halves)) return launch_attention<kDim, Pages::halves>(to, op, p, terms);
  launch_attention<kDim, Pages::any>(to, op, p, terms);
}

constexpr int kMostColumns = 512;

}  // namespace

std::int32_t widest_head(std::int32_t shared_bytes) {
  int width = kMostColumns;
  while (width > 0 && Shared::bytes(kTogether, width) > shared_bytes) width -= 4;
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
  if (p.cache.head_dim % 4 != 0) return launch_attention<kMostColumns, Pages::ragged>(to, op, p, terms);
  if (p.cache.head_dim <= 64) return launch_by_pages<64>(to, op, p, terms);
  if (p.cache.head_dim <= 128) return launch_by_pages<128>(to, op, p, terms);
  if (p.cache.head_dim <= 256) return launch_by_pages<256>(to, op, p, terms);
  launch_by_pages<kMostColumns>(to, op, p, terms);
}

}  // namespace foreword::gpu::cuda

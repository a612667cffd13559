// Attention over pages. A block takes one kv head and up to 16 vectors (query heads of some rows) that share its keys, in steps of 32
// positions: keys to shared memory as floats, a lane a position for the logits, then values, a lane every 32nd column. Eight steps
// from a multiple of 256 positions on are a span; a span is summed by itself, and the spans are folded in order. Whether one block
// goes through all spans or each has its own block, the arithmetic is the same, so a row's bits depend on its positions alone.

#include "gpu/cuda/attention.cuh"
#include "gpu/cuda/lines.cuh"

namespace foreword::gpu::cuda {
namespace {

constexpr int kWarps = 4, kThreads = 32 * kWarps;
constexpr int kPerWarp = 4, kVectors = kPerWarp * kWarps;
constexpr int kStep = 32;

// The i-th vector of a warp: few vectors are spread over all warps.
__device__ __forceinline__ int vector_of(int warp, int i) { return i * kWarps + warp; }

// The result of one vector, turned back into the plain basis: all threads of a block, `vectors` of `n` together in shared memory.
__device__ void finish(const Attention& p, float* vectors, int width, int n, std::int64_t first_row, std::int64_t first_head) {
  const int dim = static_cast<int>(p.cache.head_dim);
  __syncthreads();
  for (int v = 0; v < n; ++v) rotate_shared(vectors + v * width, dim, static_cast<int>(p.cache.basis_v));
  for (int i = static_cast<int>(threadIdx.x); i < n * dim; i += static_cast<int>(blockDim.x)) {
    const int v = i / dim, c = i % dim;
    const std::int64_t row = first_row + v / p.chunk, head = first_head + v % p.chunk;
    if (row < p.n_rows) p.out[row * p.out_stride + head * dim + c] = vectors[v * width + c];
  }
}

template <int kColumns>
__global__ void __launch_bounds__(kThreads) attend(Attention p) {
  begin_kernel();
  const int dim = static_cast<int>(p.cache.head_dim), width = (dim + 3) / 4 * 4, stride = width + 4;
  float* queries = dynamic_shared<float>();           // [kVectors][width]
  float* lines = queries + kVectors * width;          // [kStep][stride]
  float* weights = lines + kStep * stride;            // [kVectors][kStep]
  __shared__ Sight sights[kVectors];
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int chunks = (p.group + p.chunk - 1) / p.chunk;
  const std::int64_t first_row = std::int64_t{blockIdx.x} * p.rows_per_block, kv_head = blockIdx.y / static_cast<unsigned>(chunks);
  const std::int64_t first_head = kv_head * p.group + blockIdx.y % static_cast<unsigned>(chunks) * p.chunk;
  const int heads = static_cast<int>(min(std::int64_t{p.chunk}, (kv_head + 1) * p.group - first_head));
  const int n_rows = static_cast<int>(min(std::int64_t{p.rows_per_block}, p.n_rows - first_row));
  const int n_vectors = n_rows * p.chunk;
  const bool folds = p.state == nullptr;

  if (static_cast<int>(threadIdx.x) < n_rows) sights[threadIdx.x] = sight_of(p, first_row + threadIdx.x);
  for (int i = static_cast<int>(threadIdx.x); i < n_vectors * width; i += kThreads) {
    const int v = i / width, c = i % width;
    const bool there = c < dim && v % p.chunk < heads;
    queries[i] = there ? p.q[(first_row + v / p.chunk) * p.q_stride + (first_head + v % p.chunk) * dim + c] : 0;
  }
  __syncthreads();
  for (int v = 0; v < n_vectors; ++v) rotate_shared(queries + v * width, dim, static_cast<int>(p.cache.basis_k));

  int begin = 0x7fffffff, end = 0;
  for (int i = 0; i < n_rows; ++i) {
    begin = min(begin, sights[i].begin);
    end = max(end, sights[i].end);
  }
  Sum<kColumns> all[kPerWarp];
  for (int i = 0; i < kPerWarp; ++i) {
    const int v = vector_of(warp, i);
    all[i] = start_of<kColumns>(p, v % p.chunk < heads ? first_head + v % p.chunk : first_head);
  }
  const int first_span = folds ? begin / kSpan : static_cast<int>(blockIdx.z), last_span = folds ? (end + kSpan - 1) / kSpan : first_span + 1;
  for (int span = first_span; span < last_span; ++span) {
    Sum<kColumns> sums[kPerWarp];
    float2 page[kPerWarp];
    for (int i = 0; i < kPerWarp; ++i) {
      sums[i] = nothing<kColumns>();
      page[i] = float2{0, 0};
    }
    for (int step = span * kSpan; step < (span + 1) * kSpan; step += kStep) {
      const int step_end = step + kStep;
      // A pass for each set of rows that find these positions in the same slots.
      for (int leader = 0; leader < n_rows; ++leader) {
        const auto seen = [&](int row) { return sights[row].begin < step_end && sights[row].end > step; };
        const auto plain = [&](int row) { return seen(row) && min(sights[row].end, step_end) <= sights[row].prefix; };
        const auto member = [&](int row) {
          return row == leader || (plain(leader) && plain(row) && sights[row].sequence == sights[leader].sequence);
        };
        bool covered = !seen(leader);
        for (int row = 0; row < leader; ++row) covered = covered || (plain(row) && member(row));
        if (covered) continue;
        int from = step_end, until = step;
        for (int row = leader; row < n_rows; ++row) {
          if (!member(row)) continue;
          from = min(from, max(step, sights[row].begin));
          until = max(until, min(step_end, sights[row].end));
        }
        const Sight& sight = sights[leader];
        const bool own = !plain(leader);
        const auto load = [&](bool value) {
          for (int at = from + warp; at < until; at += kWarps) {
            const int slot = own && at >= sight.prefix ? p.extra_slots[(sight.extra + at - sight.prefix) * p.extra_stride] : at;
            const int block = p.table[sight.sequence * p.table_stride + slot / kSlots];
            load_line(line_of(p.cache, block, kv_head, slot % kSlots, value), dim, lines + (at - step) * stride);
          }
        };
        load(false);
        __syncthreads();
        bool takes[kPerWarp];
        int first[kPerWarp], last[kPerWarp];  // positions that its row sees
        float4 dots[kPerWarp];
#pragma unroll
        for (int i = 0; i < kPerWarp; ++i) {
          const int v = vector_of(warp, i), row = v / p.chunk;
          takes[i] = v < n_vectors && member(row);
          first[i] = takes[i] ? max(step, sights[row].begin) : step_end;
          last[i] = takes[i] ? min(step_end, sights[row].end) : step;
          dots[i] = float4{0, 0, 0, 0};
        }
        if (step + lane >= from && step + lane < until) {
          const float4* key = reinterpret_cast<const float4*>(lines + lane * stride);
          for (int c = 0; c < width / 4; ++c) {
            const float4 k = key[c];
#pragma unroll
            for (int i = 0; i < kPerWarp; ++i) {
              if (!takes[i]) continue;
              const float4 query = reinterpret_cast<const float4*>(queries + vector_of(warp, i) * width)[c];
              dots[i].x = fmaf(query.x, k.x, dots[i].x);
              dots[i].y = fmaf(query.y, k.y, dots[i].y);
              dots[i].z = fmaf(query.z, k.z, dots[i].z);
              dots[i].w = fmaf(query.w, k.w, dots[i].w);
            }
          }
        }
        __syncwarp();
#pragma unroll
        for (int i = 0; i < kPerWarp; ++i) {
          if (!takes[i]) continue;
          const bool sees = step + lane >= first[i] && step + lane < last[i];
          float logit = -INFINITY;
          if (sees) {
            logit = (dots[i].x + dots[i].y + (dots[i].z + dots[i].w)) * p.scale;
            if (p.softcap > 0) logit = p.softcap * tanhf(logit / p.softcap);
          }
          __syncwarp();
          const float largest = fmaxf(sums[i].largest, max_over_lanes(logit));
          const float weight = sees ? expf(logit - largest) : 0, sum = sum_over_lanes(weight);
          const float keep = sums[i].weight > 0 ? expf(sums[i].largest - largest) : 0;
          sums[i].largest = largest;
          sums[i].weight = fmaf(sums[i].weight, keep, sum);
          for (int c = 0; c < kColumns; ++c) sums[i].values[c] *= keep;
          weights[vector_of(warp, i) * kStep + lane] = weight;
          page[i] = float2{largest, fmaf(page[i].y, keep, sum)};
        }
        __syncthreads();
        load(true);
        __syncthreads();
        for (int at = from; at < until; ++at) {
          float values[kColumns];
#pragma unroll
          for (int c = 0; c < kColumns; ++c) values[c] = lane + 32 * c < dim ? lines[(at - step) * stride + lane + 32 * c] : 0;
#pragma unroll
          for (int i = 0; i < kPerWarp; ++i) {
            if (at < first[i] || at >= last[i]) continue;
            const float weight = weights[vector_of(warp, i) * kStep + at - step];
#pragma unroll
            for (int c = 0; c < kColumns; ++c) sums[i].values[c] = fmaf(weight, values[c], sums[i].values[c]);
          }
        }
        __syncthreads();
      }
      if (p.page_state != nullptr && step_end % kSlots == 0) {
        for (int i = 0; i < kPerWarp; ++i) {
          const int v = vector_of(warp, i);
          if (v < n_vectors && v % p.chunk < heads && lane == 0 && step / kSlots < p.n_pages) {
            p.page_state[((first_row + v / p.chunk) * p.n_heads + first_head + v % p.chunk) * p.n_pages + step / kSlots] = page[i];
          }
          page[i] = float2{0, 0};
        }
      }
    }
    for (int i = 0; i < kPerWarp; ++i) {
      const int v = vector_of(warp, i);
      if (folds) {
        fold(all[i], sums[i]);
      } else if (v < n_vectors && v % p.chunk < heads) {
        const std::int64_t at = ((first_row + v / p.chunk) * p.n_heads + first_head + v % p.chunk) * p.n_spans + span;
        if (lane == 0) p.state[at] = float2{sums[i].largest, sums[i].weight};
        for (int c = 0; c < kColumns; ++c) {
          if (lane + 32 * c < dim) p.sums[at * dim + lane + 32 * c] = sums[i].values[c];
        }
      }
    }
  }
  if (!folds) return;
  for (int i = 0; i < kPerWarp; ++i) {
    const int v = vector_of(warp, i);
    if (v >= n_vectors || v % p.chunk >= heads) continue;
    if (p.final_state != nullptr && lane == 0) {
      p.final_state[(first_row + v / p.chunk) * p.n_heads + first_head + v % p.chunk] = float2{all[i].largest, all[i].weight};
    }
    for (int c = 0; c < kColumns; ++c) {
      if (lane + 32 * c < dim) queries[v * width + lane + 32 * c] = all[i].weight > 0 ? all[i].values[c] / all[i].weight : 0;
    }
  }
  // Vectors of heads that are not there end up nowhere: their place belongs to the next kv head.
  __syncthreads();
  for (int v = 0; v < n_vectors; ++v) {
    if (v % p.chunk < heads) finish(p, queries + v * width, width, 1, first_row + v / p.chunk, first_head + v % p.chunk);
  }
  if (p.rounded.codes == nullptr) return;
  __syncthreads();
  const int runs = dim / kRun;
  for (int at = static_cast<int>(threadIdx.x); at < n_vectors * runs; at += static_cast<int>(blockDim.x)) {
    const int v = at / runs, run = at % runs;
    if (v % p.chunk >= heads) continue;
    float values[kRun];
    for (int i = 0; i < kRun; ++i) values[i] = queries[v * width + run * kRun + i];
    round_run(values, first_row + v / p.chunk, (first_head + v % p.chunk) * runs + run, p.rounded);
  }
}

const int* ids(const View& view) { return static_cast<const int*>(view.data); }

template <int kColumns>
void launch_attention(Lowering& to, const AttentionOp& op, Attention p, std::int64_t terms) {
  const int width = static_cast<int>((p.cache.head_dim + 3) / 4 * 4);
  const std::size_t shared = sizeof(float) * static_cast<std::size_t>(kVectors * width + kStep * (width + 4) + kVectors * kStep);
  const unsigned row_blocks = blocks_for(p.n_rows, p.rows_per_block);
  const auto heads = static_cast<unsigned>(p.cache.n_kv_heads * ((p.group + p.chunk - 1) / p.chunk));
  // Enough blocks without cutting the positions: then no sums have to travel through memory.
  constexpr unsigned kEnoughBlocks = 256;
  constexpr std::int64_t kMostScratch = std::int64_t{64} << 20;  // no plan counts it
  const std::int64_t n = p.n_rows * p.n_heads * p.n_spans;
  if (row_blocks * heads < kEnoughBlocks && p.n_spans > 1 && n * (4 * p.cache.head_dim + static_cast<std::int64_t>(sizeof(float2))) <= kMostScratch) {
    p.state = reinterpret_cast<float2*>(to.scratch.take(n * static_cast<std::int64_t>(sizeof(float2))));
    p.sums = reinterpret_cast<float*>(to.scratch.take(n * p.cache.head_dim * 4));
    to.launch({row_blocks, heads, static_cast<unsigned>(p.n_spans)}, kThreads, shared, attend<kColumns>, p);
    std::int64_t n_slots = p.n_rows;
    if (terms > 0 && p.cache.head_dim % kRun == 0) {
      p.rounded = room_for_rounded(to, op.out, op.out.cols, terms, p.n_rows);
      n_slots = slots_in_tiles(n_slots);
    }
    launch_fold(to, p, n_slots);
  } else {
    if (terms > 0 && p.cache.head_dim % kRun == 0) p.rounded = room_for_rounded(to, op.out, op.out.cols, terms, p.n_rows);
    to.launch({row_blocks, heads}, kThreads, shared, attend<kColumns>, p);
  }
  if (p.page_state != nullptr) {
    launch_share(to, p, static_cast<float*>(op.shares.data), op.shares.stride);
  }
}

}  // namespace

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
  p.chunk = p.group < kVectors ? p.group : kVectors;
  p.rows_per_block = kVectors / p.chunk;
  p.n_spans = (op.max_slots + kSpan - 1) / kSpan;
  if (op.watch.data != nullptr) {
    p.page_state = reinterpret_cast<float2*>(to.scratch.take(p.n_rows * p.n_heads * p.n_pages * static_cast<std::int64_t>(sizeof(float2))));
    p.final_state = reinterpret_cast<float2*>(to.scratch.take(p.n_rows * p.n_heads * static_cast<std::int64_t>(sizeof(float2))));
  }
  if (p.cache.head_dim <= 128) return launch_attention<4>(to, op, p, terms);
  if (p.cache.head_dim <= 256) return launch_attention<8>(to, op, p, terms);
  launch_attention<16>(to, op, p, terms);
}

}  // namespace foreword::gpu::cuda

// Spans of positions that had a block each, put together, and what pages got of a row's attention.

#include "gpu/cuda/attention.cuh"

namespace foreword::gpu::cuda {
namespace {

constexpr int kThreads = 128, kSpansAtOnce = 256;

// One vector a block, a thread every 128th column. A span needs of those before it only the largest logit so far, and a maximum has no
// order: so the factors of many spans are computed at once, and the columns go through them with nothing to wait for but memory.
template <int kColumns>
__global__ void __launch_bounds__(kThreads) fold_spans(Attention p) {
  float* vector = dynamic_shared<float>();
  __shared__ float largest[kSpansAtOnce], weight[kSpansAtOnce];
  __shared__ float2 factors[kSpansAtOnce];  // what is kept, and what is taken
  const int me = static_cast<int>(threadIdx.x), dim = static_cast<int>(p.cache.head_dim);
  const std::int64_t row = blockIdx.x, head = blockIdx.y;
  const auto round_all = [&](const auto& value_at) {
    for (int c = me; c - me % 32 < dim; c += kThreads) {
      round_run(c < dim ? value_at(c) : 0, blockIdx.x, c < dim ? (blockIdx.y * static_cast<unsigned>(dim) + static_cast<unsigned>(c)) / kRun : kNoRun, p.rounded);
    }
  };
  if (row >= p.n_rows) return round_all([](int) { return 0.0f; });  // a slot of zeros
  float2 all = start_of(p, head);
  float sum[kColumns] = {};
  constexpr int kFetched = 16 / kColumns;  // spans whose sums are on their way at once
  const std::int64_t first = (row * p.n_heads + head) * p.n_spans;
  for (std::int64_t done = 0; done < p.n_spans; done += kSpansAtOnce) {
    const int n = static_cast<int>(min(p.n_spans - done, std::int64_t{kSpansAtOnce}));
    float before[2] = {};  // of the two spans of this thread: the largest of those before, and the span's own
    for (int i = me; i < n; i += kThreads) {
      const float2 state = p.state[first + done + i];
      weight[i] = state.y;
      largest[i] = fmaxf(all.x, state.y == 0 ? all.x : state.x);
      before[i / kThreads] = state.x;
    }
    __syncthreads();
    for (int distance = 1; distance < n; distance *= 2) {
      float with[2] = {};
      for (int i = me; i < n; i += kThreads) with[i / kThreads] = fmaxf(largest[i], largest[i >= distance ? i - distance : i]);
      __syncthreads();
      for (int i = me; i < n; i += kThreads) largest[i] = with[i / kThreads];
      __syncthreads();
    }
    for (int i = me; i < n; i += kThreads) {
      const float until = i == 0 ? all.x : largest[i - 1];
      factors[i] = float2{expf(until - largest[i]), expf(before[i / kThreads] - largest[i])};
    }
    __syncthreads();
    const float* sums = p.sums + (first + done) * dim;
    for (int begin = 0; begin < n; begin += kFetched) {
      float values[kFetched][kColumns];
#pragma unroll
      for (int i = 0; i < kFetched; ++i) {
        for (int c = 0; c < kColumns; ++c) {
          const int column = me + kThreads * c;
          values[i][c] = begin + i < n && column < dim && weight[begin + i] != 0 ? sums[std::int64_t{begin + i} * dim + column] : 0;
        }
      }
#pragma unroll
      for (int i = 0; i < kFetched; ++i) {
        if (begin + i >= n || weight[begin + i] == 0) continue;
        const float2 factor = factors[begin + i];
        all.y = fmaf(all.y, factor.x, weight[begin + i] * factor.y);
        for (int c = 0; c < kColumns; ++c) sum[c] = fmaf(sum[c], factor.x, values[i][c] * factor.y);
      }
    }
    all.x = n > 0 ? largest[n - 1] : all.x;
    __syncthreads();
  }
  if (const int watch = watch_of(p, row); watch >= 0 && me == 0) p.final_state[watch * p.n_heads + head] = float2{all.x, all.y};
  for (int c = 0; c < kColumns; ++c) {
    if (me + kThreads * c < dim) vector[me + kThreads * c] = all.y > 0 ? sum[c] / all.y : 0;
  }
  __syncthreads();
  rotate_shared(vector, dim, static_cast<int>(p.cache.basis_v));
  for (int c = me; c < dim; c += kThreads) p.out[row * p.out_stride + head * dim + c] = vector[c];
  if (p.rounded.codes != nullptr) round_all([&](int c) { return vector[c]; });
}

// What the pages of a watched row got, in the head that gave them most.
__global__ void share(Attention p, float* shares, std::int64_t shares_stride) {
  const std::int64_t row = blockIdx.x, kv_head = blockIdx.y;
  const int watch = watch_of(p, row);
  if (watch < 0) return;
  const Sight sight = sight_of(p, row);
  float* to = shares + (watch * p.cache.n_kv_heads + kv_head) * shares_stride;
  for (std::int64_t page = sight.begin / kSlots + threadIdx.x; page * kSlots < sight.end && page < p.n_pages; page += blockDim.x) {
    float most = 0;
    for (int i = 0; i < p.group; ++i) {
      const std::int64_t vector = watch * p.n_heads + kv_head * p.group + i;
      const float2 all = p.final_state[vector], one = p.page_state[vector * p.n_pages + page];
      if (one.y > 0) most = fmaxf(most, one.y * expf(one.x - all.x) / all.y);
    }
    atomicMax(reinterpret_cast<int*>(to + page), __float_as_int(most));  // both are positive: as integers in the same order
  }
}

}  // namespace

void launch_fold(Lowering& to, const Attention& p, std::int64_t n_slots) {
  const auto go = [&](auto kernel) {
    to.launch({static_cast<unsigned>(n_slots), static_cast<unsigned>(p.n_heads)}, kThreads, sizeof(float) * static_cast<std::size_t>(p.cache.head_dim), kernel, p);
  };
  if (p.cache.head_dim <= kThreads) return go(fold_spans<1>);
  if (p.cache.head_dim <= 2 * kThreads) return go(fold_spans<2>);
  go(fold_spans<4>);
}

void launch_share(Lowering& to, const Attention& p, float* shares, std::int64_t shares_stride) {
  to.launch({static_cast<unsigned>(p.n_rows), static_cast<unsigned>(p.cache.n_kv_heads)}, 64, 0, share, p, shares, shares_stride);
}

}  // namespace foreword::gpu::cuda

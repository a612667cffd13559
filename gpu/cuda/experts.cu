// Mixtures of experts: choosing them, putting rows of one expert together, and adding what they gave.

#include "gpu/backend.h"
#include "gpu/cuda/lowering.h"

namespace foreword::gpu::cuda {
namespace {

// A warp a row. Better: the larger logit, what is no number last, then the lower index.
__device__ __forceinline__ bool better(float a, int at_a, float b, int at_b) {
  if (at_a < 0 || at_b < 0) return at_a >= 0;
  if (a > b || (b != b && a == a)) return true;
  if (b > a || (a != a && b == b)) return false;
  return at_a < at_b;
}

__global__ void route(const float* logits, std::int64_t stride, int n, int k, int routing, int* experts, std::int64_t experts_stride, float* weights,
                      std::int64_t weights_stride) {
  const std::int64_t row = blockIdx.x;
  const int lane = static_cast<int>(threadIdx.x);
  logits += row * stride;
  experts += row * experts_stride;
  weights += row * weights_stride;
  float largest = 0, last = 0, best = 0;
  int last_at = -1;
  for (int j = 0; j < k; ++j) {
    float mine = 0;
    int at = -1;
    for (int e = lane; e < n; e += 32) {  // the best of those behind the last
      const bool left = last_at < 0 || better(last, last_at, logits[e], e);
      if (left && better(logits[e], e, mine, at)) mine = logits[e], at = e;
    }
    for (int distance = 16; distance > 0; distance /= 2) {
      const float other = lane_xor(mine, distance);
      const int other_at = lane_xor(at, distance);
      if (better(other, other_at, mine, at)) mine = other, at = other_at;
    }
    last = mine;
    last_at = at;
    if (j == 0) largest = mine;
    best += expf(mine - largest);
    if (lane == 0) experts[j] = at, weights[j] = mine;
  }
  float all = 0;
  for (int e = lane; e < n; e += 32) all += expf(logits[e] - largest);
  all = sum_over_lanes(all);
  float divisor = all;
  if (routing == static_cast<int>(Routing::top_k_softmax)) divisor = best;
  if (routing == static_cast<int>(Routing::softmax_top_k_renormalised)) divisor *= fmaxf(best / all, 6.103515625e-5f);
  if (lane == 0) {
    for (int j = 0; j < k; ++j) weights[j] = expf(weights[j] - largest) / divisor;
  }
}

// One block; thread e looks for the rows of experts e, e + 256, ..
constexpr int kThreads = 256;
struct Groups {
  int *slot_row, *tile_expert, *first_tile;  // [n_slots], [n_slots / tile], [n_experts + 1]
  std::int64_t n_slots;
  int tile, n_experts;
};
__global__ void group(const int* experts, std::int64_t stride, int per_row, std::int64_t n, Groups out) {
  for (std::int64_t i = threadIdx.x; i < out.n_slots; i += kThreads) out.slot_row[i] = -1;
  for (std::int64_t i = threadIdx.x; i < out.n_slots / out.tile; i += kThreads) out.tile_expert[i] = -1;
  for (int e = static_cast<int>(threadIdx.x); e < out.n_experts; e += kThreads) {
    int count = 0;
    for (std::int64_t i = 0; i < n; ++i) count += experts[i / per_row * stride + i % per_row] == e;
    out.first_tile[e + 1] = (count + out.tile - 1) / out.tile;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    out.first_tile[0] = 0;
    for (int e = 0; e < out.n_experts; ++e) out.first_tile[e + 1] += out.first_tile[e];
  }
  __syncthreads();
  for (int e = static_cast<int>(threadIdx.x); e < out.n_experts; e += kThreads) {
    for (int t = out.first_tile[e]; t < out.first_tile[e + 1]; ++t) out.tile_expert[t] = e;
    std::int64_t slot = std::int64_t{out.first_tile[e]} * out.tile;
    for (std::int64_t i = 0; i < n; ++i) {
      if (experts[i / per_row * stride + i % per_row] == e) out.slot_row[slot++] = static_cast<int>(i);
    }
  }
}

__global__ void combine(const float* y, std::int64_t y_stride, const float* weights, std::int64_t weights_stride, int k, std::int64_t cols, std::int64_t n,
                        float* out, std::int64_t out_stride) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x, row = i / cols, c = i % cols;
  if (i >= n) return;
  float sum = 0;
  for (int j = 0; j < k; ++j) sum = fmaf(weights[row * weights_stride + j], y[(row * k + j) * y_stride + c], sum);
  out[row * out_stride + c] = sum;
}

}  // namespace

void lower(Lowering& to, const RouteOp& op) {
  to.launch({static_cast<unsigned>(op.logits.rows)}, 32, 0, route, static_cast<const float*>(op.logits.data), op.logits.stride,
            static_cast<int>(op.logits.cols), static_cast<int>(op.weights.cols), static_cast<int>(op.routing), static_cast<int*>(op.experts.data),
            op.experts.stride, static_cast<float*>(op.weights.data), op.weights.stride);
}

void lower(Lowering& to, const CombineOp& op) {
  const std::int64_t n = op.out.rows * op.out.cols;
  to.launch({blocks_for(n, 256)}, 256, 0, combine, static_cast<const float*>(op.y.data), op.y.stride, static_cast<const float*>(op.weights.data),
            op.weights.stride, static_cast<int>(op.weights.cols), op.out.cols, n, static_cast<float*>(op.out.data), op.out.stride);
}

Grouping group_by_expert(Lowering& to, const LinearOp& op, std::int64_t tile) {
  const std::int64_t n = op.out.rows, touched = n < op.w.n_experts ? n : op.w.n_experts;
  const std::int64_t n_tiles = n / tile + touched;
  Groups groups{};
  groups.slot_row = reinterpret_cast<int*>(to.scratch.take(n_tiles * tile * 4));
  groups.tile_expert = reinterpret_cast<int*>(to.scratch.take(n_tiles * 4));
  groups.first_tile = reinterpret_cast<int*>(to.scratch.take((op.w.n_experts + 1) * 4));
  groups.n_slots = n_tiles * tile;
  groups.tile = static_cast<int>(tile);
  groups.n_experts = static_cast<int>(op.w.n_experts);
  to.launch({1}, kThreads, 0, group, static_cast<const int*>(op.experts.data), op.experts.stride, static_cast<int>(op.experts.cols), n, groups);
  return {groups.n_slots, tile, groups.slot_row, groups.tile_expert};
}

}  // namespace foreword::gpu::cuda

// Mixtures of experts: choosing them, putting rows of one expert together, and adding what they gave.

#include "gpu/backend.h"
#include "gpu/cuda/lowering.h"
#include "gpu/cuda/norms.cuh"
#include "gpu/cuda/values.cuh"

namespace foreword::gpu::cuda {
namespace {

// A warp a row. Better: the larger logit, what is no number last, then the lower index.
__device__ __forceinline__ bool better(float a, int at_a, float b, int at_b) {
  if (at_a < 0 || at_b < 0) return at_a >= 0;
  if (a > b || (b != b && a == a)) return true;
  if (b > a || (a != a && b == b)) return false;
  return at_a < at_b;
}

struct Choice {
  float *logits, *weights;
  int* experts;
  std::int64_t logits_stride, experts_stride, weights_stride;
  int n, k, routing;
};

// One warp.
__device__ void choose(const Choice& p, std::int64_t row) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const float* logits = p.logits + row * p.logits_stride;
  int* experts = p.experts + row * p.experts_stride;
  float* weights = p.weights + row * p.weights_stride;
  float largest = 0, last = 0, best = 0;
  int last_at = -1;
  for (int j = 0; j < p.k; ++j) {
    float mine = 0;
    int at = -1;
    for (int e = lane; e < p.n; e += 32) {  // the best of those behind the last
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
  for (int e = lane; e < p.n; e += 32) all += expf(logits[e] - largest);
  all = sum_over_lanes(all);
  float divisor = all;
  if (p.routing == static_cast<int>(Routing::top_k_softmax)) divisor = best;
  if (p.routing == static_cast<int>(Routing::softmax_top_k_renormalised)) divisor *= fmaxf(best / all, 6.103515625e-5f);
  if (lane == 0) {
    for (int j = 0; j < p.k; ++j) weights[j] = expf(weights[j] - largest) / divisor;
  }
}

__global__ void route(Choice p) { choose(p, blockIdx.x); }

// A block a row: its norm, the product of the router with it, and the choice.
struct Router {
  const std::uint8_t* weight;
  const float* bias;
  std::int64_t cols;
  const float* x;  // of the norm, or where there is none of the product
  std::int64_t x_stride;
  const float *norm_weight, *norm_bias;
  float* normed;  // nullptr: no norm
  std::int64_t normed_stride;
  bool centre;
  float eps;
  Rounded rounded;  // of what is normed; codes = nullptr: not wanted
  Choice choice;
};

template <Format kFormat>
__global__ void __launch_bounds__(kNormThreads) route_normed(Router p) {
  using V = Values<kFormat>;
  const std::int64_t row = blockIdx.x;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const float* x = p.x + row * p.x_stride;
  if (p.normed != nullptr) {
    const Moments moments = moments_in_block(p.cols, p.centre, p.eps, [&](std::int64_t c) { return x[c]; });
    float* normed = p.normed + row * p.normed_stride;
    for (std::int64_t c = threadIdx.x; c - lane < p.cols; c += kNormThreads) {
      float value = 0;
      if (c < p.cols) normed[c] = value = moments.normed(x[c], p.norm_weight[c], p.norm_bias == nullptr ? nullptr : p.norm_bias + c);
      if (p.rounded.codes != nullptr) round_run(value, blockIdx.x, static_cast<unsigned>(c) / kRun, p.rounded);
    }
    __syncthreads();
    x = normed;
  }
  for (int e = warp; e < p.choice.n; e += kNormThreads / 32) {  // in the order of float_products.cu
    const std::uint8_t* weights = p.weight + e * p.cols * (V::kBytes / 8);
    float sum = 0;
    for (std::int64_t c = lane; 8 * c < p.cols; c += 32) {
      for (int j = 0; j < 8; ++j) {
        const bool inside = 8 * c + j < p.cols;
        sum = fmaf(inside ? V::one(weights + c * V::kBytes, j) : 0, inside ? x[8 * c + j] : 0, sum);
      }
    }
    sum = sum_over_lanes(sum);
    if (lane == 0) p.choice.logits[row * p.choice.logits_stride + e] = p.bias == nullptr ? sum : sum + p.bias[e];
  }
  __syncthreads();
  if (warp == 0) choose(p.choice, row);
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

void lower(Lowering& to, const RouteOp& op, std::int64_t terms) {
  const Choice choice{static_cast<float*>(op.logits.data), static_cast<float*>(op.weights.data), static_cast<int*>(op.experts.data),
                      op.logits.stride,                    op.experts.stride,                   op.weights.stride,
                      static_cast<int>(op.logits.cols),    static_cast<int>(op.weights.cols),   static_cast<int>(op.routing)};
  const auto rows = static_cast<unsigned>(op.logits.rows);
  if (op.router.w.data == nullptr) return to.launch({rows}, 32, 0, route, choice);
  const bool normed = op.norm.x.data != nullptr;
  const View& x = normed ? op.norm.x : op.router.x;
  Router p{};
  p.weight = op.router.w.data;
  p.bias = static_cast<const float*>(op.router.bias.data);
  p.cols = op.router.w.cols;
  p.x = static_cast<const float*>(x.data);
  p.x_stride = x.stride;
  p.norm_weight = static_cast<const float*>(op.norm.weight.data);
  p.norm_bias = static_cast<const float*>(op.norm.bias.data);
  p.normed = static_cast<float*>(op.norm.out.data);
  p.normed_stride = op.norm.out.stride;
  p.centre = op.norm.centre != 0;
  p.eps = op.norm.eps;
  if (terms > 0) p.rounded = room_for_rounded(to, op.norm.out, op.norm.out.cols, terms, op.norm.out.rows);
  p.choice = choice;
  struct Row {
    Format format;
    void (*kernel)(Router);
  };
  static constexpr Row kRows[] = {{Format::f32, route_normed<Format::f32>}, {Format::f16, route_normed<Format::f16>}, {Format::bf16, route_normed<Format::bf16>}};
  for (const Row& row : kRows) {
    if (static_cast<std::int32_t>(row.format) == op.router.w.format) to.launch({rows}, kNormThreads, 0, row.kernel, p);
  }
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
  return {groups.n_slots, tile, true, groups.slot_row, groups.tile_expert};
}

}  // namespace foreword::gpu::cuda

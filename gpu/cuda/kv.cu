// Keys and values into pages, and pages from one encoding to another. The bytes are those of gpu/kv_format.cpp.

#include "gpu/cuda/lowering.h"
#include "gpu/cuda/norms.cuh"
#include "gpu/cuda/pages.cuh"

namespace foreword::gpu::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kMostGroup = 32;
constexpr int kMostHead = 512;

// ---- store_kv: a block a row and head of k, of v and, where they are turned or normed, of q; where a norm goes over whole rows, a block a
// row of each

struct Heads {
  float* x;
  std::int64_t stride, n_heads;
  const float *weight, *bias;  // of the norm
};
struct Store {
  Heads q, k, v;
  bool normed, by_rows, whole_weight, centre;
  float eps;
  const float* cos_sin;
  std::int64_t cos_sin_stride;
  int n_rot;
  bool adjacent;
  const int* slots;
  std::int64_t slots_stride;
  Cache cache;
};

__device__ void turn(float* head, const float* cos_sin, int n_rot, bool adjacent) {
  for (int i = static_cast<int>(threadIdx.x); i < n_rot / 2; i += static_cast<int>(blockDim.x)) {
    float& first = head[adjacent ? 2 * i : i];
    float& second = head[adjacent ? 2 * i + 1 : i + n_rot / 2];
    const float c = cos_sin[2 * i], s = cos_sin[2 * i + 1], a = first, b = second;
    first = a * c - b * s;
    second = a * s + b * c;
  }
  __syncthreads();
}

__device__ void store_line(float* head, Line line, int dim, int basis) {
  rotate_shared(head, dim, basis);
  for (int i = static_cast<int>(threadIdx.x); i < dim; i += static_cast<int>(blockDim.x)) {
    if (line.format == static_cast<int>(KvFormat::f32)) reinterpret_cast<float*>(line.codes)[i] = head[i];
    else reinterpret_cast<std::uint16_t*>(line.codes)[i] = float_to_half_bits(saturated(head[i]));
  }
  __syncthreads();
}

// `number`: of the head among its kind's. x: the kind's row.
__device__ void do_head(const Store& p, const Heads& heads, float* x, std::int64_t row, std::int64_t number, const Moments& moments, bool is_q, bool is_v, float* shared) {
  const int dim = static_cast<int>(p.cache.head_dim), slot = p.slots[row * p.slots_stride];
  const std::int64_t first = number * dim, first_weight = p.by_rows || p.whole_weight ? first : 0;
  for (int i = static_cast<int>(threadIdx.x); i < dim; i += static_cast<int>(blockDim.x)) {
    const std::int64_t w = first_weight + i;
    shared[i] = p.normed && !is_v ? moments.normed(x[first + i], heads.weight[w], heads.bias == nullptr ? nullptr : heads.bias + w) : x[first + i];
  }
  __syncthreads();
  if (!is_v && (p.normed || p.n_rot > 0)) {
    turn(shared, p.cos_sin + row * p.cos_sin_stride, p.n_rot, p.adjacent);
    for (int i = static_cast<int>(threadIdx.x); i < dim; i += static_cast<int>(blockDim.x)) x[first + i] = shared[i];
    __syncthreads();
  }
  if (!is_q) store_line(shared, line_of(p.cache, slot / kSlots, number, slot % kSlots, is_v), dim, static_cast<int>(is_v ? p.cache.basis_v : p.cache.basis_k));
}

__global__ void __launch_bounds__(kNormThreads) store_kv(Store p) {
  __shared__ float shared[kMostHead];
  const std::int64_t row = blockIdx.x, at = blockIdx.y, n_kv = p.cache.n_kv_heads, dim = p.cache.head_dim;
  const bool is_k = p.by_rows ? at == 0 : at < n_kv, is_v = !is_k && (p.by_rows ? at == 1 : at < 2 * n_kv), is_q = !is_k && !is_v;
  const Heads& heads = is_k ? p.k : is_v ? p.v : p.q;
  float* x = heads.x + row * heads.stride;
  const std::int64_t number = p.by_rows ? 0 : at - (is_k ? 0 : is_v ? n_kv : 2 * n_kv), n = p.by_rows ? heads.n_heads : 1;
  Moments moments{0, 1};
  if (p.normed && !is_v) {
    const auto value_at = [&](std::int64_t c) { return x[number * dim + c]; };
    moments = p.by_rows ? moments_in_block(n * dim, p.centre, p.eps, value_at) : moments_of<false>(dim, p.centre, p.eps, value_at);
    __syncthreads();
  }
  for (std::int64_t i = 0; i < n; ++i) do_head(p, heads, x, row, number + i, moments, is_q, is_v, shared);
}

// ---- encode_pages: a thread a group

struct Group {
  float x[kMostGroup];
};

__device__ void decode_group(const Line& line, int at, int n, Group& out) {
  const std::uint8_t* codes = line.codes + std::int64_t{at} * code_bits(line.format) / 8;
  const float d = line.scales == nullptr ? 0 : half_bits_to_float(line.scales[at / n]);
  switch (static_cast<KvFormat>(line.format)) {
    case KvFormat::f16:
      for (int i = 0; i < n; ++i) out.x[i] = half_bits_to_float(reinterpret_cast<const std::uint16_t*>(codes)[i]);
      return;
    case KvFormat::q8:
      for (int i = 0; i < n; ++i) out.x[i] = d * static_cast<float>(static_cast<std::int8_t>(codes[i]));
      return;
    case KvFormat::q4h:
      for (int i = 0; i < n / 2; ++i) {
        out.x[i] = d * static_cast<float>((codes[i] & 15) - 8);
        out.x[i + n / 2] = d * static_cast<float>((codes[i] >> 4) - 8);
      }
      return;
    case KvFormat::q2h:
      for (int i = 0; i < n; ++i) {
        const int code = codes[i % (n / 4)] >> 2 * (i / (n / 4)) & 3;
        out.x[i] = d * static_cast<float>(code < 2 ? 89 * code - 127 : 89 * code - 140);
      }
      return;
    default:
      for (int i = 0; i < n; ++i) out.x[i] = reinterpret_cast<const float*>(codes)[i];
  }
}

__device__ float sum_of(Group s, int n) {
  for (int h = n / 2; h > 0; h /= 2) {
    for (int i = 0; i < h; ++i) s.x[i] += s.x[i + h];
  }
  return s.x[0];
}
__device__ float inverse_of(float d) {
  const float inverse = 1.0f / d;
  return fabsf(inverse) <= 3.402823466e38f ? inverse : 0.0f;
}
__device__ std::uint16_t fitted_scale(const Group& x, const Group& v, int n) {
  Group products, squares;
  for (int i = 0; i < n; ++i) {
    products.x[i] = x.x[i] * v.x[i];
    squares.x[i] = v.x[i] * v.x[i];
  }
  const float square = sum_of(squares, n);
  return float_to_half_bits(square > 0 ? sum_of(products, n) / square : 0.0f);
}

__device__ std::uint16_t encode_q8(const Group& x, int n, std::uint8_t* codes) {
  float largest = 0;
  for (int i = 0; i < n; ++i) largest = fmaxf(largest, fabsf(x.x[i]));
  const float d = largest / 127.0f, inverse = inverse_of(d);
  for (int i = 0; i < n; ++i) {
    const float code = fminf(fmaxf(floorf(x.x[i] * inverse + 0.5f), -127.0f), 127.0f);
    codes[i] = static_cast<std::uint8_t>(static_cast<std::int8_t>(code));
  }
  return float_to_half_bits(inverse == 0 ? 0.0f : d);
}
__device__ std::uint16_t encode_q4h(const Group& x, int n, std::uint8_t* codes) {
  float peak = 0;
  for (int i = 0; i < n; ++i) peak = fabsf(x.x[i]) > fabsf(peak) ? x.x[i] : peak;
  const float inverse = inverse_of(peak * -0.125f);
  Group levels;
  for (int i = 0; i < n; ++i) levels.x[i] = fminf(fmaxf(floorf(x.x[i] * inverse + 8.5f), 0.0f), 15.0f) - 8.0f;
  for (int i = 0; i < n / 2; ++i) {
    codes[i] = static_cast<std::uint8_t>(static_cast<int>(levels.x[i] + 8.0f) | static_cast<int>(levels.x[i + n / 2] + 8.0f) << 4);
  }
  return fitted_scale(x, levels, n);
}
__device__ std::uint16_t encode_q2h(const Group& x, int n, std::uint8_t* codes) {
  Group squares, levels;
  for (int i = 0; i < n; ++i) squares.x[i] = x.x[i] * x.x[i];
  const float border = 0.96354f * sum_of(squares, n) / static_cast<float>(n);
  for (int i = 0; i < n / 4; ++i) codes[i] = 0;
  for (int i = 0; i < n; ++i) {
    const bool far = squares.x[i] > border;
    const int code = x.x[i] > 0 ? (far ? 3 : 2) : (far ? 0 : 1);
    levels.x[i] = static_cast<float>(code < 2 ? 89 * code - 127 : 89 * code - 140);
    codes[i % (n / 4)] = static_cast<std::uint8_t>(codes[i % (n / 4)] | code << 2 * (i / (n / 4)));
  }
  return fitted_scale(x, levels, n);
}

__device__ void encode_group(Group x, const Line& line, int at, int n) {
  std::uint8_t* codes = line.codes + std::int64_t{at} * code_bits(line.format) / 8;
  if (line.format == static_cast<int>(KvFormat::f32)) {
    for (int i = 0; i < n; ++i) reinterpret_cast<float*>(codes)[i] = x.x[i];
    return;
  }
  if (line.format == static_cast<int>(KvFormat::f16)) {
    for (int i = 0; i < n; ++i) reinterpret_cast<std::uint16_t*>(codes)[i] = float_to_half_bits(saturated(x.x[i]));
    return;
  }
  for (int i = 0; i < n; ++i) x.x[i] = x.x[i] != x.x[i] ? 0.0f : saturated(x.x[i]);
  const auto format = static_cast<KvFormat>(line.format);
  line.scales[at / n] = format == KvFormat::q8 ? encode_q8(x, n, codes) : format == KvFormat::q4h ? encode_q4h(x, n, codes) : encode_q2h(x, n, codes);
}

__global__ void encode_pages(const int* from, std::int64_t from_stride, const int* to, std::int64_t to_stride, Cache cache) {
  const std::int64_t i = blockIdx.x, head = blockIdx.y;
  const int dim = static_cast<int>(cache.head_dim), group = group_of(dim) > 0 ? group_of(dim) : 1, n_groups = dim / group;
  const int source = from[i * from_stride], target = to[i * to_stride];
  for (int at = static_cast<int>(threadIdx.x); at < 2 * kSlots * n_groups; at += kThreads) {
    const int slot = at / n_groups % kSlots, first = at % n_groups * group;
    const bool value = at / n_groups >= kSlots;
    Group x;
    decode_group(line_of(cache, source, head, slot, value), first, group, x);
    encode_group(x, line_of(cache, target, head, slot, value), first, group);
  }
}

// ---- copy_slots: a block a kv head, slot after slot

__global__ void copy_slots(const int* from, std::int64_t from_stride, const int* to, std::int64_t to_stride, std::int64_t n, Cache cache) {
  const std::int64_t head = blockIdx.x;
  for (std::int64_t i = 0; i < n; ++i) {
    const int source = from[i * from_stride], target = to[i * to_stride];
    for (int value = 0; value < 2; ++value) {
      const Line in = line_of(cache, source / kSlots, head, source % kSlots, value != 0), out = line_of(cache, target / kSlots, head, target % kSlots, value != 0);
      const std::int64_t halves = row_bytes_of(in.format, static_cast<int>(cache.head_dim)) / 2;
      for (std::int64_t at = threadIdx.x; at < halves; at += kThreads) {
        reinterpret_cast<std::uint16_t*>(out.codes)[at] = reinterpret_cast<const std::uint16_t*>(in.codes)[at];
      }
    }
    __syncthreads();
  }
}

const int* ids(const View& view) { return static_cast<const int*>(view.data); }

}  // namespace

void lower(Lowering& to, const StoreKvOp& op) {
  static_assert(kMostHead <= kWarpGroup);
  const auto heads = [&](const View& x, const View& weight, const View& bias) {
    return Heads{static_cast<float*>(x.data), x.stride, x.cols / op.cache.head_dim, static_cast<const float*>(weight.data), static_cast<const float*>(bias.data)};
  };
  const NormOp& norm = op.norm;
  Store p{};
  p.normed = norm.x.data != nullptr;
  p.q = heads(p.normed ? norm.x : op.q, norm.weight, norm.bias);
  p.k = heads(op.k, norm.weight2, norm.bias2);
  p.v = heads(op.v, {}, {});
  p.by_rows = p.normed && norm.group != op.cache.head_dim;
  p.whole_weight = norm.weight.cols != norm.group;
  p.centre = norm.centre != 0;
  p.eps = norm.eps;
  p.cos_sin = static_cast<const float*>(op.cos_sin.data);
  p.cos_sin_stride = op.cos_sin.stride;
  p.n_rot = static_cast<int>(op.n_rot);
  p.adjacent = op.adjacent != 0;
  p.slots = ids(op.slots);
  p.slots_stride = op.slots.stride;
  p.cache = op.cache;
  const std::int64_t n_heads = (p.q.x == nullptr ? 0 : p.q.n_heads) + 2 * op.cache.n_kv_heads;
  to.launch({static_cast<unsigned>(op.k.rows), static_cast<unsigned>(p.by_rows ? 3 : n_heads)}, p.by_rows ? kNormThreads : kThreads, 0, store_kv, p);
}

void lower_encode_pages(Lowering& to, const CopyKvOp& op) {
  to.launch({static_cast<unsigned>(op.from.rows), static_cast<unsigned>(op.cache.n_kv_heads)}, kThreads, 0, encode_pages, ids(op.from), op.from.stride,
            ids(op.to), op.to.stride, op.cache);
}

void lower_copy_slots(Lowering& to, const CopyKvOp& op) {
  to.launch({static_cast<unsigned>(op.cache.n_kv_heads)}, kThreads, 0, copy_slots, ids(op.from), op.from.stride, ids(op.to), op.to.stride, op.from.rows,
            op.cache);
}

}  // namespace foreword::gpu::cuda

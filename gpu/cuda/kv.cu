// Keys and values into pages, and pages from one encoding to another. The bytes are those of gpu/kv_format.cpp.

#include "gpu/cuda/lowering.h"
#include "gpu/cuda/pages.cuh"

namespace foreword::gpu::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kMostGroup = 32;
constexpr int kMostHead = 512;

// ---- store_kv: a block a row and kv head

__device__ void store_line(const float* from, Line line, int dim, int basis, float* shared) {
  for (int i = static_cast<int>(threadIdx.x); i < dim; i += kThreads) shared[i] = from[i];
  __syncthreads();
  rotate_shared(shared, dim, basis);
  for (int i = static_cast<int>(threadIdx.x); i < dim; i += kThreads) {
    if (line.format == static_cast<int>(KvFormat::f32)) reinterpret_cast<float*>(line.codes)[i] = shared[i];
    else reinterpret_cast<std::uint16_t*>(line.codes)[i] = float_to_half_bits(saturated(shared[i]));
  }
  __syncthreads();
}

__global__ void store_kv(const float* k, std::int64_t k_stride, const float* v, std::int64_t v_stride, const int* slots, std::int64_t slots_stride, Cache cache) {
  __shared__ float shared[kMostHead];
  const std::int64_t row = blockIdx.x, head = blockIdx.y;
  const int slot = slots[row * slots_stride], dim = static_cast<int>(cache.head_dim);
  store_line(k + row * k_stride + head * dim, line_of(cache, slot / kSlots, head, slot % kSlots, false), dim, static_cast<int>(cache.basis_k), shared);
  store_line(v + row * v_stride + head * dim, line_of(cache, slot / kSlots, head, slot % kSlots, true), dim, static_cast<int>(cache.basis_v), shared);
}

// The same behind the rotation by position: a block a row and head of q, of k, of v.
struct Turn {
  float* x;
  std::int64_t stride;
};
struct TurnAndStore {
  Turn q, k;
  const float* v;
  std::int64_t v_stride;
  const float* cos_sin;
  std::int64_t cos_sin_stride, n_heads;
  int n_rot;
  bool adjacent;
  const int* slots;
  std::int64_t slots_stride;
  Cache cache;
};

__device__ void turn(float* head, const float* cos_sin, int n_rot, bool adjacent) {
  for (int i = static_cast<int>(threadIdx.x); i < n_rot / 2; i += kThreads) {
    float& first = head[adjacent ? 2 * i : i];
    float& second = head[adjacent ? 2 * i + 1 : i + n_rot / 2];
    const float c = cos_sin[2 * i], s = cos_sin[2 * i + 1], a = first, b = second;
    first = a * c - b * s;
    second = a * s + b * c;
  }
  __syncthreads();
}

__global__ void turn_and_store(TurnAndStore p) {
  __shared__ float shared[kMostHead];
  const std::int64_t row = blockIdx.x, head = blockIdx.y, n_kv = p.cache.n_kv_heads;
  const float* angles = p.cos_sin + row * p.cos_sin_stride;
  const int slot = p.slots[row * p.slots_stride], dim = static_cast<int>(p.cache.head_dim);
  if (head < p.n_heads) return turn(p.q.x + row * p.q.stride + head * dim, angles, p.n_rot, p.adjacent);
  const std::int64_t kv_head = (head - p.n_heads) % n_kv;
  if (head < p.n_heads + n_kv) {
    float* key = p.k.x + row * p.k.stride + kv_head * dim;
    turn(key, angles, p.n_rot, p.adjacent);
    return store_line(key, line_of(p.cache, slot / kSlots, kv_head, slot % kSlots, false), dim, static_cast<int>(p.cache.basis_k), shared);
  }
  store_line(p.v + row * p.v_stride + kv_head * dim, line_of(p.cache, slot / kSlots, kv_head, slot % kSlots, true), dim,
             static_cast<int>(p.cache.basis_v), shared);
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
  to.launch({static_cast<unsigned>(op.k.rows), static_cast<unsigned>(op.cache.n_kv_heads)}, kThreads, 0, store_kv, static_cast<const float*>(op.k.data),
            op.k.stride, static_cast<const float*>(op.v.data), op.v.stride, ids(op.slots), op.slots.stride, op.cache);
}

void lower(Lowering& to, const RopeAndStore& ops) {
  TurnAndStore p{};
  p.q = {static_cast<float*>(ops.q->x.data), ops.q->x.stride};
  p.k = {static_cast<float*>(ops.k->x.data), ops.k->x.stride};
  p.v = static_cast<const float*>(ops.store->v.data);
  p.v_stride = ops.store->v.stride;
  p.cos_sin = static_cast<const float*>(ops.q->cos_sin.data);
  p.cos_sin_stride = ops.q->cos_sin.stride;
  p.n_heads = ops.q->x.cols / ops.q->head_dim;
  p.n_rot = static_cast<int>(ops.q->n_rot);
  p.adjacent = ops.q->adjacent != 0;
  p.slots = ids(ops.store->slots);
  p.slots_stride = ops.store->slots.stride;
  p.cache = ops.store->cache;
  to.launch({static_cast<unsigned>(ops.q->x.rows), static_cast<unsigned>(p.n_heads + 2 * p.cache.n_kv_heads)}, kThreads, 0, turn_and_store, p);
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

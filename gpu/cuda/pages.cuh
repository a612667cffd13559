#pragma once
// Pages of KV on the device: where things lie in them, and the Walsh-Hadamard rotation. gpu/kv_format.h is the law.

#include "gpu/cuda/abi.h"
#include "gpu/cuda/platform.h"
#include "gpu/kv_format.h"

namespace foreword::gpu::cuda {

inline constexpr int kSlots = static_cast<int>(kPageSlots);
inline constexpr int kPlaceBits = 28;  // kPoolShift of gpu/backend.h

__device__ __forceinline__ int code_bits(int format) {
  switch (static_cast<KvFormat>(format)) {
    case KvFormat::f16: return 16;
    case KvFormat::q8: return 8;
    case KvFormat::q4h: return 4;
    case KvFormat::q2h: return 2;
    default: return 32;
  }
}
__device__ __forceinline__ bool is_scaled(int format) {
  return format == static_cast<int>(KvFormat::q8) || format == static_cast<int>(KvFormat::q4h) || format == static_cast<int>(KvFormat::q2h);
}
/// As kv_group().
__device__ __forceinline__ int group_of(int dim) { return dim % 32 == 0 ? 32 : dim % 16 == 0 ? 16 : 0; }
__device__ __forceinline__ std::int64_t row_bytes_of(int format, int dim) { return std::int64_t{dim} * code_bits(format) / 8; }
__device__ __forceinline__ std::int64_t tile_bytes_of(int format, int dim) {
  return kSlots * (row_bytes_of(format, dim) + (is_scaled(format) ? dim / group_of(dim) * 2 : 0));
}

/// A kv head's part of a block, of as many bytes as its pool's encodings take: keys, then values.
__device__ __forceinline__ std::uint8_t* page_of(const Cache& cache, int block, std::int64_t kv_head, std::int64_t bytes) {
  return cache.pools[block >> kPlaceBits].pages + ((block & ((1 << kPlaceBits) - 1)) * cache.n_kv_heads + kv_head) * bytes;
}

/// The keys or the values of one slot.
struct Line {
  std::uint8_t* codes;
  std::uint16_t* scales;
  int format;
};

__device__ __forceinline__ Line line_of(const Cache& cache, int block, std::int64_t kv_head, int slot, bool value) {
  const Pool& pool = cache.pools[block >> kPlaceBits];
  const int dim = static_cast<int>(cache.head_dim), format = value ? pool.v_format : pool.k_format;
  const std::int64_t keys = tile_bytes_of(pool.k_format, dim);
  std::uint8_t* tile = page_of(cache, block, kv_head, keys + tile_bytes_of(pool.v_format, dim)) + (value ? keys : 0);
  const std::int64_t row = row_bytes_of(format, dim);
  Line line{tile + slot * row, nullptr, format};
  if (is_scaled(format)) line.scales = reinterpret_cast<std::uint16_t*>(tile + kSlots * row) + slot * (dim / group_of(dim));
  return line;
}

/// Values in shared memory, all threads of the block: runs of n columns by the Walsh-Hadamard matrix, in the order of rotate().
__device__ inline void rotate_shared(float* x, int cols, int n) {
  if (n > 1) {
    const float factor = 1.0f / sqrtf(static_cast<float>(n));
    const int me = static_cast<int>(threadIdx.x), threads = static_cast<int>(blockDim.x);
    __syncthreads();
#pragma unroll 1
    for (int i = me; i < cols; i += threads) x[i] *= factor;
#pragma unroll 1
    for (int h = 1; h < n; h *= 2) {
      __syncthreads();
#pragma unroll 1
      for (int i = me; i < cols / 2; i += threads) {
        const int at = 2 * i - (i & (h - 1));  // h is a power of two, like n
        const float a = x[at], b = x[at + h];
        x[at] = a + b;
        x[at + h] = a - b;
      }
    }
  }
  __syncthreads();
}

inline constexpr float kHalfLimit = 65504.0f;
/// Into [-65504, 65504]; what is no number stays that.
__device__ __forceinline__ float saturated(float x) { return x < -kHalfLimit ? -kHalfLimit : x > kHalfLimit ? kHalfLimit : x; }

}  // namespace foreword::gpu::cuda

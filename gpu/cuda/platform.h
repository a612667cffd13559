#pragma once
// What kernels are written in: CUDA where nvcc compiles them, the emulator where a C++ compiler does. Kernels use only what is
// here, so that the same source runs on both. nvcc compiles without contraction: fused multiply-adds are written.

#include <cmath>
#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)

#include <cuda_fp16.h>
#include <cuda_runtime.h>

namespace foreword::gpu::cuda {

using Stream = cudaStream_t;
using Grid = dim3;

template <class... P, class... A>
void launch(Grid grid, int threads, std::size_t shared_bytes, Stream stream, void (*kernel)(P...), A... args) {
  if (shared_bytes > 48 * 1024) {
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
  }
  kernel<<<grid, static_cast<unsigned>(threads), shared_bytes, stream>>>(static_cast<P>(args)...);
}

template <class T>
__device__ T* dynamic_shared() {
  extern __shared__ float4 foreword_dynamic_shared[];
  return reinterpret_cast<T*>(foreword_dynamic_shared);
}

__device__ inline float half_bits_to_float(std::uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
__device__ inline std::uint16_t float_to_half_bits(float value) { return __half_as_ushort(__float2half_rn(value)); }

template <class T>
__device__ T lane_xor(T value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }
template <class T>
__device__ T lane_value(T value, int lane) { return __shfl_sync(0xffffffffu, value, lane); }

// c = A B for A [16, 16] and B [16, 8] of signed bytes. In lane 4g + t: a0 and a1 hold A[g][4t..4t+3] and A[g + 8][4t..4t+3], b holds
// B[4t..4t+3][g]; c = C[g][2t], C[g][2t + 1], C[g + 8][2t], C[g + 8][2t + 1] (PTX ISA, mma.m16n8k16 and mma.m8n8k16).
__device__ inline void matrix_product(int (&c)[4], int a0, int a1, int b) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %7, %7, %7};"
      : "=r"(c[0]), "=r"(c[1]), "=r"(c[2]), "=r"(c[3])
      : "r"(a0), "r"(a1), "r"(b), "r"(0));
#else
  asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%4, %4};" : "=r"(c[0]), "=r"(c[1]) : "r"(a0), "r"(b), "r"(0));
  asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%4, %4};" : "=r"(c[2]), "=r"(c[3]) : "r"(a1), "r"(b), "r"(0));
#endif
}

}  // namespace foreword::gpu::cuda

#else

#include <algorithm>
#include <bit>
#include <utility>

#include "gpu/cuda/emulator/emulator.h"
#include "gpu/format.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
#define __shared__ static
#define threadIdx (::foreword::gpu::cuda::emulator::here().thread)
#define blockIdx (::foreword::gpu::cuda::emulator::here().block)
#define blockDim (::foreword::gpu::cuda::emulator::here().block_size)
#define gridDim (::foreword::gpu::cuda::emulator::here().grid_size)

namespace foreword::gpu::cuda {

using Stream = void*;
using Grid = emulator::Index;

struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) uint4 { unsigned x, y, z, w; };

template <class... P, class... A>
void launch(Grid grid, int threads, std::size_t shared_bytes, Stream, void (*kernel)(P...), A... args) {
  emulator::run_grid(grid, static_cast<unsigned>(threads), shared_bytes, [&] { kernel(static_cast<P>(args)...); });
}

template <class T>
T* dynamic_shared() { return reinterpret_cast<T*>(emulator::dynamic_shared()); }

inline void __syncthreads() { emulator::sync_block(); }
inline void __syncwarp() { emulator::sync_warp(); }
inline float half_bits_to_float(std::uint16_t bits) { return half_to_float(bits); }
inline std::uint16_t float_to_half_bits(float value) { return float_to_half(value); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline int __float_as_int(float value) { return std::bit_cast<int>(value); }
inline int __popc(unsigned bits) { return std::popcount(bits); }
inline int atomicMax(int* at, int value) { return std::exchange(*at, std::max(*at, value)); }
inline int atomicAdd(int* at, int value) { return std::exchange(*at, *at + value); }
using std::max;
using std::min;

template <class T>
T lane_xor(T value, int mask) { return emulator::from_lane(value, emulator::lane_of_this_thread() ^ mask); }
template <class T>
T lane_value(T value, int lane) { return emulator::from_lane(value, lane); }

inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
  unsigned all = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned which = selector >> 4 * i & 7u;
    all |= ((which < 4 ? a : b) >> 8 * (which % 4) & 255u) << 8 * i;
  }
  return all;
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((std::uint64_t{high} << 32 | low) >> (shift & 31u));
}

inline int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 32; i += 8) c += static_cast<std::int8_t>(a >> i) * static_cast<std::int8_t>(b >> i);
  return c;
}

inline void matrix_product(int (&c)[4], int a0, int a1, int b) {
  const int mine[3] = {a0, a1, b};
  const std::byte* all = emulator::exchange(mine, sizeof mine);
  const auto word = [all](int lane, int which) {
    int value;
    std::memcpy(&value, all + static_cast<std::size_t>(lane) * emulator::kSlotBytes + static_cast<std::size_t>(which) * sizeof value, sizeof value);
    return value;
  };
  const int lane = emulator::lane_of_this_thread(), g = lane / 4, t = lane % 4;
  for (int i = 0; i < 4; ++i) {
    c[i] = 0;
    for (int k = 0; k < 4; ++k) c[i] = __dp4a(word(4 * g + k, i / 2), word(4 * (2 * t + i % 2) + k, 2), c[i]);
  }
}

}  // namespace foreword::gpu::cuda

#endif

namespace foreword::gpu::cuda {

/// The sum over the warp, the same in every lane and always in the same order.
__device__ inline float sum_over_lanes(float value) {
  for (int distance = 16; distance > 0; distance /= 2) value += lane_xor(value, distance);
  return value;
}
__device__ inline float max_over_lanes(float value) {
  for (int distance = 16; distance > 0; distance /= 2) value = fmaxf(value, lane_xor(value, distance));
  return value;
}

}  // namespace foreword::gpu::cuda

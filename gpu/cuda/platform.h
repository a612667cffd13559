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

// The kernel may have all shared memory of the device that it does not have by itself. Always as much, since what is recorded with more
// must not be replayed under less.
inline void allow_all_shared(const void* kernel) {
  int device = 0, most = 0;
  cudaFuncAttributes own{};
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  cudaFuncGetAttributes(&own, kernel);
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most - static_cast<int>(own.sharedSizeBytes));
}

template <class... P, class... A>
void launch(Grid grid, int threads, std::size_t shared_bytes, Stream stream, void (*kernel)(P...), A... args) {
  constexpr std::size_t kAllowed = 48 * 1024;  // unasked
  if (shared_bytes > kAllowed) allow_all_shared(reinterpret_cast<const void*>(kernel));
  kernel<<<grid, static_cast<unsigned>(threads), shared_bytes, stream>>>(static_cast<P>(args)...);
}

template <class T>
__device__ T* dynamic_shared() {
  extern __shared__ float4 foreword_dynamic_shared[];
  return reinterpret_cast<T*>(foreword_dynamic_shared);
}

__device__ inline float half_bits_to_float(std::uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
__device__ inline std::uint16_t float_to_half_bits(float value) { return __half_as_ushort(__float2half_rn(value)); }
// Two of them in a word, the nearest; what is beyond the largest half becomes that.
__device__ __forceinline__ unsigned half_word(float low, float high) {
#if __CUDA_ARCH__ >= 800
  unsigned both;
  asm("cvt.rn.satfinite.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
#else
  const auto saturated = [](float x) { return x < -65504.0f ? -65504.0f : x > 65504.0f ? 65504.0f : x; };
  const __half2 both = __floats2half2_rn(saturated(low), saturated(high));
  return *reinterpret_cast<const unsigned*>(&both);
#endif
}

// Arithmetic of the halves of words, each result rounded once; half_fms: a b - c; half_min: what is no number stays that.
__device__ __forceinline__ __half2 as_halves(unsigned word) { return *reinterpret_cast<const __half2*>(&word); }
__device__ __forceinline__ unsigned as_word(__half2 halves) { return *reinterpret_cast<const unsigned*>(&halves); }
__device__ __forceinline__ unsigned half_sums(unsigned a, unsigned b) { return as_word(__hadd2_rn(as_halves(a), as_halves(b))); }
__device__ __forceinline__ unsigned half_products(unsigned a, unsigned b) { return as_word(__hmul2_rn(as_halves(a), as_halves(b))); }
__device__ __forceinline__ unsigned half_fms(unsigned a, unsigned b, unsigned c) { return as_word(__hfma2(as_halves(a), as_halves(b), __hneg2(as_halves(c)))); }
__device__ __forceinline__ unsigned half_min(unsigned a, unsigned b) { return as_word(__hmin2_nan(as_halves(a), as_halves(b))); }

template <class T>
__device__ T lane_xor(T value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }
template <class T>
__device__ T lane_value(T value, int lane) { return __shfl_sync(0xffffffffu, value, lane); }

// Asks for the 128 bytes around an address of global memory; a later load finds them in the cache.
// Of memory that no kernel writes meanwhile.
template <class T>
__device__ __forceinline__ T load_constant(const T* global) { return __ldg(global); }
__device__ __forceinline__ void prefetch(const void* global) { asm volatile("prefetch.global.L2 [%0];" ::"l"(global)); }

// Fragments of matrices as the PTX ISA deals them to the lanes of a warp (mma.m16n8k16, mma.m16n8k32 and mma.m8n8k16 of .s8). In lane 4g + t
//   A [16, 16]: a0, a1 = A[g][4t..4t+3], A[g + 8][4t..4t+3];  A [16, 32]: a2, a3 the same 16 columns further on
//   B [16, 8]:  b0 = B[4t..4t+3][g];                         B [32, 8]:  b1 the same 16 rows further down
//   C [16, 8]:  c = C[g][2t], C[g][2t + 1], C[g + 8][2t], C[g + 8][2t + 1]
// Products count from kZero, whose bits are those of kCountOffset: read as a float, a count below 2^22 is exact above it.
inline constexpr int kZero = 0x4b400000;

// c = kZero + A B, k = 16
__device__ __forceinline__ void matrix_product(int (&c)[4], int a0, int a1, int b) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %7, %7, %7};"
      : "=r"(c[0]), "=r"(c[1]), "=r"(c[2]), "=r"(c[3])
      : "r"(a0), "r"(a1), "r"(b), "r"(kZero));
#else
  asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%4, %4};" : "=r"(c[0]), "=r"(c[1]) : "r"(a0), "r"(b), "r"(kZero));
  asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%4, %4};" : "=r"(c[2]), "=r"(c[3]) : "r"(a1), "r"(b), "r"(kZero));
#endif
}

// c += A B, k = 32
__device__ __forceinline__ void add_matrix_product(int (&c)[4], const int (&a)[4], int b0, int b1) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  for (int i = 0; i < 4; ++i) {
    asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};" : "+r"(c[i % 2 * 2]), "+r"(c[i % 2 * 2 + 1]) : "r"(a[i]), "r"(i < 2 ? b0 : b1));
  }
#endif
}

// c += A B of halves, summed in floats, k = 16. Elements as above, two in a word: in lane 4g + t
//   A [16, 16]: a0, a1 = A[g][2t, 2t+1], A[g + 8][2t, 2t+1]; a2, a3 the same 8 columns further on
//   B [16, 8]:  b0 = B[2t, 2t+1][g]; b1 the same 8 rows further down
// The products are exact; of their sum with c what is behind the last bit of a float is dropped, not rounded.
__device__ __forceinline__ void add_half_product(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  for (int i = 0; i < 2; ++i) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[2 * i]), "r"(a[2 * i + 1]), "r"(i == 0 ? b0 : b1));
  }
#endif
}

// A B
__device__ __forceinline__ void half_product(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %10, %10, %10};"
      : "=f"(c[0]), "=f"(c[1]), "=f"(c[2]), "=f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "f"(0.0f));
#else
  for (float& sum : c) sum = 0;
  add_half_product(c, a, b0, b1);
#endif
}

// 16 bytes from global to shared memory, both aligned, on their way while the thread goes on; wait_for_copies<n>: until all but the last
// n groups of this thread have come.
__device__ __forceinline__ void copy_async(void* shared, const void* global) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(shared))), "l"(global) : "memory");
#else
  *static_cast<uint4*>(shared) = *static_cast<const uint4*>(global);
#endif
}
__device__ __forceinline__ void end_copy_group() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
template <int kLeft>
__device__ __forceinline__ void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
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
#define __noinline__
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
struct alignas(8) uint2 { unsigned x, y; };
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
inline unsigned half_word(float low, float high) {
  const auto nearest = [](float x) { return float_to_half(x < -65504.0f ? -65504.0f : x > 65504.0f ? 65504.0f : x); };
  return nearest(low) | static_cast<unsigned>(nearest(high)) << 16;
}
template <class Combine>
unsigned each_half(const Combine& combine) {
  return float_to_half(combine(0)) | static_cast<unsigned>(float_to_half(combine(16))) << 16;
}
inline float half_of(unsigned word, int shift) { return half_to_float(static_cast<std::uint16_t>(word >> shift)); }
inline unsigned half_sums(unsigned a, unsigned b) { return each_half([&](int i) { return half_of(a, i) + half_of(b, i); }); }
inline unsigned half_products(unsigned a, unsigned b) { return each_half([&](int i) { return half_of(a, i) * half_of(b, i); }); }
inline unsigned half_fms(unsigned a, unsigned b, unsigned c) { return each_half([&](int i) { return half_of(a, i) * half_of(b, i) - half_of(c, i); }); }
inline unsigned half_min(unsigned a, unsigned b) { return each_half([&](int i) { return half_of(b, i) < half_of(a, i) ? half_of(b, i) : half_of(a, i); }); }
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline float __int_as_float(int bits) { return std::bit_cast<float>(bits); }
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

// Fragments of matrices: as above, by the PTX ISA's description (see nvcc's side).
inline constexpr int kZero = 0x4b400000;

// What the lanes of this warp gave: words, or the halves in them as floats.
template <class T>
class Fragments {
 public:
  template <int n>
  explicit Fragments(const T (&mine)[n]) : all_(emulator::exchange(mine, sizeof mine)) {}
  T word(int lane, int which) const {
    T value;
    std::memcpy(&value, all_ + static_cast<std::size_t>(lane) * emulator::kSlotBytes + static_cast<std::size_t>(which) * sizeof value, sizeof value);
    return value;
  }

 private:
  const std::byte* all_;
};

inline void matrix_product(int (&c)[4], int a0, int a1, int b) {
  const Fragments<int> all({a0, a1, b});
  const int lane = emulator::lane_of_this_thread(), g = lane / 4, t = lane % 4;
  for (int i = 0; i < 4; ++i) {
    c[i] = kZero;
    for (int k = 0; k < 4; ++k) c[i] = __dp4a(all.word(4 * g + k, i / 2), all.word(4 * (2 * t + i % 2) + k, 2), c[i]);
  }
}

inline void add_matrix_product(int (&c)[4], const int (&a)[4], int b0, int b1) {
  const Fragments<int> all({a[0], a[1], a[2], a[3], b0, b1});
  const int lane = emulator::lane_of_this_thread(), g = lane / 4, t = lane % 4;
  for (int i = 0; i < 4; ++i) {
    for (int k = 0; k < 8; ++k) c[i] = __dp4a(all.word(4 * g + k % 4, i / 2 + k / 4 * 2), all.word(4 * (2 * t + i % 2) + k % 4, 4 + k / 4), c[i]);
  }
}

inline void add_half_product(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  const unsigned words[6] = {a[0], a[1], a[2], a[3], b0, b1};
  float values[13];
  for (int i = 0; i < 12; ++i) values[i] = half_to_float(static_cast<std::uint16_t>(words[i / 2] >> 16 * (i % 2)));
  values[12] = 0 * (values[8] + values[9] + values[10] + values[11]);  // 0, or no number
  const Fragments<float> all(values);
  const int lane = emulator::lane_of_this_thread(), g = lane / 4, t = lane % 4;
  const auto element = [&](int first_lane, int k, int which) { return all.word(first_lane + k % 8 / 2, which + k % 2); };
  for (int half = 0; half < 2; ++half) {
    float row[16];
    for (int k = 0; k < 16; ++k) row[k] = element(4 * g, k, k / 8 * 4 + half * 2);
    const bool is_zero = std::all_of(row, row + 16, [](float value) { return value == 0; });  // where there is one tile of vectors, most
    for (int odd = 0; odd < 2; ++odd) {
      if (is_zero) {
        for (int k = 0; k < 4; ++k) c[2 * half + odd] += all.word(4 * (2 * t + odd) + k, 12);
        continue;
      }
      double sum = c[2 * half + odd];
      for (int k = 0; k < 16; ++k) sum += static_cast<double>(row[k]) * static_cast<double>(element(4 * (2 * t + odd), k, 8 + k / 8 * 2));
      float rounded = static_cast<float>(sum);
      if (std::fabs(static_cast<double>(rounded)) > std::fabs(sum)) rounded = std::nextafterf(rounded, 0.0f);
      c[2 * half + odd] = rounded;
    }
  }
}

inline void half_product(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  for (float& sum : c) sum = 0;
  add_half_product(c, a, b0, b1);
}

template <class T>
T load_constant(const T* global) { return *global; }
inline void prefetch(const void* global) { static_cast<void>(*static_cast<const volatile std::uint8_t*>(global)); }  // it has to be there
inline void copy_async(void* shared, const void* global) { std::memcpy(shared, global, 16); }
inline void end_copy_group() {}
template <int kLeft>
void wait_for_copies() {}

}  // namespace foreword::gpu::cuda

#endif

namespace foreword::gpu::cuda {

inline constexpr float kCountOffset = 12582912.0f;  // 1.5 * 2^23

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

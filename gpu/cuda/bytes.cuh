#pragma once
// Bytes of a file's blocks, which lie at any or at even addresses, and the small floats that they hold.

#include "gpu/cuda/platform.h"

namespace foreword::gpu::cuda {

// Two bytes aligned.
__device__ __forceinline__ unsigned loose_word_at(const std::uint8_t* p) {
  const auto* halves = reinterpret_cast<const std::uint16_t*>(p);
  return halves[0] | static_cast<unsigned>(halves[1]) << 16;
}
__device__ __forceinline__ float half_at(const std::uint8_t* p) { return half_bits_to_float(*reinterpret_cast<const std::uint16_t*>(p)); }

__device__ __forceinline__ float half_power_of_two(int exponent) {
  return __uint_as_float(exponent < 2 ? 0x00200000u << exponent : static_cast<unsigned>(exponent - 1) << 23);
}
__device__ __forceinline__ float half_ue4m3(int code) {
  if (code == 0x7f) return 0;
  const int exponent = code >> 3 & 15, mantissa = code & 7;
  const float power = __uint_as_float(static_cast<unsigned>((exponent == 0 ? 1 : exponent) - 7 + 127) << 23);
  const float fraction = static_cast<float>(mantissa) * 0.125f;
  return (exponent == 0 ? fraction : 1.0f + fraction) * power * 0.5f;
}

}  // namespace foreword::gpu::cuda

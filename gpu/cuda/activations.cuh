#pragma once
// The activation functions of gpu/backend.h, the same bits in every kernel.

#include "gpu/backend.h"
#include "gpu/cuda/platform.h"

namespace foreword::gpu::cuda {

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ __forceinline__ float activated(int activation, float x) {
  if (activation == static_cast<int>(Activation::silu)) return x / (1.0f + expf(-x));
  const float u = 0.7978845608f * x * fmaf(0.044715f * x, x, 1.0f);
  return x / (1.0f + expf(-2.0f * u));
}
__device__ __forceinline__ float gated(int activation, float gate, float up) {
  if (activation != static_cast<int>(Activation::clamped_silu)) return activated(activation, gate) * up;
  const float g = fminf(gate, 7.0f), u = fminf(fmaxf(up, -7.0f), 7.0f);
  return g * sigmoid(1.702f * g) * (u + 1.0f);
}

}  // namespace foreword::gpu::cuda

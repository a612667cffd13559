#pragma once
// Norms of a group of columns, by a warp or by a block of kNormThreads; which of them depends on the size of the group alone, so that the
// sums go the same way wherever a norm is made.

#include "gpu/cuda/platform.h"

namespace foreword::gpu::cuda {

inline constexpr int kNormThreads = 1024;
inline constexpr std::int64_t kWarpGroup = 512;

template <bool kBlock>
__device__ float sum_of_group(float value) {
  value = sum_over_lanes(value);
  if (!kBlock) return value;
  __shared__ float parts[kNormThreads / 32];
  __syncthreads();
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  value = 0;
  for (int i = 0; i < kNormThreads / 32; ++i) value += parts[i];
  return value;
}

struct Moments {
  float mean, factor;

  __device__ float normed(float x, float weight, const float* bias) const {
    const float value = (x - mean) * factor * weight;
    return bias == nullptr ? value : value + *bias;
  }
};

/// In all threads of the warp or block. value_at(c): column c of the group.
template <bool kBlock, class Value>
__device__ Moments moments_of(std::int64_t group, bool centre, float eps, Value value_at) {
  constexpr int kStep = kBlock ? kNormThreads : 32;
  const std::int64_t me = threadIdx.x % kStep;
  float mean = 0;
  if (centre) {
    for (std::int64_t c = me; c < group; c += kStep) mean += value_at(c);
    mean = sum_of_group<kBlock>(mean) / static_cast<float>(group);
  }
  float squares = 0;
  for (std::int64_t c = me; c < group; c += kStep) squares = fmaf(value_at(c) - mean, value_at(c) - mean, squares);
  return {mean, 1.0f / sqrtf(sum_of_group<kBlock>(squares) / static_cast<float>(group) + eps)};
}

/// The same by a block of kNormThreads, each warp for itself where one is enough.
template <class Value>
__device__ Moments moments_in_block(std::int64_t group, bool centre, float eps, Value value_at) {
  return group > kWarpGroup ? moments_of<true>(group, centre, eps, value_at) : moments_of<false>(group, centre, eps, value_at);
}

}  // namespace foreword::gpu::cuda

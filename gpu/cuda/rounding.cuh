#pragma once
// The input of products in 8 bits for each run of 16 columns (gpu/cpu/activations.h), in the order in which matrix_product() takes it.

#include "gpu/cuda/codes.cuh"

namespace foreword::gpu::cuda {

inline constexpr int kTile = 8;                       // input rows of one matrix_product
inline constexpr float kSmallestStep = 1.17549435e-38f;  // below: the run counts as zeros

/// Slots are input rows, filled up to whole tiles by zeros. For each tile, each term and each run: 8 x 16 codes, and 8 steps
/// {d, d * sum of the codes}.
struct Rounded {
  int* codes;     // [tiles][terms][runs][8][4 words]
  float2* steps;  // [tiles][terms][runs][8]
  std::int64_t runs;
  int terms;
};

__host__ __device__ constexpr std::int64_t slots_in_tiles(std::int64_t n_slots) { return (n_slots + kTile - 1) / kTile * kTile; }

/// One run of one slot. The values are used up.
__device__ __forceinline__ void round_run(float (&values)[kRun], std::int64_t slot, std::int64_t run, const Rounded& out) {
  for (int term = 0; term < out.terms; ++term) {
    float largest = 0;
    for (int i = 0; i < kRun; ++i) largest = fmaxf(largest, fabsf(values[i]));
    float d = largest / 127.0f;
    d = d < kSmallestStep ? 0 : d;
    const float inverse = d > 0 ? 1.0f / d : 0;
    int words[4] = {}, sum = 0;
    for (int i = 0; i < kRun; ++i) {
      const float rounded = rintf(values[i] * inverse);
      const int code = static_cast<int>(fminf(fmaxf(rounded, -127.0f), 127.0f));
      words[i / 4] |= (code & 255) << 8 * (i % 4);
      sum += code;
      values[i] = fmaf(-d, rounded, values[i]);
    }
    const std::int64_t place = ((slot / kTile * out.terms + term) * out.runs + run) * kTile + slot % kTile;
    for (int i = 0; i < 4; ++i) out.codes[4 * place + i] = words[i];
    out.steps[place] = float2{d, d * static_cast<float>(sum)};
  }
}

}  // namespace foreword::gpu::cuda

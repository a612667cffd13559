#pragma once
// The input of products in 8 bits for each run of 16 columns (gpu/cpu/activations.h), in the order in which the units of weights take it.

#include "gpu/cuda/units.cuh"

namespace foreword::gpu::cuda {

inline constexpr int kTile = 8;                       // input rows of one matrix_product
inline constexpr float kSmallestStep = 1.17549435e-38f;  // below: the run counts as zeros

/// Slots are input rows, filled up to whole tiles by zeros. In this order a lane of matrix_product() finds what it needs of a chunk
/// (packing.h) in 16 bytes: of a tile, a term and a chunk the codes [8 slots][4 words][4 runs]; the steps d [8 slots][4 runs]; and
/// d * the sum of the codes [8 slots][4 runs]. What belongs to runs behind the last is never looked at.
struct Rounded {
  unsigned* codes;
  float *steps, *sums;
  std::int64_t runs;
  int terms;

  __host__ __device__ std::int64_t units() const { return (runs + 15) / 16; }
  /// Of a slot in a chunk; times 16 in codes, times 4 in steps and sums.
  __host__ __device__ std::int64_t place(std::int64_t tile, int term, std::int64_t chunk, int slot) const {
    return ((tile * terms + term) * units() * kUnitChunks + chunk) * kTile + slot;
  }
};

__host__ __device__ constexpr std::int64_t slots_in_tiles(std::int64_t n_slots) { return (n_slots + kTile - 1) / kTile * kTile; }

/// One run of one slot. The values are used up.
__device__ __forceinline__ void round_run(float (&values)[kRun], std::int64_t slot, std::int64_t run, const Rounded& out) {
  const std::int64_t chunk = run / 16 * kUnitChunks + run % 8 / 2, r = run % 16 / 8 * 2 + run % 2;
  for (int term = 0; term < out.terms; ++term) {
    unsigned largest = 0;  // as an integer: there what is no number is above all, and fmaxf would drop it
    for (int i = 0; i < kRun; ++i) largest = max(largest, __float_as_uint(fabsf(values[i])));
    float d = __uint_as_float(largest) / 127.0f;
    d = d < kSmallestStep ? 0 : d;
    const float inverse = d > 0 ? 1.0f / d : 0;
    unsigned words[4] = {};
    int sum = 0;
    for (int i = 0; i < kRun; ++i) {
      const float rounded = rintf(values[i] * inverse);
      const int code = static_cast<int>(fminf(fmaxf(rounded, -127.0f), 127.0f));
      words[i / 4] |= static_cast<unsigned>(code & 255) << 8 * (i % 4);
      sum += code;
      values[i] = fmaf(-d, rounded, values[i]);
    }
    const std::int64_t place = out.place(slot / kTile, term, chunk, static_cast<int>(slot % kTile));
    for (int i = 0; i < 4; ++i) out.codes[16 * place + kInChunk * i + r] = words[i];
    out.steps[kInChunk * place + r] = d;
    out.sums[kInChunk * place + r] = d * static_cast<float>(sum);
  }
}

}  // namespace foreword::gpu::cuda

#pragma once
// The input of products in 8 bits for each run of 16 columns (gpu/cpu/activations.h), in the order in which the units of weights take it.

#include "gpu/cuda/units.cuh"

namespace foreword::gpu::cuda {

inline constexpr int kTile = 8;                       // input rows of one matrix_product
inline constexpr float kSmallestStep = 1.17549435e-38f;  // below: the run counts as zeros
inline constexpr unsigned kStepBits = ~3u;               // of a step: its product with kCountOffset is exact (products.cuh)

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

/// A warp rounds two runs, half of it each: a lane has the value of its column, lane % kRun, of a run of a slot. A half whose run is not
/// one of out.runs writes nothing.
__device__ __forceinline__ void round_run(float value, unsigned slot, unsigned run, const Rounded& out) {
  const int column = static_cast<int>(threadIdx.x) % kRun;
  const std::int64_t chunk = run / 16 * kUnitChunks + run % 8 / 2, r = run % 16 / 8 * 2 + run % 2;
  for (int term = 0; term < out.terms; ++term) {
    unsigned largest = __float_as_uint(fabsf(value));  // as an integer: there what is no number is above all, and fmaxf would drop it
    for (int distance = kRun / 2; distance > 0; distance /= 2) largest = max(largest, lane_xor(largest, distance));
    float d = __uint_as_float(largest) / 127.0f;
    d = d < kSmallestStep ? 0 : d;
    const float rounded = rintf(value * (d > 0 ? 1.0f / d : 0));  // the codes are the processor's
    d = __uint_as_float(__float_as_uint(d) & kStepBits);
    const int code = static_cast<int>(fminf(fmaxf(rounded, -127.0f), 127.0f));
    value = fmaf(-d, rounded, value);
    int sum = code;
    for (int distance = kRun / 2; distance > 0; distance /= 2) sum += lane_xor(sum, distance);
    unsigned word = static_cast<unsigned>(code & 255) << 8 * (column % 4);
    word |= lane_xor(word, 1);
    word |= lane_xor(word, 2);
    if (run >= out.runs) continue;
    const std::int64_t place = out.place(slot / kTile, term, chunk, static_cast<int>(slot % kTile));
    if (column % 4 == 0) out.codes[16 * place + column + r] = word;
    if (column == 0) out.steps[kInChunk * place + r] = d;
    if (column == 0) out.sums[kInChunk * place + r] = d * static_cast<float>(sum);
  }
}
inline constexpr unsigned kNoRun = 0xffffffffu;

}  // namespace foreword::gpu::cuda

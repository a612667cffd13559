#pragma once
// Products of weights in few bits with activations in 8, and the table of kernels; the last part of kernels_impl.h. A lane is
// a weight row: no sums across lanes, and an activation is broadcast to all rows. The codes of 32 columns of all panels are
// unpacked into registers and stay there while the rows of x go by; the sums of a few rows stay in registers for a whole tile.

#include <utility>

#include "gpu/cpu/kernels_formats.h"
#include "gpu/cpu/kernels_kv.h"
#include "gpu/cpu/kernels_quantise.h"

namespace foreword::gpu {
namespace {

// ---- the product ---------------------------------------------------------------------------------------------------

// 32 columns of all panels.
template <class Format>
struct Codes {
  U w[kPanels][8];
  F scale[kPanels][32 / Format::kGroup];
  F min[kPanels];

  // sums += these columns * a block of a row of x, whose broadcasts serve all panels.
  void multiply(const QuantBlock& x, F (&sums)[kPanels]) const {
    constexpr bool kFold = Format::kOffset != 0;
    const F d0 = all(x.d[0]), d1 = all(x.d[1]);
    const U start0 = kFold ? all_of(x.minus_sums) * Format::kOffset : U{};
    const U start1 = kFold ? all_of(x.minus_sums + 1) * Format::kOffset : U{};
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
      const F low = to_float(dot_16<Format::kBits>(start0, w[p][0], w[p][1], w[p][2], w[p][3], x.q));
      const F high = to_float(dot_16<Format::kBits>(start1, w[p][4], w[p][5], w[p][6], w[p][7], x.q + 16));
      if constexpr (Format::kGroup == 32) {
        sums[p] = fma(fma(high, d1, low * d0), scale[p][0], sums[p]);
      } else {
        sums[p] = fma(low * d0, scale[p][0], sums[p]);
        sums[p] = fma(high * d1, scale[p][1], sums[p]);
      }
      if constexpr (Format::kMin) sums[p] = fma(min[p], all(x.offset), sums[p]);
    }
  }
};

template <class Format, class Rows, int kPhase>
inline Codes<Format> codes_of(const WeightTile& w, const typename Format::Scales* scales, std::int64_t block, std::int64_t b) {
  Codes<Format> codes;
#pragma GCC unroll 2
  for (int p = 0; p < kPanels; ++p) {
    const Rows rows = Rows::of_block(w, p, block);
    Format::template codes<kPhase>(rows, b, codes.w[p]);
#pragma GCC unroll 2
    for (int g = 0; g < 32 / Format::kGroup; ++g) codes.scale[p][g] = scales[p].scale(rows, b, g);
    if constexpr (Format::kMin) codes.min[p] = scales[p].min(b);
  }
  return codes;
}

inline void load_sums(const float* acc, F (&sums)[kPanels]) {
#pragma GCC unroll 2
  for (int p = 0; p < kPanels; ++p) sums[p] = load(acc + p * kLanes);
}
inline void store_sums(const F (&sums)[kPanels], float* acc) {
#pragma GCC unroll 2
  for (int p = 0; p < kPanels; ++p) store(acc + p * kLanes, sums[p]);
}

// For kRows rows, whose sums stay in registers; for any number, where kRows is 0.
template <class Format, class Rows, int kRows, int... kPhase>
inline void multiply_in_phases(WeightTile w, const QuantRows& x, float* acc, std::integer_sequence<int, kPhase...>) {
  constexpr std::int64_t kBytes = Format::kBlockBytes * 32 / Format::kBlockCols * kLanes * kPanels;  // of 32 columns
  constexpr std::int64_t kAccRow = kPanels * kLanes;
  const std::int64_t n = x.n, stride = x.stride;
  const QuantBlock* blocks = x.blocks;
  const std::uint8_t* ahead = w.ahead;
  F held[kRows + 1][kPanels];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) load_sums(acc + i * kAccRow, held[i]);
  const auto step = [&](const Codes<Format>& codes) __attribute__((always_inline)) {
    for (std::int64_t at = 0; at < kBytes; at += 64) prefetch(ahead + at);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) codes.multiply(blocks[i], held[i]);
    for (std::int64_t i = 0; kRows == 0 && i < n; ++i) {
      F sums[kPanels];
      load_sums(acc + i * kAccRow, sums);
      codes.multiply(blocks[i], sums);
      store_sums(sums, acc + i * kAccRow);
    }
    blocks += stride;
    ahead += kBytes;
  };
  for (std::int64_t i = 0; i < w.n_cols / Format::kBlockCols; ++i) {
    typename Format::Scales scales[kPanels];
    for (int p = 0; p < kPanels; ++p) scales[p].read(Rows::of_block(w, p, i));
    for (int b = 0; b < Format::kBlockCols / 32; b += Format::kPhases) {
      (step(codes_of<Format, Rows, kPhase>(w, scales, i, b + kPhase)), ...);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) store_sums(held[i], acc + i * kAccRow);
}

// Flattened: in functions of this size g++ stops inlining, and vectors then pass through memory.
template <class Format, class Rows, int kRows>
__attribute__((flatten)) void multiply_held(const WeightTile& w, const QuantRows& x, float* acc) {
  multiply_in_phases<Format, Rows, kRows>(w, x, acc, std::make_integer_sequence<int, Format::kPhases>());
}

// kMostHeld: rows with a loop of their own.
template <class Format, class Rows, int kMostHeld>
void multiply(const WeightTile& w, const QuantRows& x, float* acc) {
  if constexpr (kMostHeld > 0) {
    if (x.n <= kMostHeld) return x.n == kMostHeld ? multiply_held<Format, Rows, kMostHeld>(w, x, acc) : multiply<Format, Rows, kMostHeld - 1>(w, x, acc);
  }
  multiply_held<Format, Rows, 0>(w, x, acc);
}

template <class Format>
constexpr IntegerKernel integer_kernel() {
  return {Format::kId, Format::kHalfAt, Format::kScalesAt * kLanes * kPanels, multiply<Format, FileRows<Format>, 0>, multiply<Format, InterleavedRows<Format>, kHeldRows>};
}

// The table of this set of instructions.
constexpr Kernels make_kernels() {
  Kernels k;
  k.lanes = kLanes;
  k.tile_rows = kLanes * kPanels;
  k.integer[0] = integer_kernel<Q4_0>();
  k.integer[1] = integer_kernel<Q5_0>();
  k.integer[2] = integer_kernel<Q8_0>();
  k.integer[3] = integer_kernel<Q4_K>();
  k.integer[4] = integer_kernel<Q5_K>();
  k.integer[5] = integer_kernel<Q6_K>();
  k.quantise = quantise;
  k.dot_f32 = dot<FromF32>;
  k.dot_f16 = dot<FromF16>;
  k.dot_bf16 = dot<FromBf16>;
  k.transpose_slots_f32 = transpose_slots<FromF32>;
  k.transpose_slots_f16 = transpose_slots<FromF16>;
  k.weighted_sum_f32 = weighted_sum<FromF32>;
  k.weighted_sum_f16 = weighted_sum<FromF16>;
  k.kv[1] = kv_kernel<KvQ8>();  // by the ids of KvFormat
  k.kv[2] = kv_kernel<KvQ4h>();
  k.kv[3] = kv_kernel<KvQ2h>();
  k.transpose_scales = transpose_scales;
  k.rotate = rotate;
  k.softmax_page = softmax_page;
  k.add_weighted = add_weighted;
  k.blend = blend;
  k.silu = silu;
  k.gelu = gelu;
  k.silu_glu = silu_glu;
  k.gelu_glu = gelu_glu;
  k.clamped_silu_glu = clamped_silu_glu;
  k.softcap = softcap;
  k.add = add;
  k.scale = scale;
  k.rms_norm = rms_norm;
  k.layer_norm = layer_norm;
  k.from_half = from_half;
  k.to_half = to_half;
  k.read = read;
  k.integer_peak = integer_peak;
  return k;
}

}  // namespace
}  // namespace foreword::gpu

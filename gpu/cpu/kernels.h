#pragma once
// The inner loops of the processor backend, as tables of function pointers: one table for each set of instructions,
// each compiled in a file of its own (kernels_generic.cpp, kernels_avx2.cpp, kernels_avx512.cpp). This header is all
// that those files share with the rest; it holds no inline function, because the linker could then keep the copy that
// was compiled with AVX-512 for everybody.
//
// Every sum has one fixed order that depends on the length alone: not on how many rows are computed together.

#include <cstdint>

namespace foreword::gpu {

/// 32 columns of one activation row in 8 bits per 16: x = d[c / 16] * q[c].
struct QuantBlock {
  std::int8_t q[32];
  float d[2];
  std::int32_t minus_sums[2];  // of q, for each 16 columns
  float offset;                // what an offset of 1 takes off a product: d * minus_sum of both runs
};
inline constexpr std::int64_t kQuantCols = 32;
/// A smaller d counts as 0, for 1 / d must be finite.
inline constexpr float kSmallestStep = 1.17549435e-38F;

/// The R = tile_rows weight rows of a tile.
struct WeightTile {
  const std::uint8_t* bytes = nullptr;
  std::int64_t stride = 0;  // bytes from row to row, as in a file; interleaved rows have none
  std::int64_t n_cols = 0;  // a multiple of 32
  const std::uint8_t* ahead = nullptr;  // from where on memory is fetched meanwhile, as many bytes as the tile has: a hint
};
/// n activation rows side by side: block b of row i at blocks[b * stride + i].
struct QuantRows {
  const QuantBlock* blocks = nullptr;
  std::int64_t stride = 0;
  std::int64_t n = 0;
};
/// acc[i][R] += tile * x row i.
using MultiplyFn = void (*)(const WeightTile& w, const QuantRows& x, float* acc);
struct IntegerKernel {
  int format = -1;   // Format's value
  int half_at = -1;  // where in a block the one f16 lies that is no part of a word of 4 bytes; -1: there is none
  std::int64_t reach = 0;  // of an interleaved tile: how many bytes behind the first of a block are read at once with it
  MultiplyFn as_filed = nullptr;
  MultiplyFn interleaved = nullptr;
};

/// out[j * out_stride + i] = w_i . x_j for n_w weight rows `w_stride` bytes apart and the x rows rows[j] (or j where
/// rows is null), x_stride floats apart. Exact products, f32 sums.
using DotFn = void (*)(const void* w, std::int64_t w_stride, std::int64_t n_w, const float* x, std::int64_t x_stride,
                       const std::int32_t* rows, std::int64_t n_x, std::int64_t cols, float* out,
                       std::int64_t out_stride);
/// Bytes that will be read next: a hint.
struct Ahead {
  const std::uint8_t* bytes = nullptr;
  std::int64_t n = 0;
};
/// out[c * 32 + t] = column c of slot t for n_slots of at most 32 slots, rounded up to whole vectors; slot t lies at rows[t * cols].
using TransposeSlotsFn = void (*)(const void* rows, std::int64_t n_slots, std::int64_t cols, float* out, Ahead ahead);
inline constexpr std::int64_t kKeySlots = 32;
/// out[j * out_stride + c] = sum over t in [first, last) of p[j * p_stride + t] * v[t * v_stride + c]; v points to row 0.
using WeightedSumFn = void (*)(const float* p, std::int64_t p_stride, std::int64_t n_p, const void* v, std::int64_t v_stride,
                               std::int64_t first, std::int64_t last, std::int64_t cols, float* out, std::int64_t out_stride,
                               Ahead ahead);
inline constexpr int kMaxIntegerKernels = 8;

/// n_groups groups of `group` (16 or 32) keys or values as floats, the bits of decode_rows() in kv_format.h.
using DecodeKvFn = void (*)(const std::uint8_t* codes, const std::uint16_t* scales, std::int64_t group,
                            std::int64_t n_groups, float* out);
/// out[j * 64 + t] = key t . query j for the 64 keys of a tile whose scales lie as floats [cols / 32][64]; cols is a multiple
/// of 32. Block b of query j is q[b * stride + j], what it misses (Kernels::quantise) second_term blocks behind.
using KvDotFn = void (*)(const std::uint8_t* codes, const float* scales, std::int64_t cols, const QuantBlock* q,
                         std::int64_t stride, std::int64_t second_term, std::int64_t n_q, float* out, Ahead ahead);
/// out[j * cols + c] = sum over t in [first, last) of p[j * 64 + t] * value t at column c; tile as above.
using KvWeightedSumFn = void (*)(const float* p, std::int64_t n_p, const std::uint8_t* codes, const float* scales,
                                 std::int64_t first, std::int64_t last, std::int64_t cols, float* out, Ahead ahead);
/// Kernels of an encoding with scales.
struct KvKernel {
  DecodeKvFn decode = nullptr;
  KvDotFn dot = nullptr;
  KvWeightedSumFn weighted_sum = nullptr;
};

struct Kernels {
  int lanes = 0;      // L
  int tile_rows = 0;  // R: L times the panels of a tile
  IntegerKernel integer[kMaxIntegerKernels];

  /// One row of `cols` (a multiple of 32) floats; block b goes to out[b * block_stride]. With second_term > 0 what the
  /// codes miss is rounded in the same way and goes to out[b * block_stride + second_term].
  void (*quantise)(const float* x, std::int64_t cols, QuantBlock* out, std::int64_t block_stride,
                   std::int64_t second_term) = nullptr;

  DotFn dot_f32 = nullptr, dot_f16 = nullptr, dot_bf16 = nullptr;
  TransposeSlotsFn transpose_slots_f32 = nullptr, transpose_slots_f16 = nullptr;
  WeightedSumFn weighted_sum_f32 = nullptr, weighted_sum_f16 = nullptr;

  /// By KvFormat, for those that have scales.
  KvKernel kv[4];
  /// The scales [64, n] of a tile as floats [n, 64].
  void (*transpose_scales)(const std::uint16_t* scales, std::int64_t n, float* out) = nullptr;
  /// rotate() of kv_format.h, to the bit; n is 1 or at least 16.
  void (*rotate)(float* x, std::int64_t cols, std::int64_t n) = nullptr;
  /// Logits in place: s = scale * s, then cap * tanh(s / cap) if cap > 0, then exp(s - largest) for [first, last), 0
  /// for the rest of the 64. Gives the largest and the sum.
  void (*softmax_page)(float* logits, int first, int last, float scale, float cap, float* largest, float* sum) = nullptr;
  /// sum = sum + weight * v, in one rounding: one more term of a weighted_sum.
  void (*add_weighted)(float* sum, float weight, const float* v, std::int64_t n) = nullptr;
  /// o = o * a + p * b.
  void (*blend)(float* o, float a, const float* p, float b, std::int64_t n) = nullptr;

  void (*silu)(const float* x, std::int64_t n, float* out) = nullptr;
  void (*gelu)(const float* x, std::int64_t n, float* out) = nullptr;
  void (*silu_glu)(const float* gate, const float* up, std::int64_t n, float* out) = nullptr;
  void (*gelu_glu)(const float* gate, const float* up, std::int64_t n, float* out) = nullptr;
  void (*clamped_silu_glu)(const float* gate, const float* up, std::int64_t n, float* out) = nullptr;
  void (*softcap)(float* x, std::int64_t n, float cap) = nullptr;
  /// out = x + scale * y; out = x * scale.
  void (*add)(const float* x, const float* y, float scale, std::int64_t n, float* out) = nullptr;
  void (*scale)(const float* x, float scale, std::int64_t n, float* out) = nullptr;
  void (*rms_norm)(const float* x, const float* weight, float eps, std::int64_t n, float* out) = nullptr;
  /// `bias` may be null.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float eps, std::int64_t n,
                     float* out) = nullptr;
  void (*from_half)(const std::uint16_t* x, std::int64_t n, float* out) = nullptr;
  /// Saturates at +-65504.
  void (*to_half)(const float* x, std::int64_t n, std::uint16_t* out) = nullptr;
  /// Reads n bytes (a multiple of 64) as fast as the loads of the kernels can; gives their sum as a proof.
  std::uint64_t (*read)(const void* data, std::int64_t n) = nullptr;
  /// As many integer products from registers as `loops` says; how many operations that were.
  std::int64_t (*integer_peak)(std::int64_t loops) = nullptr;
};

/// Plain C++.
extern const Kernels kKernelsGeneric;
/// Only where supported() says so; absent on other processors than x86-64.
extern const Kernels kKernelsAvx2;
extern const Kernels kKernelsAvxVnni;
extern const Kernels kKernelsAvx512;

}  // namespace foreword::gpu

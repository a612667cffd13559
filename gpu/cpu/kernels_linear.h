#pragma once
// Products of weights in few bits with activations in 8, and the table of kernels; the last part of kernels_impl.h. Block
// layouts: docs/formats.md. A lane is a weight row: no sums across lanes, and an activation is broadcast to all rows. The
// codes of 32 columns of all panels are unpacked into registers and stay there while the rows of x go by.

#include <utility>

#include "gpu/cpu/kernels_impl.h"
#include "gpu/cpu/kernels_kv.h"
#include "gpu/cpu/kernels_quantise.h"

namespace foreword::gpu {
namespace {

constexpr std::uint32_t kNibbles = 0x0F0F0F0F;
constexpr std::uint32_t kOnes = 0x01010101;

// ---- how kLanes weight rows lie ------------------------------------------------------------------------------------

// As in a file: read and transposed.
template <class Format>
struct FileRows {
  const std::uint8_t* at;
  std::int64_t stride;

  static FileRows of_block(const WeightTile& w, std::int64_t panel, std::int64_t block) {
    return {w.bytes + panel * kLanes * w.stride + block * Format::kBlockBytes, w.stride};
  }
  void columns(std::int64_t byte, U& c0, U& c1, U& c2, U& c3) const { load_columns(at + byte, stride, c0, c1, c2, c3); }
  U word(std::int64_t byte) const {
    U word, unused1, unused2, unused3;
    columns(byte, word, unused1, unused2, unused3);
    return word;
  }
  // Reads no byte behind the block: 16 bytes from there, or up to there.
  F half() const {
    if constexpr (Format::kHalfAt + 16 <= Format::kBlockBytes) return half_lanes(word(Format::kHalfAt));
    U unused0, unused1, unused2, last;
    columns(Format::kHalfAt - 14, unused0, unused1, unused2, last);
    return half_lanes(last >> 16);
  }
};

// As panel_layout.h has interleaved them.
template <class Format>
struct InterleavedRows {
  static constexpr std::int64_t kHalfBytes = Format::kHalfAt >= 0 ? 2 : 0, kWordBytes = Format::kBlockBytes - kHalfBytes;
  static constexpr std::int64_t kRows = kLanes * kPanels;
  const std::uint8_t* words;
  const std::uint8_t* halves;

  static InterleavedRows of_block(const WeightTile& w, std::int64_t panel, std::int64_t block) {
    const std::uint8_t* at = w.bytes + block * Format::kBlockBytes * kRows;
    return {at + panel * kLanes * 4, at + kRows * kWordBytes + panel * kLanes * kHalfBytes};
  }
  void columns(std::int64_t byte, U& c0, U& c1, U& c2, U& c3) const {
    c0 = word(byte);
    c1 = word(byte + 4);
    c2 = word(byte + 8);
    c3 = word(byte + 12);
  }
  U word(std::int64_t byte) const {
    U v;
    __builtin_memcpy(&v, words + (Format::kHalfAt >= 0 && byte > Format::kHalfAt ? byte - 2 : byte) * kRows, sizeof v);
    return v;
  }
  F half() const { return load_half(reinterpret_cast<const std::uint16_t*>(halves)); }
};

// Bit kFrom of every byte at bit kTo, the others shifted likewise.
template <int kFrom, int kTo>
inline U moved(U bits) {
  return kFrom < kTo ? bits << (kTo > kFrom ? kTo - kFrom : 0) : bits >> (kFrom > kTo ? kFrom - kTo : 0);
}

// ---- formats -------------------------------------------------------------------------------------------------------

// weight = scale * (code - kOffset) - min, codes of kBits, a scale for each kGroup columns and, if kMin, a minimum for each
// 32. codes() gives the codes of the columns from 32 b on of a block; kPhase is b modulo kPhases, known to the compiler because
// shifts depend on it. Scales gives their scales and minimum; it reads once for a block what is better not unpacked piecemeal.

// Blocks of 32 columns with one scale.
struct SmallBlocks {
  static constexpr int kBlockCols = 32, kHalfAt = 0, kGroup = 32, kPhases = 1;
  static constexpr bool kMin = false;
  struct Scales {
    template <class Rows>
    void read(const Rows&) {}
    template <class Rows>
    F scale(const Rows& rows, std::int64_t, int) const {
      return rows.half();
    }
  };
};

struct Q4_0 : SmallBlocks {
  static constexpr int kId = 2, kBlockBytes = 18, kBits = 4, kOffset = 8;
  template <int kPhase, class Rows>
  static void codes(const Rows& rows, std::int64_t, U (&w)[8]) {
    U c[4];
    rows.columns(2, c[0], c[1], c[2], c[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      w[i] = c[i] & kNibbles;
      w[4 + i] = (c[i] >> 4) & kNibbles;
    }
  }
};

struct Q5_0 : SmallBlocks {
  static constexpr int kId = 6, kBlockBytes = 22, kBits = 5, kOffset = 16;
  // Bits 0 to 3 as bit 4 of four bytes.
  static U fifth_bits(U bits) { return (((bits & 15) * 0x00204081U) & kOnes) << 4; }
  template <int kPhase, class Rows>
  static void codes(const Rows& rows, std::int64_t, U (&w)[8]) {
    const U high = rows.word(2);
    U c[4];
    rows.columns(6, c[0], c[1], c[2], c[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      w[i] = (c[i] & kNibbles) | fifth_bits(high >> (4 * i));
      w[4 + i] = ((c[i] >> 4) & kNibbles) | fifth_bits(high >> (16 + 4 * i));
    }
  }
};

struct Q8_0 : SmallBlocks {
  static constexpr int kId = 8, kBlockBytes = 34, kBits = 8, kOffset = kSignedBytes ? 0 : 128;
  template <int kPhase, class Rows>
  static void codes(const Rows& rows, std::int64_t, U (&w)[8]) {
    rows.columns(2, w[0], w[1], w[2], w[3]);
    rows.columns(18, w[4], w[5], w[6], w[7]);
    if constexpr (!kSignedBytes) {
      for (U& v : w) v ^= 0x80808080;
    }
  }
};

// Blocks of 256 columns that begin with f16 d, f16 dmin, 8 scales and 8 minima of 6 bits in 12 bytes: four words a row.
template <int kCodesAt>
struct KBlocks {
  static constexpr int kBlockCols = 256, kHalfAt = -1, kGroup = 32, kOffset = 0;
  static constexpr bool kMin = true;
  struct Scales {
    float scales[8 * kLanes], mins[8 * kLanes];
    template <class Rows>
    void read(const Rows& rows) {
      U head, a, b, c;
      rows.columns(0, head, a, b, c);
      const F d = half_lanes(head), dmin = half_lanes(head >> 16);
#pragma GCC unroll 4
      for (int s = 0; s < 4; ++s) {
        const int at = 8 * s;
        store(scales + s * kLanes, d * to_float((a >> at) & 63));
        store(mins + s * kLanes, dmin * to_float((b >> at) & 63));
        store(scales + (4 + s) * kLanes, d * to_float(((c >> at) & 15) | ((a >> (at + 2)) & 48)));
        store(mins + (4 + s) * kLanes, dmin * to_float(((c >> (at + 4)) & 15) | ((b >> (at + 2)) & 48)));
      }
    }
    template <class Rows>
    F scale(const Rows&, std::int64_t b, int) const {
      return load(scales + b * kLanes);
    }
    F min(std::int64_t b) const { return load(mins + b * kLanes); }
  };
  // 32 bytes hold 32 columns low and the next 32 high.
  template <bool kHigh, class Rows>
  static void nibbles(const Rows& rows, std::int64_t b, U (&w)[8]) {
    rows.columns(kCodesAt + b / 2 * 32, w[0], w[1], w[2], w[3]);
    rows.columns(kCodesAt + b / 2 * 32 + 16, w[4], w[5], w[6], w[7]);
    for (U& v : w) v = (kHigh ? v >> 4 : v) & kNibbles;
  }
};

struct Q4_K : KBlocks<16> {
  static constexpr int kId = 12, kBlockBytes = 144, kBits = 4, kPhases = 2;
  template <int kPhase, class Rows>
  static void codes(const Rows& rows, std::int64_t b, U (&w)[8]) {
    nibbles<kPhase == 1>(rows, b, w);
  }
};

struct Q5_K : KBlocks<48> {
  static constexpr int kId = 13, kBlockBytes = 176, kBits = 5, kPhases = 2;
  template <int kPhase, class Rows>
  static void codes(const Rows& rows, std::int64_t b, U (&w)[8]) {
    nibbles<kPhase == 1>(rows, b, w);
    U high[8];
    rows.columns(16, high[0], high[1], high[2], high[3]);
    rows.columns(32, high[4], high[5], high[6], high[7]);
    const int up = b < 4 ? 4 - static_cast<int>(b) : 0, down = b < 4 ? 0 : static_cast<int>(b) - 4;  // bit b to bit 4
    for (int i = 0; i < 8; ++i) w[i] |= ((high[i] << up) >> down) & (16 * kOnes);
  }
};

struct Q6_K {
  static constexpr int kId = 14, kBlockCols = 256, kBlockBytes = 210, kHalfAt = 208, kBits = 6, kGroup = 16, kOffset = 32,
                       kPhases = 4;
  static constexpr bool kMin = false;
  struct Scales {
    float scales[16 * kLanes];
    template <class Rows>
    void read(const Rows& rows) {
      U s[4];
      rows.columns(192, s[0], s[1], s[2], s[3]);
      const F d = rows.half();
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          const S code = reinterpret_cast<S>(s[i] << (24 - 8 * j)) >> 24;
          store(scales + (4 * i + j) * kLanes, d * to_float(reinterpret_cast<U>(code)));
        }
      }
    }
    template <class Rows>
    F scale(const Rows&, std::int64_t b, int half) const {
      return load(scales + (2 * b + half) * kLanes);
    }
  };
  // Of 128 columns, 64 bytes hold the low four bits, 64 columns low and 64 high, and 32 bytes the upper two, 32 columns each.
  template <int kPhase, class Rows>
  static void codes(const Rows& rows, std::int64_t b, U (&w)[8]) {
    const std::int64_t half = b / 4;
    U high[8];
    rows.columns(64 * half + kPhase % 2 * 32, w[0], w[1], w[2], w[3]);
    rows.columns(64 * half + kPhase % 2 * 32 + 16, w[4], w[5], w[6], w[7]);
    rows.columns(128 + 32 * half, high[0], high[1], high[2], high[3]);
    rows.columns(144 + 32 * half, high[4], high[5], high[6], high[7]);
    for (int i = 0; i < 8; ++i) {
      w[i] = ((kPhase < 2 ? w[i] : w[i] >> 4) & kNibbles) | (moved<2 * kPhase, 4>(high[i]) & (48 * kOnes));
    }
  }
};

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

template <class Format>
inline void multiply_rows(const Codes<Format>& codes, const QuantBlock* blocks, std::int64_t n, float* acc) {
  for (std::int64_t i = 0; i < n; ++i, acc += kPanels * kLanes) {
    F sums[kPanels];
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) sums[p] = load(acc + p * kLanes);
    codes.multiply(blocks[i], sums);
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) store(acc + p * kLanes, sums[p]);
  }
}

template <class Format, class Rows, int... kPhase>
inline void multiply_in_phases(WeightTile w, const QuantRows& x, float* acc, std::integer_sequence<int, kPhase...>) {
  constexpr std::int64_t kBytes = Format::kBlockBytes * 32 / Format::kBlockCols * kLanes * kPanels;  // of 32 columns
  const std::int64_t n = x.n, stride = x.stride;
  const QuantBlock* blocks = x.blocks;
  const std::uint8_t* ahead = w.ahead;
  const auto step = [&](const Codes<Format>& codes) __attribute__((always_inline)) {
    for (std::int64_t at = 0; at < kBytes; at += 64) prefetch(ahead + at);
    multiply_rows(codes, blocks, n, acc);
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
}

template <class Format, class Rows>
void multiply(const WeightTile& w, const QuantRows& x, float* acc) {
  multiply_in_phases<Format, Rows>(w, x, acc, std::make_integer_sequence<int, Format::kPhases>());
}

template <class Format>
constexpr IntegerKernel integer_kernel() {
  return {Format::kId, Format::kHalfAt, multiply<Format, FileRows<Format>>, multiply<Format, InterleavedRows<Format>>};
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

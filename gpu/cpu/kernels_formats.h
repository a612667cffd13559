#pragma once
// How weights in few bits lie in a tile, and how their codes become bytes and their scales floats; a part of kernels_linear.h. Block layouts:
// docs/formats.md.

#include "gpu/cpu/kernels_impl.h"

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

// by * code for codes of less than 23 bits, rounded once. Where fma rounds once, no conversion is needed: the bits of 2^23 + code are those of
// a float, and 2^23 * by has no rounding.
struct Times {
  F by, less;
  explicit Times(F factor) : by(factor), less(factor * -8388608.0F) {}
  F operator()(U code) const {
    if constexpr (kFused) return fma(reinterpret_cast<F>(code | 0x4B000000U), by, less);
    return by * to_float(code);
  }
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
  static constexpr int kBlockCols = 32, kHalfAt = 0, kGroup = 32, kPhases = 1, kScalesAt = 0;
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

// Blocks of 256 columns that begin with f16 d, f16 dmin, 8 scales and 8 minima of 6 bits in 12 bytes: four words a row. 32 bytes hold 32 columns
// low and the next 32 high; high codes stay where they are if kHighUnit is 16, which their scales make up for, as powers of two do without a trace.
template <int kCodesAt, int kHighUnit>
struct KBlocks {
  static constexpr int kBlockCols = 256, kHalfAt = -1, kGroup = 32, kOffset = 0, kScalesAt = 0;
  static constexpr bool kMin = true;
  struct Scales {
    float scales[8 * kLanes], mins[8 * kLanes];
    template <class Rows>
    void read(const Rows& rows) {
      U head, a, b, c;
      rows.columns(0, head, a, b, c);
      const F d = half_lanes(head);
      const Times scale[2] = {Times(d), Times(d * (1.0F / kHighUnit))}, min(half_lanes(head >> 16));
      const U scale_tops = (a >> 2) & (48 * kOnes), min_tops = (b >> 2) & (48 * kOnes);
      const U late_scales = (c & kNibbles) | scale_tops, late_mins = ((c >> 4) & kNibbles) | min_tops;
#pragma GCC unroll 4
      for (int s = 0; s < 4; ++s) {
        const int at = 8 * s;
        store(scales + s * kLanes, scale[s % 2]((a >> at) & 63));
        store(mins + s * kLanes, min((b >> at) & 63));
        store(scales + (4 + s) * kLanes, scale[s % 2]((late_scales >> at) & 63));
        store(mins + (4 + s) * kLanes, min((late_mins >> at) & 63));
      }
    }
    template <class Rows>
    F scale(const Rows&, std::int64_t b, int) const {
      return load(scales + b * kLanes);
    }
    F min(std::int64_t b) const { return load(mins + b * kLanes); }
  };
  template <bool kHigh, class Rows>
  static void nibbles(const Rows& rows, std::int64_t b, U (&w)[8]) {
    rows.columns(kCodesAt + b / 2 * 32, w[0], w[1], w[2], w[3]);
    rows.columns(kCodesAt + b / 2 * 32 + 16, w[4], w[5], w[6], w[7]);
    for (U& v : w) v = kHigh && kHighUnit == 16 ? v & (16 * kNibbles) : (kHigh ? v >> 4 : v) & kNibbles;
  }
};

// Signed products of two codes of 8 bits do not fit into 16.
struct Q4_K : KBlocks<16, kSignedBytes ? 1 : 16> {
  static constexpr int kId = 12, kBlockBytes = 144, kBits = 4, kPhases = 2;
  template <int kPhase, class Rows>
  static void codes(const Rows& rows, std::int64_t b, U (&w)[8]) {
    nibbles<kPhase == 1>(rows, b, w);
  }
};

struct Q5_K : KBlocks<48, 1> {
  static constexpr int kId = 13, kBlockBytes = 176, kBits = 5, kPhases = 2;
  template <int kPhase, class Rows>
  static void codes(const Rows& rows, std::int64_t b, U (&w)[8]) {
    nibbles<kPhase == 1>(rows, b, w);
    U high[8];
    rows.columns(16, high[0], high[1], high[2], high[3]);
    rows.columns(32, high[4], high[5], high[6], high[7]);
    for (int i = 0; i < 8; ++i) w[i] = with_fifth_bit(w[i], high[i], static_cast<int>(b));
  }
};

struct Q6_K {
  static constexpr int kId = 14, kBlockCols = 256, kBlockBytes = 210, kHalfAt = 208, kBits = 6, kGroup = 16, kOffset = 32, kPhases = 4,
                       kScalesAt = 192;
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

}  // namespace
}  // namespace foreword::gpu

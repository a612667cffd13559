#pragma once
// The kernels of pages in few bits (kv_format.h, docs/kv.md); a part of kernels_impl.h.

#include "gpu/cpu/kernels_attention.h"

namespace foreword::gpu {
namespace {

// ---- rotation ------------------------------------------------------------------------------------------------------

// One stage within a vector: a + b below, a - b above.
template <int h>
inline F butterfly(F v) {
  U sign = {};
  for (int i = 0; i < kLanes; ++i) sign[i] = i & h ? 0x80000000U : 0U;
  return Count<kLanes>::flipped<h>(v) + reinterpret_cast<F>(reinterpret_cast<U>(v) ^ sign);
}

void rotate(float* x, std::int64_t cols, std::int64_t n) {
  if (n == 1) return;
  const float factor = 1 / __builtin_sqrtf(static_cast<float>(n));
  for (std::int64_t i = 0; i < cols; i += kLanes) {
    F v = load(x + i) * factor;
    v = butterfly<1>(v);
    v = butterfly<2>(v);
    if constexpr (kLanes > 4) v = butterfly<4>(v);
    if constexpr (kLanes > 8) v = butterfly<8>(v);
    store(x + i, v);
  }
  for (std::int64_t h = kLanes; h < n; h *= 2) {
    for (std::int64_t begin = 0; begin < cols; begin += 2 * h) {
      for (std::int64_t i = begin; i < begin + h; i += kLanes) {
        const F a = load(x + i), b = load(x + i + h);
        store(x + i, a + b);
        store(x + i + h, a - b);
      }
    }
  }
}

// ---- codes to floats -----------------------------------------------------------------------------------------------

constexpr std::uint32_t kEach = 0x01010101;  // byte of a word
constexpr std::uint32_t kSignFlip = kSignedBytes ? 0 : 0x80808080;

// Encodings as the kernels see them: `levels` gives kLanes values of a group of kGroup, from column c on, without the scale;
// `columns` the 32 columns of a group of kLanes slots as operands of dot_16, with kOffset added.
struct KvQ8 {
  static constexpr int kBits = 8, kDotBits = 8, kOffset = kSignedBytes ? 0 : 128;
  static void columns(const std::uint8_t* codes, std::int64_t stride, U (&w)[8]) {
    load_columns(codes, stride, w[0], w[1], w[2], w[3]);
    load_columns(codes + 16, stride, w[4], w[5], w[6], w[7]);
    for (U& v : w) v ^= kSignFlip;
  }
  template <int kGroup>
  static F levels(const std::uint8_t* codes, int c) {
    return to_float(load_int8(codes + c));
  }
};
struct KvQ4h {
  static constexpr int kBits = 4, kDotBits = 4, kOffset = 8;
  static void columns(const std::uint8_t* codes, std::int64_t stride, U (&w)[8]) {
    U c[4];
    load_columns(codes, stride, c[0], c[1], c[2], c[3]);
    for (int i = 0; i < 4; ++i) {
      w[i] = c[i] & (15 * kEach);
      w[4 + i] = (c[i] >> 4) & (15 * kEach);
    }
  }
  template <int kGroup>
  static F levels(const std::uint8_t* codes, int c) {
    constexpr int kHalf = kGroup / 2;
    U v;
    if constexpr (kLanes <= kHalf) {
      v = load_uint8(codes + c % kHalf) >> (c < kHalf ? 0 : 4);
    } else {
      for (int i = 0; i < kLanes; ++i) v[i] = codes[i % kHalf] >> (i < kHalf ? 0 : 4);
    }
    return to_float((v & 15) - 8);
  }
};
struct KvQ2h {
  static constexpr int kBits = 2, kDotBits = 8, kOffset = kSignedBytes ? 0 : 128;
  // Four codes to four levels, 128 added: 1 + 89 b0 + 165 b1 is 1, 90, 166, 255.
  static U four(U bits) {
    const U low = bits & kEach, high = (bits >> 1) & kEach;
    return (kEach + (((low << 8) - low) & (89 * kEach)) + (((high << 8) - high) & (165 * kEach))) ^ (0x80808080 ^ kSignFlip);
  }
  // Reads 16 bytes, of which the group has 8; behind the last slot lie the scales.
  static void columns(const std::uint8_t* codes, std::int64_t stride, U (&w)[8]) {
    U a, b, unused2, unused3;
    load_columns(codes, stride, a, b, unused2, unused3);
    for (int i = 0; i < 4; ++i) {
      w[2 * i] = four(a >> (2 * i));
      w[2 * i + 1] = four(b >> (2 * i));
    }
  }
  template <int kGroup>
  static F levels(const std::uint8_t* codes, int c) {
    constexpr int kQuarter = kGroup / 4;
    U v;
    if constexpr (kLanes <= kQuarter) {
      v = load_uint8(codes + c % kQuarter) >> (c / kQuarter * 2);
    } else if constexpr (kQuarter == 8) {
      std::uint32_t words[2];
      __builtin_memcpy(words, codes, sizeof words);
      U first = {}, shift = {};
      for (int i = 0; i < kLanes; ++i) {
        first[i] = i % 8 < 4 ? ~0U : 0U;
        shift[i] = 8U * static_cast<std::uint32_t>(i % 4) + 2U * static_cast<std::uint32_t>(i / 8);
      }
      v = (((words[0] - U{}) & first) | ((words[1] - U{}) & ~first)) >> (shift + static_cast<std::uint32_t>(c / 4));
    } else {
      for (int i = 0; i < kLanes; ++i) v[i] = codes[(c + i) % kQuarter] >> ((c + i) / kQuarter * 2);
    }
    return to_float(((0 - (v & 1)) & 89) + ((0 - ((v >> 1) & 1)) & 165) - 127);  // -127, -38, 38, 127
  }
};

template <class Kv, int kGroup>
inline void decode_groups(const std::uint8_t* codes, const std::uint16_t* scales, std::int64_t n_groups, float* out) {
  constexpr int kBytes = kGroup * Kv::kBits / 8, kScales = 4;
  for (std::int64_t g = 0; g < n_groups; g += kScales) {
    const std::int64_t here = n_groups - g < kScales ? n_groups - g : kScales;
    const F scale = load_half_part(scales + g, here);
    for (int i = 0; i < here; ++i, codes += kBytes, out += kGroup) {
      for (int c = 0; c < kGroup; c += kLanes) store(out + c, Kv::template levels<kGroup>(codes, c) * scale[i]);
    }
  }
}
template <class Kv>
void decode_kv(const std::uint8_t* codes, const std::uint16_t* scales, std::int64_t group, std::int64_t n_groups, float* out) {
  if (group == 32) decode_groups<Kv, 32>(codes, scales, n_groups, out);
  else decode_groups<Kv, 16>(codes, scales, n_groups, out);
}

// ---- attention over codes ------------------------------------------------------------------------------------------

// kN vectors with kN kinds of values in turn become a vector of each kind.
template <int kN>
inline void sort_kinds(F (&v)[kN]) {
  if constexpr (kN > 1) {
    F even[kN / 2], odd[kN / 2];
    for (int i = 0; i < kN / 2; ++i) {
      even[i] = Count<kLanes>::even_pieces<1>(v[2 * i], v[2 * i + 1]);
      odd[i] = Count<kLanes>::odd_pieces<1>(v[2 * i], v[2 * i + 1]);
    }
    sort_kinds(even);
    sort_kinds(odd);
    for (int i = 0; i < kN / 2; ++i) {
      v[2 * i] = even[i];
      v[2 * i + 1] = odd[i];
    }
  }
}
template <int kN>
inline void scales_of_tile(const std::uint16_t* scales, float* out) {
  for (int t = 0; t < 64; t += kLanes) {
    F v[kN];
    for (int i = 0; i < kN; ++i) v[i] = load_half(scales + t * kN + i * kLanes);
    sort_kinds(v);
    for (int i = 0; i < kN; ++i) store(out + i * 64 + t, v[i]);
  }
}
void transpose_scales(const std::uint16_t* scales, std::int64_t n, float* out) {
  if (n == 1) return scales_of_tile<1>(scales, out);
  if (n == 2) return scales_of_tile<2>(scales, out);
  if (n == 4) return scales_of_tile<4>(scales, out);
  if (n == 8) return scales_of_tile<8>(scales, out);
  for (std::int64_t g = 0; g < n; ++g) {
    for (std::int64_t t = 0; t < 64; t += kLanes) {
      std::uint16_t halves[kLanes];
      for (int i = 0; i < kLanes; ++i) halves[i] = scales[(t + i) * n + g];
      store(out + g * 64 + t, load_half(halves));
    }
  }
}

// A lane is a slot, so nothing is summed across lanes; the codes of 32 columns serve kN queries.
template <class Kv, int kN>
inline void kv_dot_tile(const std::uint8_t* codes, const float* scales, std::int64_t cols, const QuantBlock* q,
                        std::int64_t stride, std::int64_t second_term, float* out, Ahead ahead) {
  constexpr int kSlots = 64, kBytes = 4 * Kv::kBits;
  const std::int64_t row_bytes = cols * Kv::kBits / 8, each = ahead.n * kLanes / (kSlots * (cols / 32));
  for (std::int64_t t = 0; t < kSlots; t += kLanes) {
    F sums[kN] = {};
    for (std::int64_t g = 0; g < cols / 32; ++g, ahead.bytes += each) {
      U w[8];
      fetch(ahead.bytes, each);
      Kv::columns(codes + t * row_bytes + g * kBytes, row_bytes, w);
      const F scale = load(scales + g * kSlots + t);
#pragma GCC unroll 4
      for (int j = 0; j < kN; ++j) {
        F part = {};
#pragma GCC unroll 2
        for (int term = 0; term < 2; ++term) {
          const QuantBlock& block = q[g * stride + j + term * second_term];
          const U start0 = Kv::kOffset != 0 ? all_of(block.minus_sums) * Kv::kOffset : U{};
          const U start1 = Kv::kOffset != 0 ? all_of(block.minus_sums + 1) * Kv::kOffset : U{};
          const U low = dot_16<Kv::kDotBits>(start0, w[0], w[1], w[2], w[3], block.q);
          const U high = dot_16<Kv::kDotBits>(start1, w[4], w[5], w[6], w[7], block.q + 16);
          part = fma(to_float(low), all(block.d[0]), part);
          part = fma(to_float(high), all(block.d[1]), part);
        }
        sums[j] = fma(part, scale, sums[j]);
      }
    }
#pragma GCC unroll 4
    for (int j = 0; j < kN; ++j) store(out + j * kSlots + t, sums[j]);
  }
}
template <class Kv>
void kv_dot(const std::uint8_t* codes, const float* scales, std::int64_t cols, const QuantBlock* q, std::int64_t stride,
            std::int64_t second_term, std::int64_t n_q, float* out, Ahead ahead) {
  constexpr int kN = kLanes == 16 ? 4 : 2;
  std::int64_t j = 0;
  for (; j + kN <= n_q; j += kN, ahead.n = 0) kv_dot_tile<Kv, kN>(codes, scales, cols, q + j, stride, second_term, out + j * 64, ahead);
  for (; j < n_q; ++j, ahead.n = 0) kv_dot_tile<Kv, 1>(codes, scales, cols, q + j, stride, second_term, out + j * 64, ahead);
}

// The 32 columns of a group for kP rows of weights, scales included.
template <class Kv, int kP>
inline void kv_sum_tile(const float* weights, const std::uint8_t* codes, std::int64_t row_bytes, std::int64_t first,
                        std::int64_t last, std::int64_t cols, float* out, Ahead ahead) {
  constexpr int kVectors = 32 / kLanes;
  F sums[kP][kVectors] = {};
  const std::int64_t each = ahead.n / 8;
  for (std::int64_t t = first; t < last; ++t) {
    if (t % 8 == 0) fetch(ahead.bytes + t / 8 * each, each);
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) {
      const F level = Kv::template levels<32>(codes + t * row_bytes, i * kLanes);
#pragma GCC unroll 4
      for (int j = 0; j < kP; ++j) sums[j][i] = fma(all(weights[j * 64 + t]), level, sums[j][i]);
    }
  }
  for (int j = 0; j < kP; ++j) {
    for (int i = 0; i < kVectors; ++i) store(out + j * cols + i * kLanes, sums[j][i]);
  }
}
template <class Kv>
void kv_weighted_sum(const float* p, std::int64_t n_p, const std::uint8_t* codes, const float* scales, std::int64_t first,
                     std::int64_t last, std::int64_t cols, float* out, Ahead ahead) {
  constexpr int kP = kLanes == 16 ? 4 : 2, kSlots = 64, kRows = 32;
  const std::int64_t row_bytes = cols * Kv::kBits / 8;
  const bool many = n_p > kP;  // widened once for all of them
  for (std::int64_t g = 0; g < cols / 32; ++g) {
    alignas(64) float weights[kRows * kSlots], levels[kSlots * 32];
    const std::uint8_t* group = codes + g * 4 * Kv::kBits;
    for (std::int64_t t = first; many && t < last; ++t) {
      for (int c = 0; c < 32; c += kLanes) store(levels + t * 32 + c, Kv::template levels<32>(group + t * row_bytes, c));
    }
    Ahead share{ahead.bytes + ahead.n * g / (cols / 32), ahead.n / (cols / 32)};
    for (std::int64_t j = 0; j < n_p; j += kRows, share.n = 0) {
      const std::int64_t here = n_p - j < kRows ? n_p - j : kRows;
      for (std::int64_t i = 0; i < here * kSlots; i += kLanes) {
        store(weights + i, load(p + j * kSlots + i) * load(scales + g * kSlots + i % kSlots));
      }
      float* to = out + j * cols + g * 32;
      if (many) {
        weighted_sum<FromF32>(weights, kSlots, here, levels, 32, first, last, 32, to, cols, share);
      } else if (here == kP) {
        kv_sum_tile<Kv, kP>(weights, group, row_bytes, first, last, cols, to, share);
      } else {
        for (std::int64_t i = 0; i < here; ++i, share.n = 0) kv_sum_tile<Kv, 1>(weights + i * kSlots, group, row_bytes, first, last, cols, to + i * cols, share);
      }
    }
  }
}

template <class Kv>
constexpr KvKernel kv_kernel() {
  return {decode_kv<Kv>, kv_dot<Kv>, kv_weighted_sum<Kv>};
}

}  // namespace
}  // namespace foreword::gpu

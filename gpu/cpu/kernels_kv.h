#pragma once
// The kernels of pages in few bits (kv_format.h, docs/kv.md); a part of kernels_impl.h.

#include "gpu/cpu/kernels_impl.h"

namespace foreword::gpu {
namespace {

// ---- rotation ------------------------------------------------------------------------------------------------------

// Lane i of the result is lane i ^ h of v.
template <int h>
inline F neighbours(F v) {
  if constexpr (kLanes == 4) return __builtin_shufflevector(v, v, 0 ^ h, 1 ^ h, 2 ^ h, 3 ^ h);
  if constexpr (kLanes == 8) return __builtin_shufflevector(v, v, 0 ^ h, 1 ^ h, 2 ^ h, 3 ^ h, 4 ^ h, 5 ^ h, 6 ^ h, 7 ^ h);
  if constexpr (kLanes == 16) {
    return __builtin_shufflevector(v, v, 0 ^ h, 1 ^ h, 2 ^ h, 3 ^ h, 4 ^ h, 5 ^ h, 6 ^ h, 7 ^ h, 8 ^ h, 9 ^ h, 10 ^ h,
                                   11 ^ h, 12 ^ h, 13 ^ h, 14 ^ h, 15 ^ h);
  }
}
// One stage within a vector: a + b below, a - b above.
template <int h>
inline F butterfly(F v) {
  U sign = {};
  for (int i = 0; i < kLanes; ++i) sign[i] = i & h ? 0x80000000U : 0U;
  return neighbours<h>(v) + reinterpret_cast<F>(reinterpret_cast<U>(v) ^ sign);
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

// Encodings as the kernels see them: `levels` gives kLanes values of a group of kGroup, from column c on, without the scale.
struct KvQ8 {
  static constexpr int kBits = 8;
  template <int kGroup>
  static F levels(const std::uint8_t* codes, int c) {
    return to_float(load_int8(codes + c));
  }
};
struct KvQ4h {
  static constexpr int kBits = 4;
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
  static constexpr int kBits = 2;
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
      for (int i = 0; i < kLanes; ++i) first[i] = i % 8 < 4 ? ~0U : 0U, shift[i] = 8U * (i % 4) + 2U * (i / 8);
      v = (((words[0] - U{}) & first) | ((words[1] - U{}) & ~first)) >> (shift + 2U * (c / 8));
    } else {
      for (int i = 0; i < kLanes; ++i) v[i] = codes[(c + i) % kQuarter] >> ((c + i) / kQuarter * 2);
    }
    return to_float((v & 1) * 89 + ((v >> 1) & 1) * 165 - 127);  // -127, -38, 38, 127
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

}  // namespace
}  // namespace foreword::gpu

#pragma once
// Four columns of one slot's keys or values, a quad: fetching them and decoding them are apart, so that many fetches are on their
// way at once. Every encoding has a quad in one load: 16 bytes of f32, 8 of f16, one word of codes and its scale.

#include "gpu/cuda/pages.cuh"

namespace foreword::gpu::cuda {

/// Where a quad lies in the tile of its page, in bytes: of slot s at s * row + at, its scale at s * scale_row + scale_at.
struct QuadPlace {
  int row, at, scale_row, scale_at;
  int shift;    // of the quad's codes in their word
  int columns;  // 4, less behind the last whole quad
};

// What a kernel is compiled for: any encodings; halves in all pools, which is less code to bring; or heads of a width that is no multiple
// of 4, which have quads where no wide load may be.
enum class Pages { any, halves, ragged };

template <bool kRagged>
struct Halves {
  using Raw = uint2;
  static __device__ __forceinline__ QuadPlace place(int dim, int quad) { return {2 * dim, 8 * quad, 0, 0, 0, min(4, dim - 4 * quad)}; }
  static __device__ __forceinline__ Raw fetch(const std::uint8_t* tile, int slot, const QuadPlace& at) {
    const std::uint8_t* from = tile + (slot * at.row + at.at);
    if constexpr (!kRagged) return *reinterpret_cast<const uint2*>(from);
    const auto* halves = reinterpret_cast<const std::uint16_t*>(from);
    unsigned words[2] = {};
    for (int i = 0; i < at.columns; ++i) words[i / 2] |= static_cast<unsigned>(halves[i]) << 16 * (i % 2);
    return uint2{words[0], words[1]};
  }
  static __device__ __forceinline__ float4 decode(const Raw& raw, const QuadPlace&) {
    const auto low = [](unsigned word) { return half_bits_to_float(static_cast<std::uint16_t>(word & 0xffffu)); };
    const auto high = [](unsigned word) { return half_bits_to_float(static_cast<std::uint16_t>(word >> 16)); };
    return float4{low(raw.x), high(raw.x), low(raw.y), high(raw.y)};
  }
};

template <bool kRagged>
struct Floats {
  using Raw = float4;
  static __device__ __forceinline__ QuadPlace place(int dim, int quad) { return {4 * dim, 16 * quad, 0, 0, 0, min(4, dim - 4 * quad)}; }
  static __device__ __forceinline__ Raw fetch(const std::uint8_t* tile, int slot, const QuadPlace& at) {
    const auto* from = reinterpret_cast<const float*>(tile + (slot * at.row + at.at));
    if constexpr (!kRagged) return *reinterpret_cast<const float4*>(from);
    float values[4] = {};
    for (int i = 0; i < at.columns; ++i) values[i] = from[i];
    return float4{values[0], values[1], values[2], values[3]};
  }
  static __device__ __forceinline__ float4 decode(const Raw& raw, const QuadPlace&) { return raw; }
};

// Q8, Q4H, Q2H. A group of g columns has g * kBits / 32 words; the quads of a word are that many quads apart.
template <int kBits>
struct Codes {
  struct Raw {
    unsigned codes;
    std::uint16_t scale;
  };
  static __device__ __forceinline__ QuadPlace place(int dim, int quad) {
    const int group = group_of(dim), words = group * kBits / 32, g = quad / (group / 4), in_group = quad % (group / 4);
    const int row = dim * kBits / 8;
    return {row, 4 * (g * words + in_group % words), dim / group * 2, kSlots * row + 2 * g, kBits * (in_group / words), 4};
  }
  static __device__ __forceinline__ Raw fetch(const std::uint8_t* tile, int slot, const QuadPlace& at) {
    return {*reinterpret_cast<const unsigned*>(tile + (slot * at.row + at.at)),
            *reinterpret_cast<const std::uint16_t*>(tile + (slot * at.scale_row + at.scale_at))};
  }
  // Each code as a byte from 0 to 255 that is `kOffset` too large, and that byte as the last bits of a float of 2^23.
  static __device__ __forceinline__ float4 decode(const Raw& raw, const QuadPlace& at) {
    constexpr int kOffset = kBits == 4 ? 8 : 128;
    const unsigned codes = raw.codes >> at.shift;
    unsigned bytes = 0;
    if constexpr (kBits == 8) bytes = codes ^ 0x80808080u;
    if constexpr (kBits == 4) bytes = codes & 0x0f0f0f0fu;
    if constexpr (kBits == 2) {
      const unsigned pairs = (codes & 0x03030303u) | (codes & 0x03030303u) >> 4;
      bytes = __byte_perm(0xffa65a01u, 0, __byte_perm(pairs, 0, 0x4420));  // levels -127, -38, 38, 127
    }
    const float d = half_bits_to_float(raw.scale);
    const auto value = [&](unsigned i) { return d * (__uint_as_float(__byte_perm(bytes, 0x4b000000u, 0x7440u | i)) - static_cast<float>(8388608 + kOffset)); };
    return float4{value(0), value(1), value(2), value(3)};
  }
};

/// body(format), the reader of the encoding.
template <Pages kOf, class Body>
__device__ __forceinline__ void with_format(int format, const Body& body) {
  constexpr bool kRagged = kOf == Pages::ragged;
  if constexpr (kOf == Pages::halves) return body(Halves<false>{});
  if constexpr (kOf == Pages::any) {
    switch (static_cast<KvFormat>(format)) {
      case KvFormat::q8: return body(Codes<8>{});
      case KvFormat::q4h: return body(Codes<4>{});
      case KvFormat::q2h: return body(Codes<2>{});
      default: break;
    }
  }
  if (static_cast<KvFormat>(format) == KvFormat::f16) return body(Halves<kRagged>{});
  body(Floats<kRagged>{});
}

}  // namespace foreword::gpu::cuda

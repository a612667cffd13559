#pragma once
// Four columns of one slot's keys or values, a quad: fetching them and decoding them are apart, so that many fetches are on their
// way at once. Every encoding has a quad in one load: 16 bytes of f32, 8 of f16, one word of codes and its scale. Decoded it is halves, or
// where those would not be exact, halves and what they leave.

#include "gpu/cuda/pages.cuh"

namespace foreword::gpu::cuda {

/// One slot's keys or values in a tile.
struct SlotLine {
  const std::uint8_t *codes, *scales;
};
/// Where a quad lies in a line, in bytes.
struct QuadPlace {
  int at, scale_at;
  int shift;    // of the quad's codes in their word
  int columns;  // 4, less behind the last whole quad
};

/// A quad as two words of halves; what they leave of its values, times the encoding's kLowFactor, in two more: both together have 22 bits.
struct HalfQuad {
  unsigned high[2], low[2];
};
template <int kLowFactor = 1>
__device__ __forceinline__ HalfQuad halves_of(const float (&values)[4]) {
  HalfQuad quad;
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const float first = values[2 * i], second = values[2 * i + 1];
    quad.high[i] = half_word(first, second);
    quad.low[i] = half_word((first - half_bits_to_float(static_cast<std::uint16_t>(quad.high[i] & 0xffffu))) * kLowFactor,
                            (second - half_bits_to_float(static_cast<std::uint16_t>(quad.high[i] >> 16))) * kLowFactor);
  }
  return quad;
}

// What a kernel is compiled for: any encodings; halves in all pools and heads of whole groups of 32 columns, which is less code to bring; or heads of a
// width that is no multiple of 4, which have quads where no wide load may be.
enum class Pages { any, halves, ragged };

template <bool kRagged>
struct Halves {
  using Raw = uint2;
  static constexpr bool kExact = true;
  static constexpr int kLowFactor = 1;
  static __device__ __forceinline__ SlotLine line(const std::uint8_t* tile, int slot, int dim) { return {tile + slot * 2 * dim, nullptr}; }
  static __device__ __forceinline__ QuadPlace place(int dim, int quad) { return {8 * quad, 0, 0, min(4, dim - 4 * quad)}; }
  static __device__ __forceinline__ Raw fetch(const SlotLine& line, const QuadPlace& at) {
    const std::uint8_t* from = line.codes + at.at;
    if constexpr (!kRagged) return load_constant(reinterpret_cast<const uint2*>(from));
    const auto* halves = reinterpret_cast<const std::uint16_t*>(from);
    unsigned words[2] = {};
    for (int i = 0; i < at.columns; ++i) words[i / 2] |= static_cast<unsigned>(halves[i]) << 16 * (i % 2);
    return uint2{words[0], words[1]};
  }
  static __device__ __forceinline__ HalfQuad decode(const Raw& raw, const QuadPlace&) { return {{raw.x, raw.y}, {}}; }
};

template <bool kRagged>
struct Floats {
  using Raw = float4;
  static constexpr bool kExact = false;
  static constexpr int kLowFactor = 2048;
  static __device__ __forceinline__ SlotLine line(const std::uint8_t* tile, int slot, int dim) { return {tile + slot * 4 * dim, nullptr}; }
  static __device__ __forceinline__ QuadPlace place(int dim, int quad) { return {16 * quad, 0, 0, min(4, dim - 4 * quad)}; }
  static __device__ __forceinline__ Raw fetch(const SlotLine& line, const QuadPlace& at) {
    const auto* from = reinterpret_cast<const float*>(line.codes + at.at);
    if constexpr (!kRagged) return load_constant(reinterpret_cast<const float4*>(from));
    float values[4] = {};
    for (int i = 0; i < at.columns; ++i) values[i] = from[i];
    return float4{values[0], values[1], values[2], values[3]};
  }
  static __device__ __forceinline__ HalfQuad decode(const Raw& raw, const QuadPlace&) { return halves_of<kLowFactor>({raw.x, raw.y, raw.z, raw.w}); }
};

// Q8, Q4H, Q2H. A group of g columns has g * kBits / 32 words; the quads of a word are that many quads apart.
template <int kBits>
struct Codes {
  struct Raw {
    unsigned codes;
    std::uint16_t scale;
  };
  static constexpr bool kExact = false;
  static constexpr int kLowFactor = 1;
  static __device__ __forceinline__ int group_shift(int dim) { return group_of(dim) == 32 ? 3 : 2; }  // quads of a group, as a power of two; and so all that follows
  static __device__ __forceinline__ SlotLine line(const std::uint8_t* tile, int slot, int dim) {
    const int row = dim * kBits / 8;
    return {tile + slot * row, tile + (kSlots * row + slot * (dim >> (group_shift(dim) + 2) << 1))};
  }
  static __device__ __forceinline__ QuadPlace place(int dim, int quad) {
    constexpr int kQuadsOfWord = kBits == 8 ? 0 : kBits == 4 ? 1 : 2;
    const int quads = group_shift(dim), words = quads - kQuadsOfWord, g = quad >> quads, in_group = quad & ((1 << quads) - 1);
    return {4 * ((g << words) + (in_group & ((1 << words) - 1))), 2 * g, kBits * (in_group >> words), 4};
  }
  static __device__ __forceinline__ Raw fetch(const SlotLine& line, const QuadPlace& at) {
    return {load_constant(reinterpret_cast<const unsigned*>(line.codes + at.at)), load_constant(reinterpret_cast<const std::uint16_t*>(line.scales + at.scale_at))};
  }
  // Each code as a byte from 0 to 255 that is `kOffset` too large, that byte as the last bits of a half of 1024, and the code times its scale: rounded, and
  // what that leaves, which is a half too. Numbers that no half holds become the largest one, or near it.
  static __device__ __forceinline__ HalfQuad decode(const Raw& raw, const QuadPlace& at) {
    constexpr unsigned kOffset = kBits == 4 ? 8 : 128, kMinusOffset = (0xe400u + kOffset) * 0x10001u;
    constexpr unsigned kMostScale = (kBits == 4 ? 0x6fffu : 0x6007u) * 0x10001u;  // 8188, 515.5
    const unsigned codes = raw.codes >> at.shift, both = raw.scale * 0x10001u;
    const unsigned scale = half_min(both & 0x7fff7fffu, kMostScale) | (both & 0x80008000u);  // Q4H's are negative, too
    unsigned bytes = 0;
    if constexpr (kBits == 8) bytes = codes ^ 0x80808080u;
    if constexpr (kBits == 4) bytes = codes & 0x0f0f0f0fu;
    if constexpr (kBits == 2) {
      const unsigned pairs = (codes & 0x03030303u) | (codes & 0x03030303u) >> 4;
      bytes = __byte_perm(0xffa65a01u, 0, __byte_perm(pairs, 0, 0x4420));  // levels -127, -38, 38, 127
    }
    HalfQuad quad;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const unsigned two = half_sums(__byte_perm(bytes, 0x64646464u, i == 0 ? 0x4140u : 0x4342u), kMinusOffset);
      quad.high[i] = half_products(two, scale);
      quad.low[i] = half_fms(two, scale, quad.high[i]);
    }
    return quad;
  }
};

/// body(format), the reader of the encoding; not for Pages::halves, who know it.
template <Pages kOf, class Body>
__device__ __forceinline__ void with_format(int format, const Body& body) {
  constexpr bool kRagged = kOf == Pages::ragged;
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

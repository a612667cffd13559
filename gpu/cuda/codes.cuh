#pragma once
// Weights whose products take int8 activations: the codes of one row as the lanes of a quad need them for matrix_product(). A chunk
// is what belongs together in a block: kRuns runs of 16 columns. Lane t of the quad holds columns 4t .. 4t + 3 of each run:
// value = scale * code - min. Layouts: gpu/decode_plain.cpp and gpu/decode_k.cpp.

#include "gpu/cuda/platform.h"
#include "gpu/format.h"

namespace foreword::gpu::cuda {

inline constexpr int kRun = 16;  // columns that share an activation's scale

__device__ __forceinline__ unsigned word_at(const std::uint8_t* p) { return *reinterpret_cast<const unsigned*>(p); }
// Two bytes aligned.
__device__ __forceinline__ unsigned loose_word_at(const std::uint8_t* p) {
  const auto* halves = reinterpret_cast<const std::uint16_t*>(p);
  return halves[0] | static_cast<unsigned>(halves[1]) << 16;
}
__device__ __forceinline__ float half_at(const std::uint8_t* p) { return half_bits_to_float(*reinterpret_cast<const std::uint16_t*>(p)); }

// Four unsigned bytes below 64, each less `offset`, as signed bytes: no borrow crosses a byte.
__device__ __forceinline__ int less(unsigned bytes, unsigned offset) {
  return static_cast<int>(((bytes | 0x80808080u) - offset * 0x01010101u) ^ 0x80808080u);
}
// Bit i of the low four to the lowest bit of byte i.
__device__ __forceinline__ unsigned spread(unsigned bits) {
  bits &= 15u;
  return (bits | bits << 7 | bits << 14 | bits << 21) & 0x01010101u;
}

template <int kRuns>
struct Codes {
  int words[kRuns];
  float scale[kRuns], min[kRuns];
};

template <Format kFormat>
struct Chunk;

template <>
struct Chunk<Format::q4_0> {
  static constexpr int kRuns = 2, kPerBlock = 1, kBlockBytes = 18;
  static constexpr bool kHasMin = false;
  __device__ static void read(const std::uint8_t* block, int, int t, Codes<kRuns>& out) {
    const unsigned codes = loose_word_at(block + 2 + 4 * t);
    out.words[0] = less(codes & 0x0f0f0f0fu, 8);
    out.words[1] = less(codes >> 4 & 0x0f0f0f0fu, 8);
    out.scale[0] = out.scale[1] = half_at(block);
  }
};

template <>
struct Chunk<Format::q5_0> {
  static constexpr int kRuns = 2, kPerBlock = 1, kBlockBytes = 22;
  static constexpr bool kHasMin = false;
  __device__ static void read(const std::uint8_t* block, int, int t, Codes<kRuns>& out) {
    const unsigned high = loose_word_at(block + 2), codes = loose_word_at(block + 6 + 4 * t);
    out.words[0] = less((codes & 0x0f0f0f0fu) | spread(high >> 4 * t) << 4, 16);
    out.words[1] = less((codes >> 4 & 0x0f0f0f0fu) | spread(high >> (16 + 4 * t)) << 4, 16);
    out.scale[0] = out.scale[1] = half_at(block);
  }
};

template <>
struct Chunk<Format::q8_0> {
  static constexpr int kRuns = 2, kPerBlock = 1, kBlockBytes = 34;
  static constexpr bool kHasMin = false;
  __device__ static void read(const std::uint8_t* block, int, int t, Codes<kRuns>& out) {
    out.words[0] = static_cast<int>(loose_word_at(block + 2 + 4 * t));
    out.words[1] = static_cast<int>(loose_word_at(block + 18 + 4 * t));
    out.scale[0] = out.scale[1] = half_at(block);
  }
};

// 64 columns: the sub-blocks 2 part and 2 part + 1, whose codes share 32 bytes. Blocks are 16 bytes aligned.
template <bool kFiveBits>
struct ChunkOfMinima {
  static constexpr int kRuns = 4, kPerBlock = 4, kBlockBytes = kFiveBits ? 176 : 144;
  static constexpr bool kHasMin = true;
  __device__ static void read(const std::uint8_t* block, int part, int t, Codes<kRuns>& out) {
    const uint4 head = *reinterpret_cast<const uint4*>(block);  // d, dmin and the 12 bytes of scales and minima
    const float d = half_bits_to_float(static_cast<std::uint16_t>(head.x & 0xffffu)), dmin = half_bits_to_float(static_cast<std::uint16_t>(head.x >> 16));
    const std::uint8_t* codes = block + (kFiveBits ? 48 : 16) + 32 * part;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const unsigned word = word_at(codes + 16 * half + 4 * t);
      unsigned low = word & 0x0f0f0f0fu, high = word >> 4 & 0x0f0f0f0fu;
      if (kFiveBits) {
        const unsigned fifth = word_at(block + 16 + 16 * half + 4 * t) >> 2 * part;
        low |= (fifth & 0x01010101u) << 4;
        high |= (fifth >> 1 & 0x01010101u) << 4;
      }
      out.words[half] = static_cast<int>(low);
      out.words[2 + half] = static_cast<int>(high);
    }
#pragma unroll
    for (int sub = 0; sub < 2; ++sub) {
      const int i = (2 * part + sub) % 4;
      const int first = static_cast<int>(head.y >> 8 * i & 255u), second = static_cast<int>(head.z >> 8 * i & 255u), third = static_cast<int>(head.w >> 8 * i & 255u);
      const int scale = part < 2 ? first & 63 : (third & 15) + 16 * (first >> 6), min = part < 2 ? second & 63 : (third >> 4) + 16 * (second >> 6);
      out.scale[2 * sub] = out.scale[2 * sub + 1] = d * static_cast<float>(scale);
      out.min[2 * sub] = out.min[2 * sub + 1] = dmin * static_cast<float>(min);
    }
  }
};
template <>
struct Chunk<Format::q4_k> : ChunkOfMinima<false> {};
template <>
struct Chunk<Format::q5_k> : ChunkOfMinima<true> {};

// 64 columns: quarters 2 (part % 2) and 2 (part % 2) + 1 of half part / 2; both take the same nibble.
template <>
struct Chunk<Format::q6_k> {
  static constexpr int kRuns = 4, kPerBlock = 4, kBlockBytes = 210;
  static constexpr bool kHasMin = false;
  __device__ static void read(const std::uint8_t* block, int part, int t, Codes<kRuns>& out) {
    const int half = part / 2, pair = part % 2;
    const float d = half_at(block + 208);
    const unsigned scales = loose_word_at(block + 192 + 4 * part);
#pragma unroll
    for (int run = 0; run < kRuns; ++run) {  // quarter 2 pair + run / 2, sub-block run % 2 of it
      const unsigned low = loose_word_at(block + 64 * half + 32 * (run / 2) + 16 * (run % 2) + 4 * t) >> 4 * pair & 0x0f0f0f0fu;
      const unsigned high = loose_word_at(block + 128 + 32 * half + 16 * (run % 2) + 4 * t) >> (4 * pair + 2 * (run / 2)) & 0x03030303u;
      out.words[run] = less(low | high << 4, 32);
      out.scale[run] = d * static_cast<float>(static_cast<std::int8_t>(scales >> 8 * run & 255u));
    }
  }
};

}  // namespace foreword::gpu::cuda

#pragma once
// Weights as int8 codes: those of one row as the lanes of a quad need them for matrix_product(). A chunk is what belongs together in a
// block: kRuns runs of 16 columns. Lane t of the quad holds columns 4t .. 4t + 3 of each run: value = scale * code - min. No load is
// wider than the alignment of the format's blocks. Layouts: gpu/decode_*.cpp.

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
// Of any alignment: the aligned words around it (memory ends at a multiple of 16 bytes).
__device__ __forceinline__ unsigned any_word_at(const std::uint8_t* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  const auto* words = reinterpret_cast<const unsigned*>(address & ~std::uintptr_t{3});
  const auto shift = static_cast<unsigned>(address & 3u) * 8u;
  return shift == 0 ? words[0] : __funnelshift_r(words[0], words[1], shift);
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

__device__ __forceinline__ float half_power_of_two(int exponent) {
  return __uint_as_float(exponent < 2 ? 0x00200000u << exponent : static_cast<unsigned>(exponent - 1) << 23);
}
__device__ __forceinline__ float half_ue4m3(int code) {
  if (code == 0x7f) return 0;
  const int exponent = code >> 3 & 15, mantissa = code & 7;
  const float power = __uint_as_float(static_cast<unsigned>((exponent == 0 ? 1 : exponent) - 7 + 127) << 23);
  const float fraction = static_cast<float>(mantissa) * 0.125f;
  return (exponent == 0 ? fraction : 1.0f + fraction) * power * 0.5f;
}

// The signed bytes that eight codes of four bits stand for, by a table of 16: `low` of the low halves of four bytes, `high` of the high.
struct Looked {
  int low, high;
};
__device__ __forceinline__ unsigned look_up(unsigned four_codes, const uint4& table) {
  const unsigned index = four_codes & 0x7777u;
  return __byte_perm(__byte_perm(table.x, table.y, index), __byte_perm(table.z, table.w, index), 0x3210u | (four_codes & 0x8888u) >> 1);
}
__device__ __forceinline__ Looked look_up_all(unsigned codes, const uint4& table) {
  const unsigned first = look_up(codes & 0xffffu, table), second = look_up(codes >> 16, table);
  return {static_cast<int>(__byte_perm(first, second, 0x6420u)), static_cast<int>(__byte_perm(first, second, 0x7531u))};
}
// -127 -104 -83 -65 -49 -35 -22 -10 1 13 25 38 53 69 89 113
__device__ __forceinline__ uint4 iq4_table() { return uint4{0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u}; }
// 0 1 2 3 4 6 8 12 and their negatives
__device__ __forceinline__ uint4 fp4_doubled_table() { return uint4{0x03020100u, 0x0c080604u, 0xfdfeff00u, 0xf4f8fafcu}; }

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

// Blocks of 32 whose minimum is one for all: scale code + m.
template <>
struct Chunk<Format::q4_1> {
  static constexpr int kRuns = 2, kPerBlock = 1, kBlockBytes = 20;
  static constexpr bool kHasMin = true;
  __device__ static void read(const std::uint8_t* block, int, int t, Codes<kRuns>& out) {
    const unsigned codes = word_at(block + 4 + 4 * t);
    out.words[0] = static_cast<int>(codes & 0x0f0f0f0fu);
    out.words[1] = static_cast<int>(codes >> 4 & 0x0f0f0f0fu);
    out.scale[0] = out.scale[1] = half_at(block);
    out.min[0] = out.min[1] = -half_at(block + 2);
  }
};
template <>
struct Chunk<Format::q5_1> {
  static constexpr int kRuns = 2, kPerBlock = 1, kBlockBytes = 24;
  static constexpr bool kHasMin = true;
  __device__ static void read(const std::uint8_t* block, int, int t, Codes<kRuns>& out) {
    const unsigned high = word_at(block + 4), codes = word_at(block + 8 + 4 * t);
    out.words[0] = static_cast<int>((codes & 0x0f0f0f0fu) | spread(high >> 4 * t) << 4);
    out.words[1] = static_cast<int>((codes >> 4 & 0x0f0f0f0fu) | spread(high >> (16 + 4 * t)) << 4);
    out.scale[0] = out.scale[1] = half_at(block);
    out.min[0] = out.min[1] = -half_at(block + 2);
  }
};

// 64 columns: sub-blocks 4 part .. 4 part + 3, two bits or three.
template <>
struct Chunk<Format::q2_k> {
  static constexpr int kRuns = 4, kPerBlock = 4, kBlockBytes = 84;
  static constexpr bool kHasMin = true;
  __device__ static void read(const std::uint8_t* block, int part, int t, Codes<kRuns>& out) {
    const float d = half_at(block + 80), dmin = half_at(block + 82);
    const unsigned scales = word_at(block + 4 * part);
#pragma unroll
    for (int run = 0; run < kRuns; ++run) {
      const unsigned codes = word_at(block + 16 + 32 * (part / 2) + 16 * (run % 2) + 4 * t);
      out.words[run] = static_cast<int>(codes >> (4 * (part % 2) + 2 * (run / 2)) & 0x03030303u);
      out.scale[run] = d * static_cast<float>(scales >> 8 * run & 15u);
      out.min[run] = dmin * static_cast<float>(scales >> (8 * run + 4) & 15u);
    }
  }
};
template <>
struct Chunk<Format::q3_k> {
  static constexpr int kRuns = 4, kPerBlock = 4, kBlockBytes = 110;
  static constexpr bool kHasMin = false;
  __device__ static void read(const std::uint8_t* block, int part, int t, Codes<kRuns>& out) {
    const float d = half_at(block + 108);
    const unsigned low = loose_word_at(block + 96 + 4 * (part % 2)) >> 4 * (part / 2), high = loose_word_at(block + 104) >> 2 * part;
#pragma unroll
    for (int run = 0; run < kRuns; ++run) {
      const int pair = 2 * (part % 2) + run / 2;
      const unsigned codes = loose_word_at(block + 32 + 32 * (part / 2) + 16 * (run % 2) + 4 * t) >> 2 * pair & 0x03030303u;
      const unsigned third = loose_word_at(block + 16 * (run % 2) + 4 * t) >> (4 * (part / 2) + pair) & 0x01010101u;
      out.words[run] = less(codes | third << 2, 4);
      out.scale[run] = d * static_cast<float>(static_cast<int>((low >> 8 * run & 15u) + 16u * (high >> 8 * run & 3u)) - 32);
    }
  }
};

template <>
struct Chunk<Format::iq4_nl> {
  static constexpr int kRuns = 2, kPerBlock = 1, kBlockBytes = 18;
  static constexpr bool kHasMin = false;
  __device__ static void read(const std::uint8_t* block, int, int t, Codes<kRuns>& out) {
    const Looked values = look_up_all(loose_word_at(block + 2 + 4 * t), iq4_table());
    out.words[0] = values.low;
    out.words[1] = values.high;
    out.scale[0] = out.scale[1] = half_at(block);
  }
};
template <>
struct Chunk<Format::iq4_xs> {
  static constexpr int kRuns = 2, kPerBlock = 8, kBlockBytes = 136;
  static constexpr bool kHasMin = false;
  __device__ static void read(const std::uint8_t* block, int part, int t, Codes<kRuns>& out) {
    const unsigned head = word_at(block), low = word_at(block + 4) >> 4 * part & 15u;
    const Looked values = look_up_all(word_at(block + 8 + 16 * part + 4 * t), iq4_table());
    out.words[0] = values.low;
    out.words[1] = values.high;
    out.scale[0] = out.scale[1] = half_bits_to_float(static_cast<std::uint16_t>(head & 0xffffu)) *
                                  static_cast<float>(static_cast<int>(low + 16u * (head >> (16 + 2 * part) & 3u)) - 32);
  }
};

template <>
struct Chunk<Format::mxfp4> {
  static constexpr int kRuns = 2, kPerBlock = 1, kBlockBytes = 17;
  static constexpr bool kHasMin = false;
  __device__ static void read(const std::uint8_t* block, int, int t, Codes<kRuns>& out) {
    const Looked values = look_up_all(any_word_at(block + 1 + 4 * t), fp4_doubled_table());
    out.words[0] = values.low;
    out.words[1] = values.high;
    out.scale[0] = out.scale[1] = half_power_of_two(block[0]);
  }
};
// Eight bytes hold a run: its first half in their low, its second in their high halves.
template <>
struct Chunk<Format::nvfp4> {
  static constexpr int kRuns = 4, kPerBlock = 1, kBlockBytes = 36;
  static constexpr bool kHasMin = false;
  __device__ static void read(const std::uint8_t* block, int, int t, Codes<kRuns>& out) {
#pragma unroll
    for (int run = 0; run < kRuns; ++run) {
      const Looked values = look_up_all(word_at(block + 4 + 8 * run + 4 * (t % 2)), fp4_doubled_table());
      out.words[run] = t < 2 ? values.low : values.high;
      out.scale[run] = half_ue4m3(block[run] & 0x7f);
    }
  }
};

}  // namespace foreword::gpu::cuda

#pragma once
// Weights as int8 codes, read from the units of packing.h: what the lanes of a warp need for matrix_product(). value = scale * code - min.
//
// Codes of a chunk are planes of four, two, one or eight bits, lane after lane. Lane 4g + t has rows g and g + 8 of the tile and columns
// 4t .. 4t + 3 of each of the chunk's four runs: in byte j of its words column 4t + j.
//   fours, 16 bytes a lane: words [half][row], the half's first run in the low, its second in the high half of a byte
//   twos, 8 bytes a lane: words [row], run k in bits 2k and 2k + 1
//   ones, 4 bytes a lane: run k of row r in bit 4r + k
//   eights, 32 bytes a lane: words [half][row][run], each half 512 bytes
// A code of five bits is its upper four and its lowest one, of six its upper four and lower two, of three its upper two and lowest one.
// Codes with a sign stand at the top of their byte, which makes them 2^kShift too large; the scales say so.

#include "gpu/cuda/bytes.cuh"
#include "gpu/cuda/packing.h"

namespace foreword::gpu::cuda {

inline constexpr int kRun = 16;     // columns that share an activation's scale
inline constexpr int kUnitChunks = 4;   // of a unit
inline constexpr int kInChunk = 4;  // runs of a chunk

struct Scales {
  float scale[kInChunk], min[kInChunk];  // of a run; of formats whose halves have one, only those of runs 0 and 2
};

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

// Of each byte the bits `from`, .. of `mask`, moved to `to`.
__device__ __forceinline__ unsigned field(unsigned word, int from, int to, unsigned mask) {
  return (to >= from ? word << (to - from) : word >> (from - to)) & (mask << to) * 0x01010101u;
}

// A small number as the last bits of a float of 2^23; a half's product with the offset is exact, so one multiply-add gives the number times it.
inline constexpr float kBitsOffset = 8388608.0f;
__device__ __forceinline__ float above_offset(unsigned small) { return __uint_as_float(small | 0x4b000000u); }

template <class T>
__device__ __forceinline__ T load(const std::uint8_t* p) { return *reinterpret_cast<const T*>(p); }
__device__ __forceinline__ float low_half(unsigned word) { return half_bits_to_float(static_cast<std::uint16_t>(word & 0xffffu)); }
__device__ __forceinline__ float high_half(unsigned word) { return half_bits_to_float(static_cast<std::uint16_t>(word >> 16)); }
__device__ __forceinline__ float signed_byte(unsigned word, int i) { return static_cast<float>(static_cast<std::int8_t>(word >> 8 * i & 255u)); }
__device__ __forceinline__ float at(const float4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }
__device__ __forceinline__ unsigned at(const uint4& v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

enum class Table : std::uint8_t { none, iq4, fp4 };

/// Planes of a format's codes.
template <bool has_fours, bool has_twos, bool has_ones, bool is_signed, Table table = Table::none>
struct Planes {
  static constexpr bool kFours = has_fours, kTwos = has_twos, kOnes = has_ones, kHasTable = table != Table::none;
  static constexpr int kBits = 4 * kFours + 2 * kTwos + kOnes;
  static constexpr int kShift = is_signed ? 8 - kBits : 0;
  static constexpr int kCodeBytes = 128 * kBits;  // of a chunk
  static constexpr float kUnshift = 1.0f / static_cast<float>(1 << kShift);

  /// words[row][run]
  __device__ __forceinline__ static void codes(const std::uint8_t* chunk, int lane, int (&words)[2][kInChunk]) {
    uint4 fours{};
    uint2 twos{};
    unsigned ones = 0;
    if constexpr (kFours) fours = load<uint4>(chunk + 16 * lane);
    if constexpr (kTwos) twos = load<uint2>(chunk + 512 * kFours + 8 * lane);
    if constexpr (kOnes) ones = load<unsigned>(chunk + 512 * kFours + 256 * kTwos + 4 * lane);
#pragma unroll
    for (int r = 0; r < 2; ++r) {
#pragma unroll
      for (int k = 0; k < kInChunk; ++k) {
        if constexpr (table != Table::none) {
          if (k % 2 == 1) continue;
          const Looked both = look_up_all(at(fours, k + r), table == Table::iq4 ? iq4_table() : fp4_doubled_table());
          words[r][k] = both.low;
          words[r][k + 1] = both.high;
        } else {
          unsigned word = 0;
          if constexpr (kFours) word |= field(at(fours, k / 2 * 2 + r), 4 * (k % 2), kShift + 2 * kTwos + kOnes, 15);
          if constexpr (kTwos) word |= field(r == 0 ? twos.x : twos.y, 2 * k, kShift + kOnes, 3);
          if constexpr (kOnes) word |= field(ones, 4 * r + k, kShift, 1);
          words[r][k] = static_cast<int>(word);
        }
      }
    }
  }
};
struct Eights {
  static constexpr bool kFours = false, kTwos = false, kOnes = false, kHasTable = false;
  static constexpr int kBits = 8, kShift = 0, kCodeBytes = 1024;
  static constexpr float kUnshift = 1;
  __device__ __forceinline__ static void codes(const std::uint8_t* chunk, int lane, int (&words)[2][kInChunk]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const uint4 all = load<uint4>(chunk + 512 * half + 16 * lane);
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        words[r][2 * half] = static_cast<int>(at(all, 2 * r));
        words[r][2 * half + 1] = static_cast<int>(at(all, 2 * r + 1));
      }
    }
  }
};

/// A row of a format: its planes; whether a half of a chunk, two runs, has one scale and one minimum; kHeadBytes, the scales of 16 rows;
/// and those of one row in chunk q.
template <Format kFormat>
struct Unit;

// [row][chunk][half] f16
template <class P>
struct HalfScales : P {
  static constexpr bool kHasMin = false, kByHalf = true;
  static constexpr int kHeadBytes = 256;
  __device__ __forceinline__ static void scales(const std::uint8_t* head, int q, int row, Scales& s) {
    const unsigned both = load<unsigned>(head + 16 * row + 4 * q);
    s.scale[0] = low_half(both) * P::kUnshift;
    s.scale[2] = high_half(both) * P::kUnshift;
  }
};
template <>
struct Unit<Format::q4_0> : HalfScales<Planes<true, false, false, true>> {};
template <>
struct Unit<Format::q5_0> : HalfScales<Planes<true, false, true, true>> {};
template <>
struct Unit<Format::q8_0> : HalfScales<Eights> {};
template <>
struct Unit<Format::iq4_nl> : HalfScales<Planes<true, false, false, false, Table::iq4>> {};

// [row][chunk][half] f16 pairs: value = first * code + second
template <class P>
struct HalfPairs : P {
  static constexpr bool kHasMin = true, kByHalf = true;
  static constexpr int kHeadBytes = 512;
  __device__ __forceinline__ static void scales(const std::uint8_t* head, int q, int row, Scales& s) {
    const uint2 both = load<uint2>(head + 32 * row + 8 * q);
    s.scale[0] = low_half(both.x);
    s.scale[2] = low_half(both.y);
    s.min[0] = -high_half(both.x);
    s.min[2] = -high_half(both.y);
  }
};
template <>
struct Unit<Format::q4_1> : HalfPairs<Planes<true, false, false, false>> {};
template <>
struct Unit<Format::q5_1> : HalfPairs<Planes<true, false, true, false>> {};

// [row][chunk] words: scale and minimum of both halves in 6 bits each, and in the uppermost byte one of d, dmin (two f16).
template <class P>
struct SixBitPairs : P {
  static constexpr bool kHasMin = true, kByHalf = true;
  static constexpr int kHeadBytes = 256;
  __device__ __forceinline__ static void scales(const std::uint8_t* head, int q, int row, Scales& s) {
    const uint4 all = load<uint4>(head + 16 * row);
    const float d = low_half(__byte_perm(all.x, all.y, 0x0073u)), dmin = low_half(__byte_perm(all.z, all.w, 0x0073u));
    const unsigned mine = at(all, q);
    const float d_offset = -kBitsOffset * d, dmin_offset = -kBitsOffset * dmin;
    s.scale[0] = fmaf(d, above_offset(mine & 63u), d_offset);
    s.min[0] = fmaf(dmin, above_offset(mine >> 6 & 63u), dmin_offset);
    s.scale[2] = fmaf(d, above_offset(mine >> 12 & 63u), d_offset);
    s.min[2] = fmaf(dmin, above_offset(mine >> 18 & 63u), dmin_offset);
  }
};
template <>
struct Unit<Format::q4_k> : SixBitPairs<Planes<true, false, false, false>> {};
template <>
struct Unit<Format::q5_k> : SixBitPairs<Planes<true, false, true, false>> {};

// [row][chunk][run] signed bytes, then [row] f16
template <>
struct Unit<Format::q6_k> : Planes<true, true, false, true> {
  static constexpr bool kHasMin = false, kByHalf = false;
  static constexpr int kHeadBytes = 288;
  __device__ __forceinline__ static void scales(const std::uint8_t* head, int q, int row, Scales& s) {
    const unsigned all = load<unsigned>(head + 16 * row + 4 * q);
    const float d = half_bits_to_float(load<std::uint16_t>(head + 256 + 2 * row)) * kUnshift;
    for (int k = 0; k < kInChunk; ++k) s.scale[k] = d * signed_byte(all, k);
  }
};

// [row][chunk][run] bytes: scale, minimum in four bits; then [row] d, dmin
template <>
struct Unit<Format::q2_k> : Planes<false, true, false, false> {
  static constexpr bool kHasMin = true, kByHalf = false;
  static constexpr int kHeadBytes = 320;
  __device__ __forceinline__ static void scales(const std::uint8_t* head, int q, int row, Scales& s) {
    const unsigned all = load<unsigned>(head + 16 * row + 4 * q), both = load<unsigned>(head + 256 + 4 * row);
    const float d = low_half(both), dmin = high_half(both);
    for (int k = 0; k < kInChunk; ++k) {
      s.scale[k] = d * static_cast<float>(all >> 8 * k & 15u);
      s.min[k] = dmin * static_cast<float>(all >> (8 * k + 4) & 15u);
    }
  }
};

// [row][chunk] the lower four bits of four scales, [row][chunk] their upper two, [row] f16
template <>
struct Unit<Format::q3_k> : Planes<false, true, true, true> {
  static constexpr bool kHasMin = false, kByHalf = false;
  static constexpr int kHeadBytes = 224;
  __device__ __forceinline__ static void scales(const std::uint8_t* head, int q, int row, Scales& s) {
    const unsigned low = load<std::uint16_t>(head + 8 * row + 2 * q), high = head[128 + 4 * row + q];
    const float d = half_bits_to_float(load<std::uint16_t>(head + 192 + 2 * row)) * kUnshift;
    for (int k = 0; k < kInChunk; ++k) s.scale[k] = d * static_cast<float>(static_cast<int>((low >> 4 * k & 15u) + 16 * (high >> 2 * k & 3u)) - 32);
  }
};

// [row][chunk] the lower four bits of both halves' scales, [row] the upper two bits of eight, [row] f16
template <>
struct Unit<Format::iq4_xs> : Planes<true, false, false, false, Table::iq4> {
  static constexpr bool kHasMin = false, kByHalf = true;
  static constexpr int kHeadBytes = 128;
  __device__ __forceinline__ static void scales(const std::uint8_t* head, int q, int row, Scales& s) {
    const unsigned low = head[4 * row + q], high = load<std::uint16_t>(head + 64 + 2 * row);
    const float d = half_bits_to_float(load<std::uint16_t>(head + 96 + 2 * row));
    s.scale[0] = d * static_cast<float>(static_cast<int>((low & 15u) + 16 * (high >> 2 * q & 3u)) - 32);
    s.scale[2] = d * static_cast<float>(static_cast<int>((low >> 4) + 16 * (high >> (2 * q + 8) & 3u)) - 32);
  }
};

// [row][chunk][half] exponents
template <>
struct Unit<Format::mxfp4> : Planes<true, false, false, false, Table::fp4> {
  static constexpr bool kHasMin = false, kByHalf = true;
  static constexpr int kHeadBytes = 128;
  __device__ __forceinline__ static void scales(const std::uint8_t* head, int q, int row, Scales& s) {
    const int both = load<std::uint16_t>(head + 8 * row + 2 * q);
    s.scale[0] = half_power_of_two(both & 255);
    s.scale[2] = half_power_of_two(both >> 8);
  }
};

// [row][chunk][run] numbers of 8 bits
template <>
struct Unit<Format::nvfp4> : Planes<true, false, false, false, Table::fp4> {
  static constexpr bool kHasMin = false, kByHalf = false;
  static constexpr int kHeadBytes = 256;
  __device__ __forceinline__ static void scales(const std::uint8_t* head, int q, int row, Scales& s) {
    const unsigned all = load<unsigned>(head + 16 * row + 4 * q);
    for (int k = 0; k < kInChunk; ++k) s.scale[k] = half_ue4m3(static_cast<int>(all >> 8 * k & 127u));
  }
};

}  // namespace foreword::gpu::cuda

#pragma once
// The decoders behind FormatInfo::decode, one a format, plain C++. They define what a block means: every other
// decoder and kernel is tested against them. Private to gpu/.
//
// Each takes n_blocks blocks and writes n_blocks * block_length floats. Arithmetic is f32, each product and sum
// rounded, left to right; the build forbids contraction.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace foreword::gpu::decode {

static_assert(std::endian::native == std::endian::little, "GGUF blocks are read in place, which needs little endian");

using Decoder = void(const std::byte* blocks, std::int64_t n_blocks, float* out);

// decode_plain.cpp
Decoder f32, f16, bf16, q4_0, q4_1, q5_0, q5_1, q8_0, iq4_nl, mxfp4, nvfp4, q1_0, tq1_0, tq2_0;
// decode_k.cpp
Decoder q2_k, q3_k, q4_k, q5_k, q6_k;
// decode_iq.cpp
Decoder iq4_xs, iq2_xxs, iq2_xs, iq2_s, iq3_xxs, iq3_s, iq1_s, iq1_m;

/// The 16 values of IQ4_NL and IQ4_XS.
inline constexpr std::int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

inline const std::uint8_t* bytes_of_block(const std::byte* blocks, std::int64_t block, int block_bytes) {
  return reinterpret_cast<const std::uint8_t*>(blocks) + block * block_bytes;
}
inline std::uint16_t load_u16(const std::uint8_t* p) {
  std::uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}
inline std::uint32_t load_u32(const std::uint8_t* p) {
  std::uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}
inline int low_nibble(int byte) { return byte & 15; }
inline int high_nibble(int byte) { return byte >> 4; }
/// The low nibble for an even index, the high one for an odd.
inline int nibble(int byte, int index) { return (byte >> (4 * (index & 1))) & 15; }
inline int bit(std::uint32_t value, int index) { return static_cast<int>((value >> index) & 1u); }

}  // namespace foreword::gpu::decode

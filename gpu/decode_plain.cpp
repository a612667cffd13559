// Floats, blocks of 32 and the formats of ternary, binary and four-bit-float models.

#include <cmath>

#include "gpu/decode.h"
#include "gpu/format.h"

namespace foreword::gpu::decode {
namespace {

/// Twice the values of the four-bit float E2M1, so that they are integers; the scales of its formats are halved.
constexpr std::int8_t kFp4Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// 2^(exponent - 128). Bit 22 of a float's mantissa is half its hidden one: 0 and 1 give subnormal powers.
float half_power_of_two(int exponent) {
  const std::uint32_t bits =
      exponent < 2 ? 0x00200000u << exponent : static_cast<std::uint32_t>(exponent - 1) << 23;
  return std::bit_cast<float>(bits);
}

/// Half of an unsigned float with 4 exponent and 3 mantissa bits. 0x7F is its NaN and counts as 0; bit 7 is no sign.
float half_ue4m3(int code) {
  if (code == 0x7f) return 0;
  const int exponent = (code >> 3) & 15;
  const int mantissa = code & 7;
  const float value = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                    : std::ldexp(1.0f + static_cast<float>(mantissa) / 8.0f, exponent - 7);
  return value * 0.5f;
}

}  // namespace

void f32(const std::byte* blocks, std::int64_t n_blocks, float* out) {
  if (n_blocks > 0) std::memcpy(out, blocks, static_cast<std::size_t>(n_blocks) * sizeof(float));
}

void f16(const std::byte* blocks, std::int64_t n_blocks, float* out) {
  for (std::int64_t i = 0; i < n_blocks; ++i) out[i] = half_to_float(load_u16(bytes_of_block(blocks, i, 2)));
}

void bf16(const std::byte* blocks, std::int64_t n_blocks, float* out) {
  for (std::int64_t i = 0; i < n_blocks; ++i) {
    out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(load_u16(bytes_of_block(blocks, i, 2))) << 16);
  }
}

void q4_0(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, u8 qs[16]
  for (std::int64_t b = 0; b < n_blocks; ++b, out += 32) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 18);
    const float d = half_to_float(load_u16(block));
    const std::uint8_t* qs = block + 2;
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(low_nibble(qs[j]) - 8);
      out[16 + j] = d * static_cast<float>(high_nibble(qs[j]) - 8);
    }
  }
}

void q4_1(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, f16 m, u8 qs[16]
  for (std::int64_t b = 0; b < n_blocks; ++b, out += 32) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 20);
    const float d = half_to_float(load_u16(block));
    const float m = half_to_float(load_u16(block + 2));
    const std::uint8_t* qs = block + 4;
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(low_nibble(qs[j])) + m;
      out[16 + j] = d * static_cast<float>(high_nibble(qs[j])) + m;
    }
  }
}

void q5_0(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, u32 qh, u8 qs[16]
  for (std::int64_t b = 0; b < n_blocks; ++b, out += 32) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 22);
    const float d = half_to_float(load_u16(block));
    const std::uint32_t qh = load_u32(block + 2);
    const std::uint8_t* qs = block + 6;
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(low_nibble(qs[j]) + 16 * bit(qh, j) - 16);
      out[16 + j] = d * static_cast<float>(high_nibble(qs[j]) + 16 * bit(qh, 16 + j) - 16);
    }
  }
}

void q5_1(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, f16 m, u32 qh, u8 qs[16]
  for (std::int64_t b = 0; b < n_blocks; ++b, out += 32) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 24);
    const float d = half_to_float(load_u16(block));
    const float m = half_to_float(load_u16(block + 2));
    const std::uint32_t qh = load_u32(block + 4);
    const std::uint8_t* qs = block + 8;
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(low_nibble(qs[j]) + 16 * bit(qh, j)) + m;
      out[16 + j] = d * static_cast<float>(high_nibble(qs[j]) + 16 * bit(qh, 16 + j)) + m;
    }
  }
}

void q8_0(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, i8 qs[32]
  for (std::int64_t b = 0; b < n_blocks; ++b, out += 32) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 34);
    const float d = half_to_float(load_u16(block));
    for (int j = 0; j < 32; ++j) out[j] = d * static_cast<float>(static_cast<std::int8_t>(block[2 + j]));
  }
}

void iq4_nl(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, u8 qs[16]
  for (std::int64_t b = 0; b < n_blocks; ++b, out += 32) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 18);
    const float d = half_to_float(load_u16(block));
    const std::uint8_t* qs = block + 2;
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(kIq4Values[low_nibble(qs[j])]);
      out[16 + j] = d * static_cast<float>(kIq4Values[high_nibble(qs[j])]);
    }
  }
}

void mxfp4(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // u8 e, u8 qs[16]
  for (std::int64_t b = 0; b < n_blocks; ++b, out += 32) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 17);
    const float d = half_power_of_two(block[0]);
    const std::uint8_t* qs = block + 1;
    for (int j = 0; j < 16; ++j) {
      out[j] = d * static_cast<float>(kFp4Doubled[low_nibble(qs[j])]);
      out[16 + j] = d * static_cast<float>(kFp4Doubled[high_nibble(qs[j])]);
    }
  }
}

void nvfp4(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // u8 e[4], u8 qs[32]
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 36);
    for (int s = 0; s < 4; ++s, out += 16) {
      const float d = half_ue4m3(block[s]);
      const std::uint8_t* qs = block + 4 + 8 * s;
      for (int j = 0; j < 8; ++j) {
        out[j] = d * static_cast<float>(kFp4Doubled[low_nibble(qs[j])]);
        out[8 + j] = d * static_cast<float>(kFp4Doubled[high_nibble(qs[j])]);
      }
    }
  }
}

void q1_0(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, u8 qs[16]
  for (std::int64_t b = 0; b < n_blocks; ++b, out += 128) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 18);
    const auto d = std::bit_cast<std::uint32_t>(half_to_float(load_u16(block)));
    for (int i = 0; i < 128; ++i) {  // a set bit is plus
      out[i] = std::bit_cast<float>(d ^ (~static_cast<std::uint32_t>(block[2 + i / 8]) >> (i % 8) << 31));
    }
  }
}

// u8 qs[48], u8 qh[4], f16 d. A byte holds five base-3 digits (qh: four) as a binary fraction: digit n is the integer
// part of 3 * frac(byte * 3^n / 256).
void tq1_0(const std::byte* blocks, std::int64_t n_blocks, float* out) {
  static constexpr int kPowersOfThree[5] = {1, 3, 9, 27, 81};
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 54);
    const float d = half_to_float(load_u16(block + 52));
    const auto decode_digits = [&](const std::uint8_t* digits, int n_bytes, int n_digits) {
      for (int n = 0; n < n_digits; ++n) {
        for (int j = 0; j < n_bytes; ++j) {
          const int fraction = (digits[j] * kPowersOfThree[n]) & 255;
          *out++ = d * static_cast<float>(((fraction * 3) >> 8) - 1);
        }
      }
    };
    decode_digits(block, 32, 5);
    decode_digits(block + 32, 16, 5);
    decode_digits(block + 48, 4, 4);
  }
}

void tq2_0(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // u8 qs[64], f16 d
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 66);
    const float d = half_to_float(load_u16(block + 64));
    for (int half = 0; half < 2; ++half) {
      for (int shift = 0; shift < 8; shift += 2) {
        for (int j = 0; j < 32; ++j) *out++ = d * static_cast<float>(((block[32 * half + j] >> shift) & 3) - 1);
      }
    }
  }
}

}  // namespace foreword::gpu::decode

// The K formats: blocks of 256 whose sub-blocks have scales of their own.

#include "gpu/decode.h"
#include "gpu/format.h"

namespace foreword::gpu::decode {
namespace {

/// Scale and minimum of sub-block s, 6 bits each, in the 12 bytes of Q4_K and Q5_K.
struct ScaleAndMin {
  int scale, min;
};
ScaleAndMin scale_and_min(const std::uint8_t* sc, int s) {
  if (s < 4) return {sc[s] & 63, sc[s + 4] & 63};
  return {(sc[s + 4] & 15) + 16 * (sc[s - 4] >> 6), (sc[s + 4] >> 4) + 16 * (sc[s] >> 6)};
}

}  // namespace

void q2_k(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // u8 sc[16], u8 qs[64], f16 d, f16 dmin
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* sc = bytes_of_block(blocks, b, 84);
    const std::uint8_t* qs = sc + 16;
    const float d = half_to_float(load_u16(sc + 80));
    const float dmin = half_to_float(load_u16(sc + 82));
    for (int s = 0; s < 16; ++s, out += 16) {
      const float scale = d * static_cast<float>(low_nibble(sc[s]));
      const float min = dmin * static_cast<float>(high_nibble(sc[s]));
      const std::uint8_t* q = qs + 32 * (s / 8) + 16 * (s % 2);
      const int shift = 2 * (s % 8 / 2);
      for (int l = 0; l < 16; ++l) out[l] = scale * static_cast<float>((q[l] >> shift) & 3) - min;
    }
  }
}

void q3_k(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // u8 hmask[32], u8 qs[64], u8 sc[12], f16 d
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* hmask = bytes_of_block(blocks, b, 110);
    const std::uint8_t* qs = hmask + 32;
    const std::uint8_t* sc = hmask + 96;
    const float d = half_to_float(load_u16(hmask + 108));
    for (int s = 0; s < 16; ++s, out += 16) {
      const int low = s < 8 ? low_nibble(sc[s]) : high_nibble(sc[s - 8]);
      const float scale = d * static_cast<float>(low + 16 * ((sc[8 + s % 4] >> (2 * (s / 4))) & 3) - 32);
      const std::uint8_t* q = qs + 32 * (s / 8) + 16 * (s % 2);
      const std::uint8_t* high = hmask + 16 * (s % 2);
      const int pair = s % 8 / 2;
      for (int l = 0; l < 16; ++l) {
        const int value = ((q[l] >> (2 * pair)) & 3) - (bit(high[l], 4 * (s / 8) + pair) ? 0 : 4);
        out[l] = scale * static_cast<float>(value);
      }
    }
  }
}

void q4_k(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, f16 dmin, u8 sc[12], u8 qs[128]
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 144);
    const float d = half_to_float(load_u16(block));
    const float dmin = half_to_float(load_u16(block + 2));
    for (int s = 0; s < 8; ++s, out += 32) {
      const ScaleAndMin codes = scale_and_min(block + 4, s);
      const float scale = d * static_cast<float>(codes.scale);
      const float min = dmin * static_cast<float>(codes.min);
      const std::uint8_t* q = block + 16 + 32 * (s / 2);
      for (int l = 0; l < 32; ++l) out[l] = scale * static_cast<float>(nibble(q[l], s)) - min;
    }
  }
}

void q5_k(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // as Q4_K with u8 qh[32] before qs
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 176);
    const float d = half_to_float(load_u16(block));
    const float dmin = half_to_float(load_u16(block + 2));
    const std::uint8_t* qh = block + 16;
    for (int s = 0; s < 8; ++s, out += 32) {
      const ScaleAndMin codes = scale_and_min(block + 4, s);
      const float scale = d * static_cast<float>(codes.scale);
      const float min = dmin * static_cast<float>(codes.min);
      const std::uint8_t* q = block + 48 + 32 * (s / 2);
      for (int l = 0; l < 32; ++l) {
        out[l] = scale * static_cast<float>(nibble(q[l], s) + 16 * bit(qh[l], s)) - min;
      }
    }
  }
}

void q6_k(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // u8 ql[128], u8 qh[64], i8 sc[16], f16 d
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 210);
    const float d = half_to_float(load_u16(block + 208));
    for (int s = 0; s < 16; ++s, out += 16) {  // sub-block s: half s / 8, quarter of that half s % 8 / 2
      const int quarter = s % 8 / 2;
      const std::uint8_t* ql = block + 64 * (s / 8) + 32 * (quarter % 2) + 16 * (s % 2);
      const std::uint8_t* qh = block + 128 + 32 * (s / 8) + 16 * (s % 2);
      const float scale = d * static_cast<float>(static_cast<std::int8_t>(block[192 + s]));
      for (int l = 0; l < 16; ++l) {
        const int value = nibble(ql[l], quarter / 2) + 16 * ((qh[l] >> (2 * quarter)) & 3) - 32;
        out[l] = scale * static_cast<float>(value);
      }
    }
  }
}

}  // namespace foreword::gpu::decode

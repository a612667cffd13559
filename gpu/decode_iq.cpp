// The IQ formats of 256 values: a table of 16 values (IQ4_XS), codebooks with signs (IQ2, IQ3), ternary codebooks with
// a shift (IQ1).

#include <array>

#include "gpu/codebooks.h"
#include "gpu/decode.h"
#include "gpu/format.h"

namespace foreword::gpu::decode {
namespace {

/// Eight sign bits of even parity from the seven that are stored.
int with_parity(std::uint32_t seven_bits) {
  return static_cast<int>(seven_bits | static_cast<std::uint32_t>(std::popcount(seven_bits) & 1) << 7);
}

/// scale * entry, element j negated where bit j of `signs` is set. Without a branch: signs are random.
template <std::size_t kWidth>
void write_signed(const std::array<std::int8_t, kWidth>& entry, float scale, int signs, float* out) {
  for (std::size_t j = 0; j < kWidth; ++j) {
    const auto value = std::bit_cast<std::uint32_t>(scale * static_cast<float>(entry[j]));
    out[j] = std::bit_cast<float>(value ^ (static_cast<std::uint32_t>(signs) >> j << 31));
  }
}

void write_shifted(const std::array<std::int8_t, 8>& entry, float scale, bool down, float* out) {
  const float shift = down ? -0.125f : 0.125f;
  for (std::size_t j = 0; j < 8; ++j) out[j] = scale * (static_cast<float>(entry[j]) + shift);
}

}  // namespace

void iq4_xs(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, u16 sh, u8 sl[4], u8 qs[128]
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 136);
    const float d = half_to_float(load_u16(block));
    const int sh = load_u16(block + 2);
    for (int s = 0; s < 8; ++s, out += 32) {
      const float scale = d * static_cast<float>(nibble(block[4 + s / 2], s) + 16 * ((sh >> (2 * s)) & 3) - 32);
      const std::uint8_t* qs = block + 8 + 16 * s;
      for (int j = 0; j < 16; ++j) {
        out[j] = scale * static_cast<float>(kIq4Values[low_nibble(qs[j])]);
        out[16 + j] = scale * static_cast<float>(kIq4Values[high_nibble(qs[j])]);
      }
    }
  }
}

void iq2_xxs(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, 8 x {u8 a[4], u32 w}
  const auto& book = codebooks().iq2_xxs;
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 66);
    const float d = half_to_float(load_u16(block));
    for (int s = 0; s < 8; ++s) {
      const std::uint8_t* a = block + 2 + 8 * s;
      const std::uint32_t w = load_u32(a + 4);
      const float scale = d * (0.5f + static_cast<float>(w >> 28)) * 0.25f;
      for (int l = 0; l < 4; ++l, out += 8) write_signed(book[a[l]], scale, with_parity((w >> (7 * l)) & 127), out);
    }
  }
}

void iq2_xs(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, u16 qs[32], u8 sc[8]
  const auto& book = codebooks().iq2_xs;
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 74);
    const float d = half_to_float(load_u16(block));
    for (int g = 0; g < 32; ++g, out += 8) {
      const std::uint32_t code = load_u16(block + 2 + 2 * g);
      const float scale = d * (0.5f + static_cast<float>(nibble(block[66 + g / 4], g % 4 / 2))) * 0.25f;
      write_signed(book[code & 511], scale, with_parity(code >> 9), out);
    }
  }
}

void iq2_s(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, u8 qs[32], sg[32], qh[8], sc[8]
  const auto& book = codebooks().iq2_s;
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 82);
    const std::uint8_t* qs = block + 2;
    const std::uint8_t* sg = block + 34;
    const std::uint8_t* qh = block + 66;
    const std::uint8_t* sc = block + 74;
    const float d = half_to_float(load_u16(block));
    for (int g = 0; g < 32; ++g, out += 8) {
      const float scale = d * (0.5f + static_cast<float>(nibble(sc[g / 4], g % 4 / 2))) * 0.25f;
      const int index = qs[g] + 256 * ((qh[g / 4] >> (2 * (g % 4))) & 3);
      write_signed(book[static_cast<std::size_t>(index)], scale, sg[g], out);
    }
  }
}

void iq3_xxs(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, u8 qs[64], u32 w[8]
  const auto& book = codebooks().iq3_xxs;
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 98);
    const float d = half_to_float(load_u16(block));
    for (int s = 0; s < 8; ++s) {
      const std::uint8_t* qs = block + 2 + 8 * s;
      const std::uint32_t w = load_u32(block + 66 + 4 * s);
      const float scale = d * (0.5f + static_cast<float>(w >> 28)) * 0.5f;
      for (int l = 0; l < 4; ++l, out += 8) {
        const int signs = with_parity((w >> (7 * l)) & 127);
        write_signed(book[qs[2 * l]], scale, signs, out);
        write_signed(book[qs[2 * l + 1]], scale, signs >> 4, out + 4);
      }
    }
  }
}

void iq3_s(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, u8 qs[64], qh[8], sg[32], sc[4]
  const auto& book = codebooks().iq3_s;
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 110);
    const std::uint8_t* qs = block + 2;
    const std::uint8_t* qh = block + 66;
    const std::uint8_t* sg = block + 74;
    const std::uint8_t* sc = block + 106;
    const float d = half_to_float(load_u16(block));
    for (int s = 0; s < 8; ++s) {
      const float scale = d * static_cast<float>(1 + 2 * nibble(sc[s / 2], s));
      for (int k = 0; k < 8; ++k, out += 4) {
        const int index = qs[8 * s + k] + 256 * bit(qh[s], k);
        write_signed(book[static_cast<std::size_t>(index)], scale, sg[4 * s + k / 2] >> (4 * (k % 2)), out);
      }
    }
  }
}

void iq1_s(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // f16 d, u8 qs[32], u16 qh[8]
  const auto& book = codebooks().iq1;
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 50);
    const float d = half_to_float(load_u16(block));
    for (int s = 0; s < 8; ++s) {
      const int qh = load_u16(block + 34 + 2 * s);
      const float scale = d * static_cast<float>(2 * ((qh >> 12) & 7) + 1);
      for (int l = 0; l < 4; ++l, out += 8) {
        const int index = block[2 + 4 * s + l] + 256 * ((qh >> (3 * l)) & 7);
        write_shifted(book[static_cast<std::size_t>(index)], scale, (qh & 0x8000) != 0, out);
      }
    }
  }
}

void iq1_m(const std::byte* blocks, std::int64_t n_blocks, float* out) {  // u8 qs[32], u8 qh[16], u16 sc[4]
  const auto& book = codebooks().iq1;
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const std::uint8_t* block = bytes_of_block(blocks, b, 56);
    int sc[4];
    int half = 0;  // the f16 scale, four bits of it in the top of each u16
    for (int k = 0; k < 4; ++k) {
      sc[k] = load_u16(block + 48 + 2 * k);
      half |= (sc[k] >> 12) << (4 * k);
    }
    const float d = half_to_float(static_cast<std::uint16_t>(half));
    for (int g = 0; g < 32; ++g, out += 8) {
      const int high = nibble(block[32 + g / 2], g);
      const int pair = g / 2;
      const float scale = d * static_cast<float>(2 * ((sc[pair / 4] >> (3 * (pair % 4))) & 7) + 1);
      write_shifted(book[static_cast<std::size_t>(block[g] + 256 * (high & 7))], scale, (high & 8) != 0, out);
    }
  }
}

}  // namespace foreword::gpu::decode

#pragma once
// Every weight format as floats: eight values of a block. Arithmetic as in gpu/decode_*.cpp, so that the values are the same to the
// bit. Bytes are read one by one or in halves; no load is wider than the format's alignment in a file.

#include "gpu/cuda/bytes.cuh"

namespace foreword::gpu::cuda {

/// Where the codebooks lie on the device (struct Codebooks of gpu/codebooks.h, byte by byte).
struct Books {
  const std::int8_t *iq2_xxs, *iq2_xs, *iq2_s, *iq1, *iq3_xxs, *iq3_s;
};

__device__ __forceinline__ int iq4_value(int code) {
  constexpr std::int8_t kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
  return kValues[code];
}
// Twice the values of E2M1: 0 1 2 3 4 6 8 12 and their negatives.
__device__ __forceinline__ int fp4_doubled(int code) {
  const int size = code & 7, value = size < 5 ? size : size == 5 ? 6 : size == 6 ? 8 : 12;
  return code & 8 ? -value : value;
}
__device__ __forceinline__ int half_word_at(const std::uint8_t* p) { return *reinterpret_cast<const std::uint16_t*>(p); }
__device__ __forceinline__ unsigned with_parity(unsigned seven_bits) {
  return seven_bits | static_cast<unsigned>(__popc(seven_bits) & 1) << 7;
}
__device__ __forceinline__ float with_sign(float value, unsigned signs, int j) {
  return __uint_as_float(__float_as_uint(value) ^ signs >> j << 31);
}

// Scale and minimum of sub-block s in the 12 bytes of Q4_K and Q5_K.
__device__ __forceinline__ void scale_and_min(const std::uint8_t* sc, int s, int& scale, int& min) {
  if (s < 4) {
    scale = sc[s] & 63;
    min = sc[s + 4] & 63;
  } else {
    scale = (sc[s + 4] & 15) + 16 * (sc[s - 4] >> 6);
    min = (sc[s + 4] >> 4) + 16 * (sc[s] >> 6);
  }
}

/// The values 8i .. 8i + 7 of a block.
template <Format kFormat>
struct Values;

#define FOREWORD_VALUES(format, n_values, n_bytes)                                             \
  template <>                                                                                  \
  struct Values<Format::format> {                                                              \
    static constexpr int kValues = n_values, kBytes = n_bytes;                                 \
    __device__ __forceinline__ static void read([[maybe_unused]] const Books& books, const std::uint8_t* b, int i, float (&v)[8]); \
  };                                                                                           \
  __device__ __forceinline__ void Values<Format::format>::read([[maybe_unused]] const Books& books, const std::uint8_t* b, int i, float (&v)[8])

// Plain numbers, in groups of eight that a row need not fill: one(b, j) is number j of the group.
#define FOREWORD_PLAIN(format, n_bytes, expression)                                                                    \
  template <>                                                                                                          \
  struct Values<Format::format> {                                                                                      \
    static constexpr int kValues = 8, kBytes = n_bytes;                                                                \
    __device__ __forceinline__ static float one(const std::uint8_t* b, int j) { return expression; }                   \
    __device__ __forceinline__ static void read(const Books&, const std::uint8_t* b, int, float (&v)[8]) {             \
      for (int j = 0; j < 8; ++j) v[j] = one(b, j);                                                                    \
    }                                                                                                                  \
  };
FOREWORD_PLAIN(f32, 32, reinterpret_cast<const float*>(b)[j])
FOREWORD_PLAIN(f16, 16, half_at(b + 2 * j))
FOREWORD_PLAIN(bf16, 16, __uint_as_float(static_cast<unsigned>(half_word_at(b + 2 * j)) << 16))
#undef FOREWORD_PLAIN

FOREWORD_VALUES(q4_0, 32, 18) {
  const float d = half_at(b);
  for (int j = 0; j < 8; ++j) v[j] = d * static_cast<float>((b[2 + 8 * (i % 2) + j] >> 4 * (i / 2) & 15) - 8);
}
FOREWORD_VALUES(q4_1, 32, 20) {
  const float d = half_at(b), m = half_at(b + 2);
  for (int j = 0; j < 8; ++j) v[j] = d * static_cast<float>(b[4 + 8 * (i % 2) + j] >> 4 * (i / 2) & 15) + m;
}
FOREWORD_VALUES(q5_0, 32, 22) {
  const float d = half_at(b);
  const unsigned high = loose_word_at(b + 2) >> 8 * i;
  for (int j = 0; j < 8; ++j) v[j] = d * static_cast<float>((b[6 + 8 * (i % 2) + j] >> 4 * (i / 2) & 15) + 16 * static_cast<int>(high >> j & 1) - 16);
}
FOREWORD_VALUES(q5_1, 32, 24) {
  const float d = half_at(b), m = half_at(b + 2);
  const unsigned high = loose_word_at(b + 4) >> 8 * i;
  for (int j = 0; j < 8; ++j) v[j] = d * static_cast<float>((b[8 + 8 * (i % 2) + j] >> 4 * (i / 2) & 15) + 16 * static_cast<int>(high >> j & 1)) + m;
}
FOREWORD_VALUES(q8_0, 32, 34) {
  const float d = half_at(b);
  for (int j = 0; j < 8; ++j) v[j] = d * static_cast<float>(static_cast<std::int8_t>(b[2 + 8 * i + j]));
}
FOREWORD_VALUES(q2_k, 256, 84) {
  const int s = i / 2, shift = 2 * (s % 8 / 2);
  const float scale = half_at(b + 80) * static_cast<float>(b[s] & 15), min = half_at(b + 82) * static_cast<float>(b[s] >> 4);
  const std::uint8_t* q = b + 16 + 32 * (s / 8) + 16 * (s % 2) + 8 * (i % 2);
  for (int j = 0; j < 8; ++j) v[j] = scale * static_cast<float>(q[j] >> shift & 3) - min;
}
FOREWORD_VALUES(q3_k, 256, 110) {
  const int s = i / 2, pair = s % 8 / 2, at = 16 * (s % 2) + 8 * (i % 2);
  const int low = b[96 + s % 8] >> 4 * (s / 8) & 15;
  const float scale = half_at(b + 108) * static_cast<float>(low + 16 * (b[104 + s % 4] >> 2 * (s / 4) & 3) - 32);
  for (int j = 0; j < 8; ++j) {
    const int value = (b[32 + 32 * (s / 8) + at + j] >> 2 * pair & 3) - (b[at + j] >> (4 * (s / 8) + pair) & 1 ? 0 : 4);
    v[j] = scale * static_cast<float>(value);
  }
}
FOREWORD_VALUES(q4_k, 256, 144) {
  const int s = i / 4;
  int code, min_code;
  scale_and_min(b + 4, s, code, min_code);
  const float scale = half_at(b) * static_cast<float>(code), min = half_at(b + 2) * static_cast<float>(min_code);
  for (int j = 0; j < 8; ++j) v[j] = scale * static_cast<float>(b[16 + 32 * (s / 2) + 8 * (i % 4) + j] >> 4 * (s % 2) & 15) - min;
}
FOREWORD_VALUES(q5_k, 256, 176) {
  const int s = i / 4, at = 8 * (i % 4);
  int code, min_code;
  scale_and_min(b + 4, s, code, min_code);
  const float scale = half_at(b) * static_cast<float>(code), min = half_at(b + 2) * static_cast<float>(min_code);
  for (int j = 0; j < 8; ++j) {
    v[j] = scale * static_cast<float>((b[48 + 32 * (s / 2) + at + j] >> 4 * (s % 2) & 15) + 16 * (b[16 + at + j] >> s & 1)) - min;
  }
}
FOREWORD_VALUES(q6_k, 256, 210) {
  const int s = i / 2, quarter = s % 8 / 2, at = 16 * (s % 2) + 8 * (i % 2);
  const float scale = half_at(b + 208) * static_cast<float>(static_cast<std::int8_t>(b[192 + s]));
  for (int j = 0; j < 8; ++j) {
    const int low = b[64 * (s / 8) + 32 * (quarter % 2) + at + j] >> 4 * (quarter / 2) & 15;
    v[j] = scale * static_cast<float>(low + 16 * (b[128 + 32 * (s / 8) + at + j] >> 2 * quarter & 3) - 32);
  }
}
FOREWORD_VALUES(iq4_nl, 32, 18) {
  const float d = half_at(b);
  for (int j = 0; j < 8; ++j) v[j] = d * static_cast<float>(iq4_value(b[2 + 8 * (i % 2) + j] >> 4 * (i / 2) & 15));
}
FOREWORD_VALUES(iq4_xs, 256, 136) {
  const int s = i / 4, high = half_word_at(b + 2) >> 2 * s & 3;
  const float scale = half_at(b) * static_cast<float>((b[4 + s / 2] >> 4 * (s % 2) & 15) + 16 * high - 32);
  for (int j = 0; j < 8; ++j) v[j] = scale * static_cast<float>(iq4_value(b[8 + 16 * s + 8 * (i % 2) + j] >> 4 * (i % 4 / 2) & 15));
}
FOREWORD_VALUES(mxfp4, 32, 17) {
  const float d = half_power_of_two(b[0]);
  for (int j = 0; j < 8; ++j) v[j] = d * static_cast<float>(fp4_doubled(b[1 + 8 * (i % 2) + j] >> 4 * (i / 2) & 15));
}
FOREWORD_VALUES(nvfp4, 64, 36) {
  const int s = i / 2;
  const float d = half_ue4m3(b[s] & 0x7f);
  for (int j = 0; j < 8; ++j) v[j] = d * static_cast<float>(fp4_doubled(b[4 + 8 * s + j] >> 4 * (i % 2) & 15));
}
FOREWORD_VALUES(q1_0, 128, 18) {
  const float d = half_at(b);
  for (int j = 0; j < 8; ++j) v[j] = with_sign(d, ~static_cast<unsigned>(b[2 + i]), j);
}
FOREWORD_VALUES(tq1_0, 256, 54) {
  const float d = half_at(b + 52);
  for (int j = 0; j < 8; ++j) {
    const int e = 8 * i + j;
    int byte = 0, digit = 0;
    if (e < 160) byte = b[e % 32], digit = e / 32;
    else if (e < 240) byte = b[32 + (e - 160) % 16], digit = (e - 160) / 16;
    else byte = b[48 + (e - 240) % 4], digit = (e - 240) / 4;
    const int power = digit == 0 ? 1 : digit == 1 ? 3 : digit == 2 ? 9 : digit == 3 ? 27 : 81;
    v[j] = d * static_cast<float>(((byte * power & 255) * 3 >> 8) - 1);
  }
}
FOREWORD_VALUES(tq2_0, 256, 66) {
  const float d = half_at(b + 64);
  for (int j = 0; j < 8; ++j) v[j] = d * static_cast<float>((b[32 * (i / 16) + 8 * (i % 4) + j] >> 2 * (i % 16 / 4) & 3) - 1);
}
FOREWORD_VALUES(iq2_xxs, 256, 66) {
  const std::uint8_t* a = b + 2 + 8 * (i / 4);
  const unsigned w = loose_word_at(a + 4), signs = with_parity(w >> 7 * (i % 4) & 127);
  const float scale = half_at(b) * (0.5f + static_cast<float>(w >> 28)) * 0.25f;
  const std::int8_t* entry = books.iq2_xxs + 8 * a[i % 4];
  for (int j = 0; j < 8; ++j) v[j] = with_sign(scale * static_cast<float>(entry[j]), signs, j);
}
FOREWORD_VALUES(iq2_xs, 256, 74) {
  const int code = half_word_at(b + 2 + 2 * i);
  const float scale = half_at(b) * (0.5f + static_cast<float>(b[66 + i / 4] >> 4 * (i % 4 / 2) & 15)) * 0.25f;
  const std::int8_t* entry = books.iq2_xs + 8 * (code & 511);
  const unsigned signs = with_parity(static_cast<unsigned>(code) >> 9);
  for (int j = 0; j < 8; ++j) v[j] = with_sign(scale * static_cast<float>(entry[j]), signs, j);
}
FOREWORD_VALUES(iq2_s, 256, 82) {
  const float scale = half_at(b) * (0.5f + static_cast<float>(b[74 + i / 4] >> 4 * (i % 4 / 2) & 15)) * 0.25f;
  const std::int8_t* entry = books.iq2_s + 8 * (b[2 + i] + 256 * (b[66 + i / 4] >> 2 * (i % 4) & 3));
  for (int j = 0; j < 8; ++j) v[j] = with_sign(scale * static_cast<float>(entry[j]), b[34 + i], j);
}
FOREWORD_VALUES(iq3_xxs, 256, 98) {
  const unsigned w = loose_word_at(b + 66 + 4 * (i / 4)), signs = with_parity(w >> 7 * (i % 4) & 127);
  const float scale = half_at(b) * (0.5f + static_cast<float>(w >> 28)) * 0.5f;
  for (int j = 0; j < 8; ++j) v[j] = with_sign(scale * static_cast<float>(books.iq3_xxs[4 * b[2 + 2 * i + j / 4] + j % 4]), signs, j);
}
FOREWORD_VALUES(iq3_s, 256, 110) {
  const int s = i / 4;
  const float scale = half_at(b) * static_cast<float>(1 + 2 * (b[106 + s / 2] >> 4 * (s % 2) & 15));
  for (int j = 0; j < 8; ++j) {
    const int index = b[2 + 2 * i + j / 4] + 256 * (b[66 + s] >> (2 * (i % 4) + j / 4) & 1);
    v[j] = with_sign(scale * static_cast<float>(books.iq3_s[4 * index + j % 4]), b[74 + i], j);
  }
}
FOREWORD_VALUES(iq1_s, 256, 50) {
  const int qh = half_word_at(b + 34 + 2 * (i / 4));
  const float scale = half_at(b) * static_cast<float>(2 * (qh >> 12 & 7) + 1), shift = qh & 0x8000 ? -0.125f : 0.125f;
  const std::int8_t* entry = books.iq1 + 8 * (b[2 + i] + 256 * (qh >> 3 * (i % 4) & 7));
  for (int j = 0; j < 8; ++j) v[j] = scale * (static_cast<float>(entry[j]) + shift);
}
FOREWORD_VALUES(iq1_m, 256, 56) {
  int half = 0;
  for (int k = 0; k < 4; ++k) half |= half_word_at(b + 48 + 2 * k) >> 12 << 4 * k;
  const int high = b[32 + i / 2] >> 4 * (i % 2) & 15, pair = i / 2;
  const float scale = half_bits_to_float(static_cast<std::uint16_t>(half)) *
                      static_cast<float>(2 * (half_word_at(b + 48 + 2 * (pair / 4)) >> 3 * (pair % 4) & 7) + 1);
  const float shift = high & 8 ? -0.125f : 0.125f;
  const std::int8_t* entry = books.iq1 + 8 * (b[i] + 256 * (high & 7));
  for (int j = 0; j < 8; ++j) v[j] = scale * (static_cast<float>(entry[j]) + shift);
}

#undef FOREWORD_VALUES

}  // namespace foreword::gpu::cuda

#pragma once
// Vectors of 4 in GCC's vector extension, for any processor. See kernels_impl.h for what each function promises.

#include <cmath>
#include <cstdint>
#include <cstring>

#include "gpu/format.h"

namespace foreword::gpu {
namespace {

constexpr int kLanes = 4;
constexpr int kPanels = 1;
constexpr int kHeldRows = 0;
typedef float F __attribute__((vector_size(16)));
typedef std::uint32_t U __attribute__((vector_size(16)));
typedef std::int32_t S __attribute__((vector_size(16)));

constexpr bool kFused = false;
inline F fma(F a, F b, F c) { return a * b + c; }
inline F square_root(F v) {
  for (int i = 0; i < kLanes; ++i) v[i] = std::sqrt(v[i]);
  return v;
}
// To the nearest, ties to even, for |v| < 2^22: adding 1.5 * 2^23 leaves no bits behind the point.
inline F rounded(F v) { return (v + 12582912.0F) - 12582912.0F; }
inline U rounded_bits(F v) {
  v += 12582912.0F;
  U bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits - 0x4B400000U;
}
inline F load_part(const float* p, std::int64_t n) {
  F v = {};
  for (std::int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
inline void store_part(float* p, F v, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) p[i] = v[i];
}
inline F load_half(const std::uint16_t* p) {
  F v = {};
  for (int i = 0; i < kLanes; ++i) v[i] = half_to_float(p[i]);
  return v;
}
inline F load_half_part(const std::uint16_t* p, std::int64_t n) {
  F v = {};
  for (std::int64_t i = 0; i < n; ++i) v[i] = half_to_float(p[i]);
  return v;
}
inline F load_bf16_part(const std::uint16_t* p, std::int64_t n) {
  U bits = {};
  for (std::int64_t i = 0; i < n; ++i) bits[i] = static_cast<std::uint32_t>(p[i]) << 16;
  return reinterpret_cast<F>(bits);
}
inline F load_bf16(const std::uint16_t* p) {
  return load_bf16_part(p, kLanes);
}
inline void store_half(std::uint16_t* p, F v, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) p[i] = float_to_half(v[i]);
}
inline U all_of(const std::int32_t* p) { return static_cast<std::uint32_t>(*p) - U{}; }
inline void store_int8(std::int8_t* p, U v) {
  for (int i = 0; i < kLanes; ++i) p[i] = static_cast<std::int8_t>(v[i]);
}
inline U load_uint8(const std::uint8_t* p) {
  U v = {};
  for (int i = 0; i < kLanes; ++i) v[i] = p[i];
  return v;
}
inline U load_int8(const std::uint8_t* p) {
  U v = {};
  for (int i = 0; i < kLanes; ++i) v[i] = static_cast<std::uint32_t>(static_cast<std::int8_t>(p[i]));
  return v;
}
// The low 16 bits of each lane as a half.
inline F half_lanes(U v) {
  F f = {};
  for (int i = 0; i < kLanes; ++i) f[i] = half_to_float(static_cast<std::uint16_t>(v[i]));
  return f;
}
inline F to_float(U v) {
  F f = {};
  for (int i = 0; i < kLanes; ++i) f[i] = static_cast<float>(static_cast<std::int32_t>(v[i]));
  return f;
}
// 16 bytes of each of kLanes rows, as 4 columns of 4 bytes.
inline void load_columns(const std::uint8_t* p, std::int64_t stride, U& c0, U& c1, U& c2, U& c3) {
  std::uint32_t rows[kLanes][4];
  for (int r = 0; r < kLanes; ++r) std::memcpy(rows[r], p + r * stride, 16);
  c0 = U{rows[0][0], rows[1][0], rows[2][0], rows[3][0]};
  c1 = U{rows[0][1], rows[1][1], rows[2][1], rows[3][1]};
  c2 = U{rows[0][2], rows[1][2], rows[2][2], rows[3][2]};
  c3 = U{rows[0][3], rows[1][3], rows[2][3], rows[3][3]};
}
// The codes with 16 more in each byte whose bit `bit` is set in `bits`.
inline U with_fifth_bit(U codes, U bits, int bit) {
  return codes | (((bits << (bit < 4 ? 4 - bit : 0)) >> (bit < 4 ? 0 : bit - 4)) & 0x10101010U);
}
// Inlined before g++ sees a call without effects, which it would drop.
__attribute__((always_inline)) inline void prefetch(const void* p) { __builtin_prefetch(p); }
inline float largest_of(F v) {
  float largest = v[0];
  for (int i = 1; i < kLanes; ++i) largest = v[i] > largest ? v[i] : largest;
  return largest;
}
inline std::int32_t sum_of(U v) { return static_cast<std::int32_t>(v[0] + v[1] + v[2] + v[3]); }
inline float sum_of(F v) { return (v[0] + v[2]) + (v[1] + v[3]); }

// Codes are unsigned; Q8_0 is stored with 128 added.
constexpr bool kSignedBytes = false;
// start[r] + the product of 4 groups of 4 codes a row with 16 values.
template <int kBits>
inline U dot_16(U start, U w0, U w1, U w2, U w3, const std::int8_t* x) {
  const U w[4] = {w0, w1, w2, w3};
  std::uint8_t codes[4][4 * kLanes];
  std::memcpy(codes, w, sizeof codes);
  for (int r = 0; r < kLanes; ++r) {
    std::int32_t sum = 0;
    for (int c = 0; c < 16; ++c) sum += codes[c / 4][4 * r + c % 4] * x[c];
    start[r] += static_cast<std::uint32_t>(sum);
  }
  return start;
}

}  // namespace
}  // namespace foreword::gpu

#pragma once
// Vectors of 16 with AVX-512 (F, BW, VL, DQ, VNNI). See kernels_impl.h for what each function promises.

#include <immintrin.h>

#include <cstdint>

namespace foreword::gpu {
namespace {

constexpr int kLanes = 16;
constexpr int kPanels = 2;
constexpr int kHeldRows = 4;
typedef float F __attribute__((vector_size(64)));
typedef std::uint32_t U __attribute__((vector_size(64)));
typedef std::int32_t S __attribute__((vector_size(64)));

inline __m512i raw(U v) { return reinterpret_cast<__m512i>(v); }
inline U lanes(__m512i v) { return reinterpret_cast<U>(v); }

constexpr bool kFused = true;
inline F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
inline F square_root(F v) { return _mm512_sqrt_ps(v); }
inline F rounded(F v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline U rounded_bits(F v) { return lanes(_mm512_cvtps_epi32(v)); }
inline __mmask16 first_lanes(std::int64_t n) { return static_cast<__mmask16>((1U << n) - 1); }
inline F load_part(const float* p, std::int64_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
inline void store_part(float* p, F v, std::int64_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), v); }
inline F load_half(const std::uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline F load_half_part(const std::uint16_t* p, std::int64_t n) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}
inline F widened(__m256i words) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(words), 16)); }
inline F load_bf16(const std::uint16_t* p) { return widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
inline F load_bf16_part(const std::uint16_t* p, std::int64_t n) {
  return widened(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}
inline void store_half(std::uint16_t* p, F v, std::int64_t n) {
  _mm256_mask_storeu_epi16(p, first_lanes(n), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
// By hand: g++ multiplies the integer before it is broadcast, and so takes it through a general register.
inline U all_of(const std::int32_t* p) {
  U v;
  asm("vpbroadcastd %1, %0" : "=v"(v) : "m"(*p));
  return v;
}
inline void store_int8(std::int8_t* p, U v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(raw(v)));
}
inline __m128i sixteen(const std::uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline U load_int8(const std::uint8_t* p) { return lanes(_mm512_cvtepi8_epi32(sixteen(p))); }
inline U load_uint8(const std::uint8_t* p) { return lanes(_mm512_cvtepu8_epi32(sixteen(p))); }
inline F half_lanes(U v) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(raw(v))); }
inline F to_float(U v) { return _mm512_cvtepi32_ps(raw(v)); }
inline __m512i four_rows(const std::uint8_t* p, std::int64_t stride) {
  __m512i v = _mm512_castsi128_si512(sixteen(p));
  v = _mm512_inserti32x4(v, sixteen(p + 4 * stride), 1);
  v = _mm512_inserti32x4(v, sixteen(p + 8 * stride), 2);
  return _mm512_inserti32x4(v, sixteen(p + 12 * stride), 3);
}
inline void load_columns(const std::uint8_t* p, std::int64_t stride, U& c0, U& c1, U& c2, U& c3) {
  const __m512i r0 = four_rows(p, stride), r1 = four_rows(p + stride, stride);
  const __m512i r2 = four_rows(p + 2 * stride, stride), r3 = four_rows(p + 3 * stride, stride);
  const __m512i a = _mm512_unpacklo_epi32(r0, r1), b = _mm512_unpackhi_epi32(r0, r1);
  const __m512i c = _mm512_unpacklo_epi32(r2, r3), d = _mm512_unpackhi_epi32(r2, r3);
  c0 = lanes(_mm512_unpacklo_epi64(a, c));
  c1 = lanes(_mm512_unpackhi_epi64(a, c));
  c2 = lanes(_mm512_unpacklo_epi64(b, d));
  c3 = lanes(_mm512_unpackhi_epi64(b, d));
}
// One instruction more than a shift for each, but not on the one unit that shifts.
inline U with_fifth_bit(U codes, U bits, int bit) {
  const __mmask64 where = _mm512_test_epi8_mask(raw(bits), _mm512_set1_epi8(static_cast<char>(1 << bit)));
  return lanes(_mm512_mask_add_epi8(raw(codes), where, raw(codes), _mm512_set1_epi8(16)));
}
// Inlined before g++ sees a call without effects, which it would drop.
__attribute__((always_inline)) inline void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }
inline float largest_of(F v) { return _mm512_reduce_max_ps(v); }
// Not _mm512_reduce_add_epi32, which g++ adds up with signs: of what is no number the sum is past the end.
inline std::int32_t sum_of(U v) {
  const __m256i eight = _mm256_add_epi32(_mm512_castsi512_si256(raw(v)), _mm512_extracti64x4_epi64(raw(v), 1));
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}
inline float sum_of(F v) { return _mm512_reduce_add_ps(v); }

// vpdpbusd takes unsigned codes: Q8_0 is stored with 128 added.
constexpr bool kSignedBytes = false;
inline U dot_4(U sum, U w, const std::int8_t* x) {
  std::int32_t value;
  __builtin_memcpy(&value, x, 4);
  return lanes(_mm512_dpbusd_epi32(raw(sum), raw(w), _mm512_set1_epi32(value)));
}
template <int kBits>
inline U dot_16(U start, U w0, U w1, U w2, U w3, const std::int8_t* x) {
  return dot_4(dot_4(dot_4(dot_4(start, w0, x), w1, x + 4), w2, x + 8), w3, x + 12);
}

}  // namespace
}  // namespace foreword::gpu

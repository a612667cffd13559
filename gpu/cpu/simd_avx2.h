#pragma once
// Vectors of 8 with AVX2, FMA and F16C; with AVX-VNNI's products where the compiler is told to use them. See kernels_impl.h for what each function promises.

#include <immintrin.h>

#include <cstdint>

namespace foreword::gpu {
namespace {

constexpr int kLanes = 8;
constexpr int kPanels = 1;
constexpr int kHeldRows = 2;
typedef float F __attribute__((vector_size(32)));
typedef std::uint32_t U __attribute__((vector_size(32)));
typedef std::int32_t S __attribute__((vector_size(32)));

inline __m256i raw(U v) { return reinterpret_cast<__m256i>(v); }
inline U lanes(__m256i v) { return reinterpret_cast<U>(v); }

constexpr bool kFused = true;
inline F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
inline F square_root(F v) { return _mm256_sqrt_ps(v); }
inline F rounded(F v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline U rounded_bits(F v) { return lanes(_mm256_cvtps_epi32(v)); }
inline __m256i first_lanes(std::int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline F load_part(const float* p, std::int64_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
inline void store_part(float* p, F v, std::int64_t n) { _mm256_maskstore_ps(p, first_lanes(n), v); }
inline F load_half(const std::uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline __m128i load_words(const std::uint16_t* p, std::int64_t n) {
  alignas(16) std::uint16_t words[8] = {};
  for (std::int64_t i = 0; i < n; ++i) words[i] = p[i];
  return _mm_load_si128(reinterpret_cast<const __m128i*>(words));
}
inline F load_half_part(const std::uint16_t* p, std::int64_t n) { return _mm256_cvtph_ps(load_words(p, n)); }
inline F widened(__m128i words) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(words), 16)); }
inline F load_bf16(const std::uint16_t* p) { return widened(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
inline F load_bf16_part(const std::uint16_t* p, std::int64_t n) { return widened(load_words(p, n)); }
inline void store_half(std::uint16_t* p, F v, std::int64_t n) {
  alignas(16) std::uint16_t words[8];
  _mm_store_si128(reinterpret_cast<__m128i*>(words), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  for (std::int64_t i = 0; i < n; ++i) p[i] = words[i];
}
inline U all_of(const std::int32_t* p) { return static_cast<std::uint32_t>(*p) - U{}; }
inline void store_int8(std::int8_t* p, U v) {
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(raw(v)), _mm256_extracti128_si256(raw(v), 1));
  _mm_storeu_si64(p, _mm_packs_epi16(words, words));
}
inline U load_int8(const std::uint8_t* p) { return lanes(_mm256_cvtepi8_epi32(_mm_loadu_si64(p))); }
inline U load_uint8(const std::uint8_t* p) { return lanes(_mm256_cvtepu8_epi32(_mm_loadu_si64(p))); }
inline F half_lanes(U v) {
  const __m256i low = raw(v & 0xFFFF);
  return _mm256_cvtph_ps(_mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1)));
}
inline F to_float(U v) { return _mm256_cvtepi32_ps(raw(v)); }
inline __m256i two_rows(const std::uint8_t* p, std::int64_t stride) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
                                 _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 4 * stride)), 1);
}
inline void load_columns(const std::uint8_t* p, std::int64_t stride, U& c0, U& c1, U& c2, U& c3) {
  const __m256i r0 = two_rows(p, stride), r1 = two_rows(p + stride, stride);
  const __m256i r2 = two_rows(p + 2 * stride, stride), r3 = two_rows(p + 3 * stride, stride);
  const __m256i a = _mm256_unpacklo_epi32(r0, r1), b = _mm256_unpackhi_epi32(r0, r1);
  const __m256i c = _mm256_unpacklo_epi32(r2, r3), d = _mm256_unpackhi_epi32(r2, r3);
  c0 = lanes(_mm256_unpacklo_epi64(a, c));
  c1 = lanes(_mm256_unpackhi_epi64(a, c));
  c2 = lanes(_mm256_unpacklo_epi64(b, d));
  c3 = lanes(_mm256_unpackhi_epi64(b, d));
}
inline U with_fifth_bit(U codes, U bits, int bit) {
  return codes | (((bits << (bit < 4 ? 4 - bit : 0)) >> (bit < 4 ? 0 : bit - 4)) & 0x10101010U);
}
// Inlined before g++ sees a call without effects, which it would drop.
__attribute__((always_inline)) inline void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }
inline float largest_of(F v) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
inline std::int32_t sum_of(U v) {
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(raw(v)), _mm256_extracti128_si256(raw(v), 1));
  const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}
inline float sum_of(F v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline __m256i four(const std::int8_t* x) {
  std::int32_t value;
  __builtin_memcpy(&value, x, 4);
  return _mm256_set1_epi32(value);
}

#if defined(__AVXVNNI__)
// vpdpbusd takes unsigned codes: Q8_0 is stored with 128 added.
constexpr bool kSignedBytes = false;
template <int kBits>
inline U dot_16(U start, U w0, U w1, U w2, U w3, const std::int8_t* x) {
  __m256i sum = _mm256_dpbusd_avx_epi32(raw(start), raw(w0), four(x));
  sum = _mm256_dpbusd_avx_epi32(sum, raw(w1), four(x + 4));
  sum = _mm256_dpbusd_avx_epi32(sum, raw(w2), four(x + 8));
  return lanes(_mm256_dpbusd_avx_epi32(sum, raw(w3), four(x + 12)));
}
#else
// maddubs takes one signed side and adds pairs in 16 bits with saturation. Codes up to 6 bits cannot saturate
// (2 * 63 * 127); bytes of 8 bits are stored signed and lend their sign to the activation.
constexpr bool kSignedBytes = true;
template <int kBits>
inline __m256i pairs(U w, const std::int8_t* x) {
  if constexpr (kBits == 8) return _mm256_maddubs_epi16(_mm256_abs_epi8(raw(w)), _mm256_sign_epi8(four(x), raw(w)));
  return _mm256_maddubs_epi16(raw(w), four(x));
}
inline U widen_add(U start, __m256i words) {
  return start + lanes(_mm256_madd_epi16(words, _mm256_set1_epi16(1)));
}
template <int kBits>
inline U dot_16(U start, U w0, U w1, U w2, U w3, const std::int8_t* x) {
  const __m256i a = pairs<kBits>(w0, x), b = pairs<kBits>(w1, x + 4);
  const __m256i c = pairs<kBits>(w2, x + 8), d = pairs<kBits>(w3, x + 12);
  if constexpr (kBits <= 5) {
    return widen_add(start, _mm256_add_epi16(_mm256_add_epi16(a, b), _mm256_add_epi16(c, d)));
  } else if constexpr (kBits == 6) {
    return widen_add(widen_add(start, _mm256_add_epi16(a, b)), _mm256_add_epi16(c, d));
  } else {
    return widen_add(widen_add(widen_add(widen_add(start, a), b), c), d);
  }
}
#endif

}  // namespace
}  // namespace foreword::gpu

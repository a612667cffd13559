// Single numbers, and blocks of 32 with one scale.

#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/quantize/encode_block.h"
#include "engine/quantize/fit.h"

namespace foreword::engine::encode_block {
namespace {

constexpr int kLength = 32;

/// Four low bits of each code: value j with value 16 + j.
void store_nibbles(const float* q, int bias, std::uint8_t* qs) {
  for (int j = 0; j < 16; ++j) {
    const int low = static_cast<int>(q[j]) + bias, high = static_cast<int>(q[16 + j]) + bias;
    qs[j] = static_cast<std::uint8_t>((low & 15) | (high & 15) << 4);
  }
}

void store_fifth_bits(const float* q, int bias, std::uint8_t* to) {
  std::uint32_t bits = 0;
  for (int j = 0; j < kLength; ++j) bits |= static_cast<std::uint32_t>((static_cast<int>(q[j]) + bias) >> 4 & 1) << j;
  std::memcpy(to, &bits, sizeof bits);
}

/// Finds the scale, stores it in front and gives the codes.
void fit_symmetric(const float* x, const float* w, int high, std::uint8_t* out, float* q) {
  const int low = -high - 1;
  const fit::Symmetric found = fit::symmetric(x, w, kLength, low, high, fit::to_half);
  store_half(found.scale, out);
  fit::codes(x, kLength, found.scale, 0, low, high, q);
}

}  // namespace

void store_half(float value, std::uint8_t* to) {
  const std::uint16_t bits = fit::half_bits(value);
  std::memcpy(to, &bits, sizeof bits);
}

void f32(const float* x, const float*, std::uint8_t* out) { std::memcpy(out, x, sizeof *x); }

void f16(const float* x, const float*, std::uint8_t* out) { store_half(*x, out); }

void bf16(const float* x, const float*, std::uint8_t* out) {
  const auto bits = std::bit_cast<std::uint32_t>(*x);
  constexpr std::uint32_t kLargestMagnitude = 0x7f7fU;
  const std::uint32_t magnitude = std::min(((bits & 0x7fffffffU) + 0x7fffU + (bits >> 16 & 1U)) >> 16, kLargestMagnitude);
  const auto half = static_cast<std::uint16_t>((bits >> 16 & 0x8000U) | magnitude);
  std::memcpy(out, &half, sizeof half);
}

void q4_0(const float* x, const float* w, std::uint8_t* out) {  // f16 d, u8 qs[16]
  float q[kLength];
  fit_symmetric(x, w, 7, out, q);
  store_nibbles(q, 8, out + 2);
}

void q5_0(const float* x, const float* w, std::uint8_t* out) {  // f16 d, u32 qh, u8 qs[16]
  float q[kLength];
  fit_symmetric(x, w, 15, out, q);
  store_fifth_bits(q, 16, out + 2);
  store_nibbles(q, 16, out + 6);
}

void q5_1(const float* x, const float* w, std::uint8_t* out) {  // f16 d, f16 m, u32 qh, u8 qs[16]
  float q[kLength];
  const fit::Affine found = fit::affine(x, w, kLength, 31, false, fit::to_half);
  store_half(found.scale, out);
  store_half(found.offset, out + 2);
  fit::codes(x, kLength, found.scale, found.offset, 0, 31, q);
  store_fifth_bits(q, 0, out + 4);
  store_nibbles(q, 0, out + 8);
}

void q8_0(const float* x, const float* w, std::uint8_t* out) {  // f16 d, i8 qs[32]
  float q[kLength];
  fit_symmetric(x, w, 127, out, q);
  for (int j = 0; j < kLength; ++j) out[2 + j] = static_cast<std::uint8_t>(static_cast<std::int8_t>(q[j]));
}

}  // namespace foreword::engine::encode_block

#pragma once
// Least-squares search for the scale (and minimum) of one block: which few numbers, times which scale, lie nearest to the
// given ones. Private to engine/quantize.
//
// x holds n values, w their weights (>= 0, not all 0); n is a multiple of 8, at most 32. Values lie within kLargest, and are 0 or beyond kSmallest.
// `rounded` maps a wished scale to the nearest one that the format can store; errors are measured with stored scales.

#include <cstdint>

namespace foreword::engine::fit {

/// Larger values are cut to this by encode(): no block format reaches it, and squares of it still add up in a float.
inline constexpr float kLargest = 1e9F;
/// Smaller ones become 0, as they would in every block format: half of the smallest half is 3e-8.
inline constexpr float kSmallest = 1e-10F;

/// A half, as a float: to the nearest, cut to the largest finite one.
float to_half(float value);
/// Its bits.
std::uint16_t half_bits(float value);

struct Symmetric {
  float scale = 0;
  float error = 0;  // sum of w (x - scale q)^2
};
/// x ~ scale q with codes low <= q <= high, low = -(high + 1); the scale may be negative. `rounded` nullptr: any scale.
Symmetric symmetric(const float* x, const float* w, int n, int low, int high, float (*rounded)(float));

struct Affine {
  float scale = 0, offset = 0;
  float error = 0;  // sum of w (x - scale q - offset)^2
};
/// x ~ scale q + offset with 0 <= q <= high, scale >= 0; with `offset_at_most_0` as the K formats want it.
Affine affine(const float* x, const float* w, int n, int high, bool offset_at_most_0, float (*rounded)(float));

/// Codes for a known scale and offset: the nearest of low..high; 0 if the scale is 0 or next to it.
void codes(const float* x, int n, float scale, float offset, int low, int high, float* q);
/// The error that codes() make.
float error_of(const float* x, const float* w, int n, float scale, float offset, int low, int high);

/// sum w a b
float dot(const float* w, const float* a, const float* b, int n);

}  // namespace foreword::engine::fit

// Encoding of keys and values, to the byte as gpu/kv_format.cpp does it.

#include "division.glsl"

// To the nearest, ties to even; as gpu/format.h.
uint half_bits(float value) {
  const uint bits = floatBitsToUint(value), sign = bits >> 16 & 0x8000u;
  uint magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u | (magnitude >> 13 & 0x3ffu);
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;
  if (magnitude < 0x38800000u) {
    precise float shifted = uintBitsToFloat(magnitude) + 0.5;
    return sign | (floatBitsToUint(shifted) - 0x3f000000u);
  }
  magnitude += 0x0fffu + (magnitude >> 13 & 1u);
  return sign | magnitude - 0x38000000u >> 13;
}

const float HALF_LIMIT = 65504.0;
// A NaN stays one, as std::clamp leaves it.
float saturated(float x) { return x < -HALF_LIMIT ? -HALF_LIMIT : x > HALF_LIMIT ? HALF_LIMIT : x; }

// Encoding of keys and values, to the byte as gpu/kv_format.cpp does it. Division is exact here, for a driver's may be off by
// units in the last place.

// The float nearest to a / b, for values far from overflow: the quotient's rest by exact products of halves (Veltkamp, Dekker 1971).
float rest_of(float a, float b, float quotient) {
  precise float big_b = b * 4097.0, big_q = quotient * 4097.0;
  precise float b_high = big_b - (big_b - b), q_high = big_q - (big_q - quotient);
  precise float b_low = b - b_high, q_low = quotient - q_high;
  precise float product = b * quotient;
  precise float error = b_high * q_high - product;
  error = error + b_high * q_low;
  error = error + b_low * q_high;
  error = error + b_low * q_low;
  precise float rest = (a - product) - error;
  return rest;
}
float divide(float a, float b) {
  precise float quotient = a / b;
  if (quotient == 0.0 || !(abs(quotient) < 1e34)) return quotient;
  precise float nearer = quotient + rest_of(a, b, quotient) / b;
  return nearer;
}

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

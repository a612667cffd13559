// The activation functions of backend.h, the same bits in every shader. The exponential is our own: a driver may be off by many
// units in the last place. NaN stays NaN.

float exponential(float x) {
  if (x > 89.0) return uintBitsToFloat(0x7f800000u);
  if (x < -104.0) return 0.0;
  precise float n = floor(x * 1.44269504089 + 0.5);
  // x - n ln 2 in two steps, then the series to the seventh power: below 1e-8 on |r| <= 0.35.
  precise float r = x - n * 0.693359375;
  r = r + n * 2.12194440e-4;
  precise float p = 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  // In two factors, since 2^128 is no float.
  const int power = int(n), half_power = power / 2;
  p = p * uintBitsToFloat(uint(half_power + 127) << 23);
  p = p * uintBitsToFloat(uint(power - half_power + 127) << 23);
  return p;
}

float sigmoid(float x) {
  precise float y = 1.0 / (1.0 + exponential(-x));
  return y;
}

float silu(float x) {
  precise float y = x / (1.0 + exponential(-x));
  return y;
}

// 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)).
float gelu(float x) {
  precise float u = 0.7978845608 * x * (1.0 + 0.044715 * x * x);
  precise float y = x / (1.0 + exponential(-2.0 * u));
  return y;
}

// A polynomial near 0, where 1 - 2 / (exp(2x) + 1) would lose the small digits; as in gpu/cpu/kernels_impl.h.
float accurate_tanh(float x) {
  precise float z = x * x;
  if (abs(x) < 0.625) {
    precise float p = z * 0.002062710467725992 - 0.008109863847494125;
    p = p * z + 0.021684398874640465;
    p = p * z - 0.05394640564918518;
    p = p * z + 0.1333322823047638;
    p = p * z - 0.3333333134651184;
    precise float near = x + x * z * p;
    return near;
  }
  precise float far = 1.0 - 2.0 / (exponential(2.0 * abs(x)) + 1.0);
  return x < 0.0 ? -far : far;
}

// What glu() does: 0 silu, 1 gelu, 2 clamped silu (gpu::Activation).
float glu(uint activation, float gate, float up) {
  if (activation == 2) {
    const float g = min(gate, 7.0);
    precise float y = g * sigmoid(1.702 * g) * (clamp(up, -7.0, 7.0) + 1.0);
    return y;
  }
  precise float y = (activation == 0 ? silu(gate) : gelu(gate)) * up;
  return y;
}

// x in 8 bits per 16 columns, as gpu/cpu/activations.h has it. Such a half of a chunk is rounded by itself, so it comes out the same
// wherever it is needed.

#include "division.glsl"

const float SMALLEST_STEP = 1.17549435e-38;

struct RoundedHalf {
  uvec4 codes;
  float scale, sum;  // of the codes
};

// Half `index` of the row of x that starts at element `row`.
RoundedHalf round_half(uint row, uint index, uint cols) {
  vec4 x[4];
  uint largest = 0u;  // as an integer: there what is no number is above all, and a maximum of floats may drop it
  [[unroll]] for (uint i = 0u; i < 4u; ++i) {
    x[i] = input_values(row, 16u * index + 4u * i, cols);
    const uvec4 size = floatBitsToUint(abs(x[i]));
    largest = max(largest, max(max(size.x, size.y), max(size.z, size.w)));
  }
  const float step = divide(uintBitsToFloat(largest), 127.0), d = step < SMALLEST_STEP ? 0.0 : step;
  const float inverse = d > 0.0 ? divide(1.0, d) : 0.0;
  RoundedHalf rounded;
  int sum = 0;
  [[unroll]] for (uint i = 0u; i < 4u; ++i) {
    precise vec4 scaled = x[i] * inverse;
    const ivec4 code = ivec4(roundEven(scaled));
    sum += code.x + code.y + code.z + code.w;
    const uvec4 byte = uvec4(code) & 255u;
    rounded.codes[i] = byte.x | byte.y << 8 | byte.z << 16 | byte.w << 24;
  }
  rounded.scale = d;
  rounded.sum = float(sum);
  return rounded;
}

// What a shift of a chunk is multiplied by: the scaled sum of all its codes.
float sum_of_codes(vec2 scales, vec2 sums) { return fma(scales.y, sums.y, scales.x * sums.x); }

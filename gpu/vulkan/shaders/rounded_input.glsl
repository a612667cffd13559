// Products of codes: x in 8 bits per 16 columns, as gpu/cpu/activations.h has it, and the dot product of four bytes that the device
// has (SPV_KHR_integer_dot_product). The workgroup itself rounds INPUT_ROWS rows of x, WINDOW chunks of 32 columns at a time; a
// chunk comes out the same wherever it is needed.

#extension GL_EXT_spirv_intrinsics : require
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6019, 6018], id = 4450)
int signed_dot(uint x, uint y, spirv_literal int format);

#include "division.glsl"

const float SMALLEST_STEP = 1.17549435e-38;
shared uint x_codes[INPUT_ROWS * WINDOW * 8u];   // [row][chunk][8]
shared float x_scales[INPUT_ROWS * WINDOW * 2u];
shared uint x_sums[INPUT_ROWS * WINDOW];         // of the codes of a chunk's two halves, 16 bits each

// Rounds chunk `chunk` of the row of x that starts at element `row` to place `at`, row after row of the window.
void round_chunk(uint row, uint chunk, uint at, uint cols) {
  uint sums = 0u;
  for (uint half_at = 0u; half_at < 2u; ++half_at) {
    vec4 x[4];
    uint largest = 0u;  // as an integer: there what is no number is above all, and a maximum of floats may drop it
    for (uint i = 0u; i < 4u; ++i) {
      x[i] = input_values(row, 32u * chunk + 16u * half_at + 4u * i, cols);
      const uvec4 size = floatBitsToUint(abs(x[i]));
      largest = max(largest, max(max(size.x, size.y), max(size.z, size.w)));
    }
    const float step = divide(uintBitsToFloat(largest), 127.0), d = step < SMALLEST_STEP ? 0.0 : step;
    const float inverse = d > 0.0 ? divide(1.0, d) : 0.0;
    int sum = 0;
    for (uint i = 0u; i < 4u; ++i) {
      precise vec4 scaled = x[i] * inverse;
      const ivec4 code = ivec4(roundEven(scaled));
      sum += code.x + code.y + code.z + code.w;
      const uvec4 byte = uvec4(code) & 255u;
      x_codes[at * 8u + half_at * 4u + i] = byte.x | byte.y << 8 | byte.z << 16 | byte.w << 24;
    }
    x_scales[at * 2u + half_at] = d;
    sums |= (uint(sum) & 0xffffu) << 16u * half_at;
  }
  x_sums[at] = sums;
}

// `total` and what half `half_at` of the chunk at place `at` adds: x_scale (scale dot - shift sum).
float add_half(float total, const uint format, uint at, uint half_at, vec2 scale, vec2 shift, int dot) {
  precise float value = (half_at == 0u ? scale.x : scale.y) * float(dot);
  if (format == Q4_K || format == Q5_K) {  // whose halves share their shift
    const int sum = half_at == 0u ? int(x_sums[at] << 16) >> 16 : int(x_sums[at]) >> 16;
    value = value - shift.x * float(sum);
  }
  value = x_scales[at * 2u + half_at] * value;
  value = total + value;
  return value;
}

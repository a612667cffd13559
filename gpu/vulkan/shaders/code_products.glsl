// Products of codes with an input of 8 bits (rounded_input.glsl), by the dot product of four bytes that the device has
// (SPV_KHR_integer_dot_product).

#extension GL_EXT_spirv_intrinsics : require
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6019, 6018], id = 4450)
int signed_dot(uint x, uint y, spirv_literal int format);

// Sums of products of codes begin here: they stay below 2^22, so the sum's bits are those of a float that a subtraction makes theirs.
const int NO_PRODUCTS = 0x4b400000;
float value_of(int dot) {
  precise float value = intBitsToFloat(dot) - 12582912.0;
  return value;
}

bool has_shift(const uint format) { return format == Q4_K || format == Q5_K; }
// The chunk's scale and shift, or where each half has its own scale, those.
vec2 head_of(const uint format, Chunk c) { return format == Q6_K ? c.scale : vec2(c.scale.x, c.shift.x); }
// `total` and what a chunk adds whose halves have the dot products `dots`: head and scales as above.
float add_chunk(float total, const uint format, vec2 head, vec3 scales, ivec2 dots) {
  const float first = value_of(dots.x), second = value_of(dots.y);
  if (format == Q6_K) return fma(scales.y, head.y * second, fma(scales.x, head.x * first, total));
  const float sum = fma(head.x, fma(scales.y, second, scales.x * first), total);
  return has_shift(format) ? fma(-head.y, scales.z, sum) : sum;
}

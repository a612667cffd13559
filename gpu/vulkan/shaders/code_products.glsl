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

bool has_shift(const uint id) { return format_of(id) == Q4_K || format_of(id) == Q5_K; }
// The chunk's scale and shift, or where each half has its own scale, those.
vec2 head_of(const uint id, Chunk c) { return format_of(id) == Q6_K ? c.scale : vec2(c.scale.x, c.shift.x); }
// `total` and what a chunk adds whose halves have these products of codes: head and scales as above.
float add_chunk(float total, const uint id, vec2 head, vec3 scales, vec2 products) {
  if (format_of(id) == Q6_K) return fma(scales.y, head.y * products.y, fma(scales.x, head.x * products.x, total));
  const float sum = fma(head.x, fma(scales.y, products.y, scales.x * products.x), total);
  return has_shift(id) ? fma(-head.y, scales.z, sum) : sum;
}

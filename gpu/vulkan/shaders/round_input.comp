#version 450
// Rows of x in 8 bits for product_code_tiles: an invocation rounds a chunk of one row. [chunk][piece][row], so that neighbours
// write beside each other and a tile reads so: pieces are the codes of both halves, and the scales.
layout(local_size_x = 64) in;
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(constant_id = 0) const uint IN_FOURS = 1;
layout(binding = 0) restrict readonly buffer X { float x_1[]; };
layout(binding = 0) restrict readonly buffer X4 { vec4 x_4[]; };
layout(binding = 1) restrict writeonly buffer Rounded { uvec4 rounded_x[]; };
layout(push_constant) uniform Push { uint cols, x_at, x_stride, n_rows; };

#include "input.glsl"
#include "rounded_input.glsl"

void main() {
  const uint row = gl_GlobalInvocationID.x, chunk = gl_GlobalInvocationID.y;
  if (row >= n_rows) return;
  const RoundedHalf low = round_half(x_at + row * x_stride, 2u * chunk, cols), high = round_half(x_at + row * x_stride, 2u * chunk + 1u, cols);
  const vec2 scales = vec2(low.scale, high.scale);
  const uint to = 3u * chunk * n_rows + row;
  rounded_x[to] = low.codes;
  rounded_x[to + n_rows] = high.codes;
  rounded_x[to + 2u * n_rows] = uvec4(floatBitsToUint(scales), floatBitsToUint(sum_of_codes(scales, vec2(low.sum, high.sum))), 0u);
}

#version 450
// Backend::combine_experts.
layout(local_size_x = 256) in;

layout(binding = 0) restrict readonly buffer Y { float y[]; };
layout(binding = 1) restrict readonly buffer Weights { float weights[]; };
layout(binding = 2) restrict writeonly buffer Out { float result[]; };
layout(push_constant) uniform Push { uint y_at, y_stride, weights_at, weights_stride, out_at, out_stride, cols, chosen; };

void main() {
  const uint col = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (col >= cols) return;
  precise float sum = weights[weights_at + row * weights_stride] * y[y_at + row * chosen * y_stride + col];
  for (uint j = 1u; j < chosen; ++j) sum = sum + weights[weights_at + row * weights_stride + j] * y[y_at + (row * chosen + j) * y_stride + col];
  result[out_at + row * out_stride + col] = sum;
}

#version 450
// Backend::combine_experts.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(binding = 0) restrict readonly buffer Y { float y[]; };
layout(binding = 1) restrict readonly buffer Weights { float weights[]; };
layout(binding = 2) restrict writeonly buffer Out { float result[]; };
layout(push_constant) uniform Push {
  View view_y, view_weights, view_out;
  uint cols, chosen;
};

void main() {
  const uint col = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (col >= cols) return;
  precise float sum = weights[at(view_weights, row, 0u)] * y[at(view_y, row * chosen, col)];
  for (uint j = 1u; j < chosen; ++j) sum = sum + weights[at(view_weights, row, j)] * y[at(view_y, row * chosen + j, col)];
  result[at(view_out, row, col)] = sum;
}

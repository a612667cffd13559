#version 450
// out[r] = x[rows[r]].
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Rows { int rows[]; };
layout(binding = 2) writeonly buffer Out { float result[]; };
layout(push_constant) uniform Push {
  View view_x, view_rows, view_out;
  uint n_cols, n_rows;
};

void main() {
  const uint col = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (col >= n_cols) return;
  const uint from = min(uint(rows[at(view_rows, row, 0)]), n_rows - 1);
  result[at(view_out, row, col)] = x[at(view_x, from, col)];
}

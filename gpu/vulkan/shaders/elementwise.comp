#version 450
// out = f(a, b), column by column. Constant 1 says which f (records.h: Elementwise).
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "activations.glsl"

layout(constant_id = 1) const uint kWhat = 0;

layout(binding = 0) readonly buffer A { float a[]; };
layout(binding = 1) readonly buffer B { float b[]; };
layout(binding = 2) writeonly buffer Out { float result[]; };
layout(push_constant) uniform Push {
  View view_a, view_b, view_out;
  uint cols;
  float factor;
};

float apply(float x, float y) {
  switch (kWhat) {
    case 0: {
      precise float scaled = factor * y;
      precise float sum = x + scaled;
      return sum;
    }
    case 1: return x * factor;
    case 2: return factor * accurate_tanh(x / factor);
    case 3: return x * sigmoid(y);
    case 4: return silu(x);
    case 5: return gelu(x);
    default: return glu(kWhat - 6, x, y);
  }
}

void main() {
  const uint col = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (col >= cols) return;
  float y = 0.0;
  if (kWhat == 0 || kWhat >= 6) y = b[at(view_b, row, col)];
  if (kWhat == 3) y = b[at(view_b, row, 0)];
  result[at(view_out, row, col)] = apply(a[at(view_a, row, col)], y);
}

#version 450
// rms_norm, or layer_norm where constant 1 is 1: a workgroup a group of columns of a row. The groups behind n_groups are a second
// tensor's. Constant 2: what comes out is also added to a residual.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 1) const uint kCentre = 0;
layout(constant_id = 2) const uint kAdd = 0;

layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Weight { float weight[]; };
layout(binding = 2) readonly buffer Bias { float bias[]; };
layout(binding = 3) writeonly buffer Out { float result[]; };
layout(binding = 4) readonly buffer Residual { float residual[]; };
layout(binding = 5) writeonly buffer Sum { float sum[]; };
layout(binding = 6) readonly buffer X2 { float x2[]; };
layout(binding = 7) readonly buffer Weight2 { float weight2[]; };
layout(binding = 8) readonly buffer Bias2 { float bias2[]; };
layout(binding = 9) writeonly buffer Out2 { float result2[]; };
layout(push_constant) uniform Push {
  View view_x, view_weight, view_bias, view_out, view_residual, view_sum, view_x2, view_weight2, view_bias2, view_out2;
  uint group, n_groups, whole_weight, has_bias;
  float eps, residual_scale;
};

shared float partial[gl_WorkGroupSize.x];

// A tree of a fixed shape.
float sum_of_lanes(float mine) {
  const uint lane = gl_LocalInvocationID.x;
  partial[lane] = mine;
  for (uint step = gl_WorkGroupSize.x / 2; step > 0; step /= 2) {
    barrier();
    if (lane < step) partial[lane] += partial[lane + step];
  }
  barrier();
  const float total = partial[0];
  barrier();
  return total;
}

float input_at(bool second, uint row, uint col) { return second ? x2[at(view_x2, row, col)] : x[at(view_x, row, col)]; }

void main() {
  const bool second = gl_WorkGroupID.x >= n_groups;
  const uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.y, first = (gl_WorkGroupID.x - (second ? n_groups : 0)) * group;
  float mean = 0.0;
  if (kCentre == 1) {
    float mine = 0.0;
    for (uint c = lane; c < group; c += gl_WorkGroupSize.x) mine += input_at(second, row, first + c);
    mean = sum_of_lanes(mine) / float(group);
  }
  float mine = 0.0;
  for (uint c = lane; c < group; c += gl_WorkGroupSize.x) {
    const float d = input_at(second, row, first + c) - mean;
    precise float square = d * d;
    mine += square;
  }
  const float factor = 1.0 / sqrt(sum_of_lanes(mine) / float(group) + eps);
  for (uint c = lane; c < group; c += gl_WorkGroupSize.x) {
    const uint w = c + (whole_weight == 1 ? first : 0);
    precise float scaled = (input_at(second, row, first + c) - mean) * factor * (second ? weight2[at(view_weight2, 0, w)] : weight[at(view_weight, 0, w)]);
    if (has_bias == 1) scaled += second ? bias2[at(view_bias2, 0, w)] : bias[at(view_bias, 0, w)];
    if (second) result2[at(view_out2, row, first + c)] = scaled;
    else result[at(view_out, row, first + c)] = scaled;
    if (kAdd == 1) {
      precise float part = residual_scale * scaled;
      precise float added = residual[at(view_residual, row, first + c)] + part;
      sum[at(view_sum, row, first + c)] = added;
    }
  }
}

#version 450
// rms_norm, or layer_norm where constant 1 is 1: a workgroup a group of columns of a row.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 1) const uint kCentre = 0;

layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Weight { float weight[]; };
layout(binding = 2) readonly buffer Bias { float bias[]; };
layout(binding = 3) writeonly buffer Out { float result[]; };
layout(push_constant) uniform Push {
  View view_x, view_weight, view_bias, view_out;
  uint group, whole_weight, has_bias;
  float eps;
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
  const float sum = partial[0];
  barrier();
  return sum;
}

void main() {
  const uint lane = gl_LocalInvocationID.x, row = gl_WorkGroupID.y, first = gl_WorkGroupID.x * group;
  float mean = 0.0;
  if (kCentre == 1) {
    float mine = 0.0;
    for (uint c = lane; c < group; c += gl_WorkGroupSize.x) mine += x[at(view_x, row, first + c)];
    mean = sum_of_lanes(mine) / float(group);
  }
  float mine = 0.0;
  for (uint c = lane; c < group; c += gl_WorkGroupSize.x) {
    const float d = x[at(view_x, row, first + c)] - mean;
    precise float square = d * d;
    mine += square;
  }
  const float factor = 1.0 / sqrt(sum_of_lanes(mine) / float(group) + eps);
  for (uint c = lane; c < group; c += gl_WorkGroupSize.x) {
    const uint w = c + (whole_weight == 1 ? first : 0);
    precise float scaled = (x[at(view_x, row, first + c)] - mean) * factor * weight[at(view_weight, 0, w)];
    if (has_bias == 1) scaled += bias[at(view_bias, 0, w)];
    result[at(view_out, row, first + c)] = scaled;
  }
}

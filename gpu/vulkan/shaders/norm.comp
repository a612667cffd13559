#version 450
// rms_norm, or layer_norm where constant 1 is 1: a workgroup a group of columns of a row. Constant 2: what comes out is also added to
// a residual. norm: the groups behind n_groups are a second tensor's. norm_next: groups are rows, and the sum is normed too (records.h:
// NormRecord).
// variant norm: -DNEXT=0
// variant norm_next: -DNEXT=1
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common.glsl"

layout(constant_id = 1) const uint NORM_CENTRE = 0;
layout(constant_id = 2) const uint ADD = 0;
layout(constant_id = 3) const uint NORM_AT_ONCE = 1;  // no more than an invocation has

layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Weight { float weight[]; };
layout(binding = 2) readonly buffer Bias { float bias[]; };
layout(binding = 3) writeonly buffer Out { float result[]; };
layout(binding = 4) readonly buffer Residual { float residual[]; };
#if NEXT
layout(binding = 5) buffer Sum { float sum[]; };
layout(binding = 6) readonly buffer WeightNext { float weight_2[]; };
layout(binding = 7) readonly buffer BiasNext { float bias_2[]; };
layout(binding = 8) writeonly buffer OutNext { float result_2[]; };
#else
layout(binding = 5) writeonly buffer Sum { float sum[]; };
layout(binding = 6) readonly buffer Weight2 { float weight_2[]; };
layout(binding = 7) readonly buffer Bias2 { float bias_2[]; };
layout(binding = 8) writeonly buffer Out2 { float result_2[]; };
layout(binding = 9) readonly buffer X2 { float x_2[]; };
#endif
layout(push_constant) uniform Push {
  View view_x, view_weight, view_bias, view_out, view_residual, view_sum, view_weight_2, view_bias_2, view_out_2;
  uint group, n_groups;  // of the first tensor
  uint whole_weight, has_bias;
  float eps, residual_scale;
#if NEXT
  uint next_has_bias;
  float next_eps;
#else
  View view_x_2;
#endif
};

const uint NORM_LANES = gl_WorkGroupSize.x;
uint row, first;  // column
bool second = false;
float norm_input(uint c) {
#if NEXT
  return second ? sum[at(view_sum, row, c)] : x[at(view_x, row, c)];  // of the sum what this invocation itself has written
#else
  return second ? x_2[at(view_x_2, row, first + c)] : x[at(view_x, row, first + c)];
#endif
}
#include "norm.glsl"

float normed_at(uint c, Moments m) {
  const uint w = c + (whole_weight == 1u ? first : 0u);
  float bias_here = 0.0;
  if (has_bias == 1u) bias_here = second ? bias_2[at(view_bias_2, 0, w)] : bias[at(view_bias, 0, w)];
  return normed(norm_input(c), m, second ? weight_2[at(view_weight_2, 0, w)] : weight[at(view_weight, 0, w)], has_bias == 1u, bias_here);
}

void main() {
  const uint lane = gl_LocalInvocationIndex;
  row = gl_WorkGroupID.y;
#if NEXT
  first = 0;
#else
  second = gl_WorkGroupID.x >= n_groups;
  first = (gl_WorkGroupID.x - (second ? n_groups : 0)) * group;
#endif
  const Moments m = norm_moments(group, eps);
  for (uint start = lane; start < group; start += NORM_AT_ONCE * gl_WorkGroupSize.x) {
    float values[NORM_AT_ONCE], residuals[NORM_AT_ONCE];
    [[unroll]] for (uint i = 0u; i < NORM_AT_ONCE; ++i) {
      const uint c = min(start + i * gl_WorkGroupSize.x, group - 1u);
      values[i] = normed_at(c, m);
      residuals[i] = ADD == 1u ? residual[at(view_residual, row, first + c)] : 0.0;
    }
    [[unroll]] for (uint i = 0u; i < NORM_AT_ONCE; ++i) {
      const uint c = start + i * gl_WorkGroupSize.x;
      if (c >= group) continue;
      if (second) result_2[at(view_out_2, row, first + c)] = values[i];
      else result[at(view_out, row, first + c)] = values[i];
      if (ADD == 1u) {
        precise float part = residual_scale * values[i];
        precise float added = residuals[i] + part;
        sum[at(view_sum, row, first + c)] = added;
      }
    }
  }
#if NEXT
  second = true;
  const Moments next = norm_moments(group, next_eps);
  for (uint start = lane; start < group; start += NORM_AT_ONCE * gl_WorkGroupSize.x) {
    float values[NORM_AT_ONCE];
    [[unroll]] for (uint i = 0u; i < NORM_AT_ONCE; ++i) {
      const uint c = min(start + i * gl_WorkGroupSize.x, group - 1u);
      values[i] = normed(norm_input(c), next, weight_2[at(view_weight_2, 0, c)], next_has_bias == 1u, next_has_bias == 1u ? bias_2[at(view_bias_2, 0, c)] : 0.0);
    }
    [[unroll]] for (uint i = 0u; i < NORM_AT_ONCE; ++i) {
      const uint c = start + i * gl_WorkGroupSize.x;
      if (c < group) result_2[at(view_out_2, row, c)] = values[i];
    }
  }
#endif
}

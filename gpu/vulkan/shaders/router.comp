#version 450
// The norm of a row where NORMED is 1, the product of a router with it, and the choice of experts: a row a group (records.h:
// RouteRecord). The router's weights are plain numbers.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
#define OWN_INPUT
#include "products.glsl"

layout(constant_id = 2) const uint NORMED = 0;
layout(constant_id = 3) const uint NORM_LANES = 256;
layout(constant_id = 4) const uint NORM_CENTRE = 0;
layout(constant_id = 5) const uint NORM_AT_ONCE = 1;

layout(binding = 3) restrict readonly buffer Bias { float biases[]; };
layout(binding = 4) restrict readonly buffer NormWeight { float norm_weight[]; };
layout(binding = 5) restrict readonly buffer NormBias { float norm_bias[]; };
layout(binding = 6) restrict writeonly buffer NormOut { float norm_out[]; };
layout(binding = 7) restrict writeonly buffer Logits { float logits[]; };
layout(binding = 8) restrict writeonly buffer Experts { int experts[]; };
layout(binding = 9) restrict writeonly buffer Weights { float weights[]; };

struct Part {
  uint weights_at, row_bytes;
};
layout(push_constant) uniform Push {
  Part parts[1];
  uint n_experts, cols, x_at, x_stride, x_rows, bias_at;
  uint norm_weight_at, norm_bias_at, norm_out_at, norm_out_stride;  // norm_bias ABSENT: none
  uint logits_at, logits_stride, experts_at, experts_stride, weights_at, weights_stride;
  uint chosen, routing;
  float eps;
};

uint row;
float norm_input(uint c) { return x_1[x_at + row * x_stride + c]; }
#include "norm.glsl"
Moments moments = Moments(0.0, 1.0);
float value_at(uint c) {
  const float value = norm_input(c);
  if (NORMED == 0u) return value;
  const bool biased = norm_bias_at != ABSENT;
  return normed(value, moments, norm_weight[norm_weight_at + c], biased, biased ? norm_bias[norm_bias_at + c] : 0.0);
}
vec4 input_values(uint at_row, uint col, uint n_cols) {
  vec4 values = vec4(0);
  for (uint j = 0u; j < 4u && col + j < n_cols; ++j) values[j] = value_at(col + j);
  return values;
}

uint weight_word(uint part, uint index) { return weights_0[index]; }
#include "formats.glsl"
const uint ROWS = 1;
#include "product_rows.glsl"
#include "route.glsl"

void main() {
  const uint thread = gl_LocalInvocationIndex;
  row = gl_WorkGroupID.x;
  if (NORMED == 1u) moments = norm_moments(cols, eps);
  for (uint first = 0u; first < n_experts; first += GROUP_ROWS) {
    multiply(0u, FORMAT_0, min(first + thread / LANES, n_experts - 1u), row);
    share_totals(0u);
    const uint expert = first + thread;
    if (thread < GROUP_ROWS && expert < n_experts) {
      precise float value = folded(thread);
      if (bias_at != ABSENT) value = value + biases[bias_at + expert];
      route_logits[expert] = value;
      logits[logits_at + row * logits_stride + expert] = value;
    }
  }
  choose_experts(n_experts, chosen, routing);
  for (uint j = thread; j < chosen; j += 256u) {
    experts[experts_at + row * experts_stride + j] = int(route_order[j]);
    weights[weights_at + row * weights_stride + j] = expert_weight(j);
  }
  for (uint c = thread; NORMED == 1u && c < cols; c += 256u) norm_out[norm_out_at + row * norm_out_stride + c] = value_at(c);
}

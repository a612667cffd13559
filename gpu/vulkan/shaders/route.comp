#version 450
// Backend::route: a row a group.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;

layout(binding = 0) restrict readonly buffer Logits { float logits[]; };
layout(binding = 1) restrict writeonly buffer Experts { int experts[]; };
layout(binding = 2) restrict writeonly buffer Weights { float weights[]; };
layout(push_constant) uniform Push {
  uint logits_at, logits_stride, experts_at, experts_stride, weights_at, weights_stride;
  uint n_experts, chosen, routing;
};

#include "route.glsl"

void main() {
  const uint thread = gl_LocalInvocationIndex, row = gl_WorkGroupID.x;
  for (uint e = thread; e < n_experts; e += 64u) route_logits[e] = logits[logits_at + row * logits_stride + e];
  choose_experts(n_experts, chosen, routing);
  for (uint j = thread; j < chosen; j += 64u) {
    experts[experts_at + row * experts_stride + j] = int(route_order[j]);
    weights[weights_at + row * weights_stride + j] = expert_weight(j);
  }
}

#version 450
// Backend::route: a row a group. Each of k rounds finds the best expert that is not chosen yet; ties go to the lower index, and
// what is no number is the worst.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;

layout(binding = 0) restrict readonly buffer Logits { float logits[]; };
layout(binding = 1) restrict writeonly buffer Experts { int experts[]; };
layout(binding = 2) restrict writeonly buffer Weights { float weights[]; };
layout(push_constant) uniform Push {
  uint logits_at, logits_stride, experts_at, experts_stride, weights_at, weights_stride;
  uint n_experts, chosen, routing;  // Routing: 0 softmax, top k, renormalised; 1 softmax, top k; 2 top k, softmax
};

#include "activations.glsl"

const uint MOST = 1024;  // experts
shared float values[MOST];
shared uint best[64];
shared uint order[MOST];
shared float total;

// Whether a goes before b. 0xffffffff is nobody.
bool better(uint a, uint b) {
  if (a == 0xffffffffu || b == 0xffffffffu) return a != 0xffffffffu;
  const float x = values[a], y = values[b];
  if (isnan(x) || isnan(y)) return isnan(x) == isnan(y) ? a < b : isnan(y);
  return x > y || (x == y && a < b);
}

void main() {
  const uint thread = gl_LocalInvocationIndex, row = gl_WorkGroupID.x;
  for (uint e = thread; e < n_experts; e += 64u) values[e] = logits[logits_at + row * logits_stride + e];
  for (uint j = 0u; j < chosen; ++j) {
    barrier();
    uint mine = 0xffffffffu;
    for (uint e = thread; e < n_experts; e += 64u) {
      const bool later = j == 0u || (e != order[j - 1u] && better(order[j - 1u], e));
      if (later && better(e, mine)) mine = e;
    }
    best[thread] = mine;
    barrier();
    if (thread == 0u) {
      for (uint i = 1u; i < 64u; ++i) mine = better(best[i], mine) ? best[i] : mine;
      order[j] = mine;
    }
  }
  barrier();
  if (thread == 0u) {
    const float largest = values[order[0]];
    precise float all = 0.0, sum = 0.0;
    for (uint e = 0u; e < n_experts && routing != 2u; ++e) all += exponential(values[e] - largest);
    for (uint j = 0u; j < chosen; ++j) sum += exponential(values[order[j]] - largest);
    precise float divisor = routing == 2u ? sum : routing == 1u ? all : all * max(sum / all, 6.103515625e-5);
    total = divisor;
  }
  barrier();
  for (uint j = thread; j < chosen; j += 64u) {
    precise float weight = exponential(values[order[j]] - values[order[0]]) / total;
    experts[experts_at + row * experts_stride + j] = int(order[j]);
    weights[weights_at + row * weights_stride + j] = weight;
  }
}

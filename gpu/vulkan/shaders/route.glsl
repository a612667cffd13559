// Chooses the experts of a row by the logits in `route_logits`: each of k rounds finds the best one that is not chosen yet; ties go to
// the lower index, and what is no number is the worst. All invocations of a workgroup; the order of the sums depends on nothing else.

#include "activations.glsl"

const uint MOST_EXPERTS = 1024;
shared float route_logits[MOST_EXPERTS];
shared uint route_best[gl_WorkGroupSize.x];
shared uint route_order[MOST_EXPERTS];
shared float route_divisor;

// Whether a goes before b. 0xffffffff is nobody.
bool better(uint a, uint b) {
  if (a == 0xffffffffu || b == 0xffffffffu) return a != 0xffffffffu;
  const float x = route_logits[a], y = route_logits[b];
  if (isnan(x) || isnan(y)) return isnan(x) == isnan(y) ? a < b : isnan(y);
  return x > y || (x == y && a < b);
}

// Leaves the experts in route_order. routing: 0 softmax, top k, renormalised; 1 softmax, top k; 2 top k, softmax (gpu::Routing).
void choose_experts(uint n_experts, uint chosen, uint routing) {
  const uint thread = gl_LocalInvocationIndex, threads = gl_WorkGroupSize.x;
  for (uint j = 0u; j < chosen; ++j) {
    barrier();
    uint mine = 0xffffffffu;
    for (uint e = thread; e < n_experts; e += threads) {
      const bool later = j == 0u || (e != route_order[j - 1u] && better(route_order[j - 1u], e));
      if (later && better(e, mine)) mine = e;
    }
    route_best[thread] = mine;
    barrier();
    if (thread == 0u) {
      for (uint i = 1u; i < min(threads, n_experts); ++i) mine = better(route_best[i], mine) ? route_best[i] : mine;
      route_order[j] = mine;
    }
  }
  barrier();
  if (thread == 0u) {
    const float largest = route_logits[route_order[0]];
    precise float all = 0.0, sum = 0.0;
    for (uint e = 0u; e < n_experts && routing != 2u; ++e) all += exponential(route_logits[e] - largest);
    for (uint j = 0u; j < chosen; ++j) sum += exponential(route_logits[route_order[j]] - largest);
    precise float divisor = routing == 2u ? sum : routing == 1u ? all : all * max(sum / all, 6.103515625e-5);
    route_divisor = divisor;
  }
  barrier();
}

float expert_weight(uint j) {
  precise float weight = exponential(route_logits[route_order[j]] - route_logits[route_order[0]]) / route_divisor;
  return weight;
}

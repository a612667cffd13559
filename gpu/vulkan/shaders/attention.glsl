// What the kernels of attention share. A workgroup of 256 works for HEADS heads of one kv head and one row.

#include "activations.glsl"

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint HEAD_DIM = 64;
layout(constant_id = 1) const uint N_KV_HEADS = 1;
layout(constant_id = 2) const uint GROUP = 1;      // heads of a kv head
layout(constant_id = 3) const uint HEADS = 1;      // of them in a workgroup
layout(constant_id = 4) const uint BASIS_V = 1;
layout(constant_id = 5) const float BASIS_V_FACTOR = 1;  // 1 / sqrt(BASIS_V)

const uint SEGMENT_PAGES = 8;
const uint ABSENT = 0xffffffffu;
#define NOTHING uintBitsToFloat(0xff800000u)  // -infinity

const uint TILES = (GROUP + HEADS - 1u) / HEADS;
// gl_WorkGroupID.x counts tiles of heads.
uint kv_head() { return gl_WorkGroupID.x / TILES; }
uint head_in_group(uint h) { return gl_WorkGroupID.x % TILES * HEADS + h; }
uint head_of(uint h) { return kv_head() * GROUP + head_in_group(h); }

shared float vectors[HEADS * HEAD_DIM];  // queries, then results

// In place: every run of n columns times the Walsh-Hadamard matrix; the order of gpu/kv_format.cpp.
void rotate_vectors(uint n, float factor) {
  if (n == 1u) return;
  barrier();
  for (uint i = gl_LocalInvocationIndex; i < HEADS * HEAD_DIM; i += 256u) {
    precise float scaled = vectors[i] * factor;
    vectors[i] = scaled;
  }
  for (uint h = 1u; h < n; h *= 2u) {
    barrier();
    for (uint pair = gl_LocalInvocationIndex; pair < HEADS * HEAD_DIM / 2u; pair += 256u) {
      const uint at = pair / h * 2u * h + pair % h;
      const float a = vectors[at], b = vectors[at + h];
      precise float sum = a + b, difference = a - b;
      vectors[at] = sum;
      vectors[at + h] = difference;
    }
  }
}

// What a sink logit leaves of a head's weight: the factor of its sum of values, and the whole weight.
vec2 with_sink(float largest, float weight, bool has_sink, float sink) {
  if (!has_sink) return vec2(1, weight);
  const float most = max(largest, sink);
  const float factor = exponential(largest - most);
  precise float whole = weight * factor + exponential(sink - most);
  return vec2(factor, whole);
}

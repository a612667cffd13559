#version 450
// Backend::store_kv: one head of one row a group; y 0: its key, 1: its value. With TURN keys and queries are rotated by RoPE
// before, as rope.comp does it.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint HEAD_DIM = 64;
layout(constant_id = 1) const uint N_KV_HEADS = 1;
layout(constant_id = 2) const uint BASIS_K = 1;
layout(constant_id = 3) const uint BASIS_V = 1;
layout(constant_id = 4) const float FACTOR_K = 1;  // 1 / sqrt(BASIS_K)
layout(constant_id = 5) const float FACTOR_V = 1;
layout(constant_id = 6) const uint FORMAT = 0;  // KvFormat: 0 f16, 4 f32

layout(binding = 0) restrict readonly buffer K { float keys[]; };
layout(binding = 1) restrict readonly buffer V { float values[]; };
layout(binding = 2) restrict readonly buffer Slots { int slots[]; };
layout(binding = 3) restrict buffer Pages { uint pages[]; };
layout(push_constant) uniform Push { uint k_at, k_stride, v_at, v_stride, slots_at, pages_at; };

#include "kv_encode.glsl"

shared float turned[HEAD_DIM];

void main() {
  const uint thread = gl_LocalInvocationIndex, head = gl_WorkGroupID.x, row = gl_WorkGroupID.z;
  const bool is_value = gl_WorkGroupID.y == 1u;
  const uint basis = is_value ? BASIS_V : BASIS_K;
  for (uint i = thread; i < HEAD_DIM; i += 64u) {
    const uint at = head * HEAD_DIM + i;
    precise float x = is_value ? values[v_at + row * v_stride + at] : keys[k_at + row * k_stride + at];
    if (basis > 1u) x = x * (is_value ? FACTOR_V : FACTOR_K);
    turned[i] = x;
  }
  for (uint h = 1u; h < basis; h *= 2u) {
    barrier();
    for (uint pair = thread; pair < HEAD_DIM / 2u; pair += 64u) {
      const uint at = pair / h * 2u * h + pair % h;
      const float a = turned[at], b = turned[at + h];
      precise float sum = a + b, difference = a - b;
      turned[at] = sum;
      turned[at + h] = difference;
    }
  }
  barrier();
  const uint slot = uint(slots[slots_at + row]);
  const uint tile = 2u * (slot / 64u * N_KV_HEADS + head) + gl_WorkGroupID.y;
  const uint first = tile * 64u * HEAD_DIM + slot % 64u * HEAD_DIM;  // element
  if (FORMAT == 4u) {
    for (uint i = thread; i < HEAD_DIM; i += 64u) pages[pages_at + first + i] = floatBitsToUint(turned[i]);
  } else if (HEAD_DIM % 2u == 0u) {
    for (uint i = thread; i < HEAD_DIM / 2u; i += 64u) {
      pages[pages_at + first / 2u + i] = half_bits(saturated(turned[2u * i])) | half_bits(saturated(turned[2u * i + 1u])) << 16;
    }
  } else {  // a word may hold halves of two slots
    for (uint i = thread; i < HEAD_DIM; i += 64u) {
      const uint at = pages_at + (first + i) / 2u, shift = 16u * (first + i & 1u);
      atomicAnd(pages[at], 0xffff0000u >> shift);
      atomicOr(pages[at], half_bits(saturated(turned[i])) << shift);
    }
  }
}

#version 450
// Backend::store_kv: a head of a row a group; first the heads of keys, then those of values. With TURN the keys go through rope()
// before, and queries follow, which only do that (records.h: StoreKvRecord).
// variant store_kv: -DTURN=0
// variant store_kv_turned: -DTURN=1
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint HEAD_DIM = 64;
layout(constant_id = 1) const uint N_KV_HEADS = 1;
layout(constant_id = 2) const uint BASIS_K = 1;
layout(constant_id = 3) const uint BASIS_V = 1;
layout(constant_id = 4) const float FACTOR_K = 1;  // 1 / sqrt(BASIS_K)
layout(constant_id = 5) const float FACTOR_V = 1;
layout(constant_id = 6) const uint FORMAT = 0;  // KvFormat: 0 f16, 4 f32

#if TURN
layout(binding = 0) restrict buffer K { float keys[]; };
#else
layout(binding = 0) restrict readonly buffer K { float keys[]; };
#endif
layout(binding = 1) restrict readonly buffer V { float values[]; };
layout(binding = 2) restrict readonly buffer Slots { int slots[]; };
layout(binding = 3) restrict buffer Pages { uint pages[]; };
#if TURN
layout(constant_id = 7) const uint ADJACENT = 0;
layout(binding = 4) restrict buffer Q { float queries[]; };
layout(binding = 5) restrict readonly buffer Angles { float angles[]; };
#endif
layout(push_constant) uniform Push {
  uint k_at, k_stride, v_at, v_stride, slots_at, pages_at;
#if TURN
  uint q_at, q_stride, angles_at, angles_stride, n_rot;
#endif
};

#include "kv_encode.glsl"
#include "turn.glsl"

shared float head[HEAD_DIM];

#if TURN
// The pairs of the head, as rope.comp turns them.
void turn_head(uint row) {
  for (uint i = gl_LocalInvocationIndex; i < n_rot / 2u; i += 64u) {
    const uint a = ADJACENT == 1u ? 2u * i : i, b = ADJACENT == 1u ? 2u * i + 1u : i + n_rot / 2u;
    const uint at = angles_at + row * angles_stride + 2u * i;
    const vec2 turned = turn(vec2(head[a], head[b]), vec2(angles[at], angles[at + 1u]));
    head[a] = turned.x;
    head[b] = turned.y;
  }
  barrier();
}
#endif

void main() {
  const uint thread = gl_LocalInvocationIndex, row = gl_WorkGroupID.y, kind = min(gl_WorkGroupID.x / N_KV_HEADS, 2u);
  const uint first_col = (gl_WorkGroupID.x - kind * N_KV_HEADS) * HEAD_DIM;
  const uint k_first = k_at + row * k_stride + first_col, v_first = v_at + row * v_stride + first_col;
#if TURN
  const uint q_first = q_at + row * q_stride + first_col;
  for (uint i = thread; i < HEAD_DIM; i += 64u) head[i] = kind == 0u ? keys[k_first + i] : kind == 1u ? values[v_first + i] : queries[q_first + i];
  barrier();
  if (kind != 1u) turn_head(row);
  for (uint i = thread; i < HEAD_DIM; i += 64u) {
    if (kind == 0u) keys[k_first + i] = head[i];
    if (kind == 2u) queries[q_first + i] = head[i];
  }
  if (kind == 2u) return;
#else
  for (uint i = thread; i < HEAD_DIM; i += 64u) head[i] = kind == 0u ? keys[k_first + i] : values[v_first + i];
#endif
  const uint basis = kind == 1u ? BASIS_V : BASIS_K;
  for (uint i = thread; basis > 1u && i < HEAD_DIM; i += 64u) {
    precise float scaled = head[i] * (kind == 1u ? FACTOR_V : FACTOR_K);
    head[i] = scaled;
  }
  for (uint h = 1u; h < basis; h *= 2u) {
    barrier();
    for (uint pair = thread; pair < HEAD_DIM / 2u; pair += 64u) {
      const uint at = pair / h * 2u * h + pair % h;
      const float a = head[at], b = head[at + h];
      precise float sum = a + b, difference = a - b;
      head[at] = sum;
      head[at + h] = difference;
    }
  }
  barrier();
  const uint slot = uint(slots[slots_at + row]);
  const uint tile = 2u * (slot / 64u * N_KV_HEADS + gl_WorkGroupID.x % N_KV_HEADS) + kind;
  const uint first = tile * 64u * HEAD_DIM + slot % 64u * HEAD_DIM;  // element
  if (FORMAT == 4u) {
    for (uint i = thread; i < HEAD_DIM; i += 64u) pages[pages_at + first + i] = floatBitsToUint(head[i]);
  } else if (HEAD_DIM % 2u == 0u) {
    for (uint i = thread; i < HEAD_DIM / 2u; i += 64u) {
      pages[pages_at + first / 2u + i] = half_bits(saturated(head[2u * i])) | half_bits(saturated(head[2u * i + 1u])) << 16;
    }
  } else {  // a word may hold halves of two slots
    for (uint i = thread; i < HEAD_DIM; i += 64u) {
      const uint at = pages_at + (first + i) / 2u, shift = 16u * (first + i & 1u);
      atomicAnd(pages[at], 0xffff0000u >> shift);
      atomicOr(pages[at], half_bits(saturated(head[i])) << shift);
    }
  }
}

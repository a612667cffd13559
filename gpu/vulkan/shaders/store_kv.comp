#version 450
// Backend::store_kv: a head of a row a group; first the heads of keys, then those of values. With TURN the keys go through rope()
// before, and queries follow, which only do that; with NORM keys and queries are normed before (records.h: StoreKvRecord), and where
// WHOLE is 1, so that a norm goes over all heads, a group takes all keys, all values or all queries of a row.
// variant store_kv: -DTURN=0
// variant store_kv_turned: -DTURN=1
// variant store_kv_normed: -DTURN=1 -DNORM=1
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 7) in;
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
layout(constant_id = 8) const uint ADJACENT = 0;
layout(binding = 4) restrict buffer Q { float queries[]; };
layout(binding = 5) restrict readonly buffer Angles { float angles[]; };
#endif
#if NORM
layout(constant_id = 9) const uint Q_LANES = 256;
layout(constant_id = 10) const uint K_LANES = 256;
layout(constant_id = 11) const uint NORM_CENTRE = 0;
layout(constant_id = 12) const uint WHOLE = 0;
layout(constant_id = 13) const uint NORM_AT_ONCE = 1;
layout(binding = 6) restrict readonly buffer QWeight { float q_weight[]; };
layout(binding = 7) restrict readonly buffer KWeight { float k_weight[]; };
layout(binding = 8) restrict readonly buffer QBias { float q_bias[]; };
layout(binding = 9) restrict readonly buffer KBias { float k_bias[]; };
#endif
layout(push_constant) uniform Push {
  uint k_at, k_stride, v_at, v_stride, slots_at, pages_at;
#if TURN
  uint q_at, q_stride, angles_at, angles_stride, n_rot;
#endif
#if NORM
  uint n_q_heads, q_weight_at, k_weight_at, q_bias_at, k_bias_at;
  uint has_bias, whole_weight;  // a weight for each column, not for each of a head
  float eps;
#endif
};

#include "kv_encode.glsl"
#include "turn.glsl"

shared float head[HEAD_DIM];

// What this group works on: 0 keys, 1 values, 2 queries.
uint kind, row;

float input_at(uint col) {
  if (kind == 0u) return keys[k_at + row * k_stride + col];
#if TURN
  if (kind == 2u) return queries[q_at + row * q_stride + col];
#endif
  return values[v_at + row * v_stride + col];
}

#if NORM
#define NORM_LANES (kind == 0u ? K_LANES : Q_LANES)
uint norm_first;
float norm_input(uint c) { return input_at(norm_first + c); }
#include "norm.glsl"

Moments moments = Moments(0.0, 1.0);
float normed_input(uint first_col, uint i) {
  const uint col = first_col + i, w = WHOLE == 1u || whole_weight == 1u ? col : i;
  if (kind == 2u) return normed(input_at(col), moments, q_weight[q_weight_at + w], has_bias == 1u, has_bias == 1u ? q_bias[q_bias_at + w] : 0.0);
  return normed(input_at(col), moments, k_weight[k_weight_at + w], has_bias == 1u, has_bias == 1u ? k_bias[k_bias_at + w] : 0.0);
}
#endif

#if TURN
// The pairs of the head, as rope.comp turns them.
void turn_head() {
  for (uint i = gl_LocalInvocationIndex; i < n_rot / 2u; i += gl_WorkGroupSize.x) {
    const uint a = ADJACENT == 1u ? 2u * i : i, b = ADJACENT == 1u ? 2u * i + 1u : i + n_rot / 2u;
    const uint at = angles_at + row * angles_stride + 2u * i;
    const vec2 turned = turn(vec2(head[a], head[b]), vec2(angles[at], angles[at + 1u]));
    head[a] = turned.x;
    head[b] = turned.y;
  }
  barrier();
}
#endif

// What is in `head` into the cache, in the basis of its layer.
void store_head(uint number) {
  const uint thread = gl_LocalInvocationIndex, basis = kind == 1u ? BASIS_V : BASIS_K;
  for (uint i = thread; basis > 1u && i < HEAD_DIM; i += gl_WorkGroupSize.x) {
    precise float scaled = head[i] * (kind == 1u ? FACTOR_V : FACTOR_K);
    head[i] = scaled;
  }
  for (uint h = 1u; h < basis; h *= 2u) {
    barrier();
    for (uint pair = thread; pair < HEAD_DIM / 2u; pair += gl_WorkGroupSize.x) {
      const uint at = pair / h * 2u * h + pair % h;
      const float a = head[at], b = head[at + h];
      precise float sum = a + b, difference = a - b;
      head[at] = sum;
      head[at + h] = difference;
    }
  }
  barrier();
  const uint slot = uint(slots[slots_at + row]);
  const uint tile = 2u * (slot / 64u * N_KV_HEADS + number) + kind;
  const uint first = tile * 64u * HEAD_DIM + slot % 64u * HEAD_DIM;  // element
  if (FORMAT == 4u) {
    for (uint i = thread; i < HEAD_DIM; i += gl_WorkGroupSize.x) pages[pages_at + first + i] = floatBitsToUint(head[i]);
  } else if (HEAD_DIM % 2u == 0u) {
    for (uint i = thread; i < HEAD_DIM / 2u; i += gl_WorkGroupSize.x) {
      pages[pages_at + first / 2u + i] = half_bits(saturated(head[2u * i])) | half_bits(saturated(head[2u * i + 1u])) << 16;
    }
  } else {  // a word may hold halves of two slots
    for (uint i = thread; i < HEAD_DIM; i += gl_WorkGroupSize.x) {
      const uint at = pages_at + (first + i) / 2u, shift = 16u * (first + i & 1u);
      atomicAnd(pages[at], 0xffff0000u >> shift);
      atomicOr(pages[at], half_bits(saturated(head[i])) << shift);
    }
  }
}

void do_head(uint number) {
  const uint first_col = number * HEAD_DIM;
  for (uint i = gl_LocalInvocationIndex; i < HEAD_DIM; i += gl_WorkGroupSize.x) {
#if NORM
    head[i] = kind == 1u ? input_at(first_col + i) : normed_input(first_col, i);
#else
    head[i] = input_at(first_col + i);
#endif
  }
#if TURN
  barrier();
  if (kind != 1u) turn_head();
  for (uint i = gl_LocalInvocationIndex; i < HEAD_DIM; i += gl_WorkGroupSize.x) {
    if (kind == 0u) keys[k_at + row * k_stride + first_col + i] = head[i];
    if (kind == 2u) queries[q_at + row * q_stride + first_col + i] = head[i];
  }
  if (kind == 2u) return;
#endif
  store_head(number);
}

void main() {
  row = gl_WorkGroupID.y;
  kind = min(gl_WorkGroupID.x / N_KV_HEADS, 2u);
  uint number = gl_WorkGroupID.x - kind * N_KV_HEADS;
#if NORM
  if (WHOLE == 1u) {
    kind = gl_WorkGroupID.x;
    number = 0u;
  }
  const uint n_heads = WHOLE == 0u ? 1u : kind == 2u ? n_q_heads : N_KV_HEADS;
  norm_first = number * HEAD_DIM;
  if (kind != 1u) moments = norm_moments(n_heads * HEAD_DIM, eps);
  for (uint i = 0u; i < n_heads; ++i) {
    do_head(number + i);
    barrier();
  }
#else
  do_head(number);
#endif
}

#version 450
// Queries in the basis of the keys, for kernels that have no room for whole ones.
#extension GL_GOOGLE_include_directive : require

#include "attention.glsl"

layout(binding = 0) restrict readonly buffer Q { float q[]; };
layout(binding = 1) restrict writeonly buffer Out { float result[]; };
layout(push_constant) uniform Push {
  uint q_at, q_stride, out_at, out_stride;
};

void main() {
  const uint thread = gl_LocalInvocationIndex, row = gl_WorkGroupID.y;
  for (uint i = thread; i < HEADS * HEAD_DIM; i += 256u) {
    vectors[i] = q[q_at + row * q_stride + (kv_head() * GROUP + min(head_in_group(i / HEAD_DIM), GROUP - 1u)) * HEAD_DIM + i % HEAD_DIM];
  }
  rotate_vectors(BASIS_V, BASIS_V_FACTOR);
  barrier();
  for (uint i = thread; i < HEADS * HEAD_DIM; i += 256u) {
    if (head_in_group(i / HEAD_DIM) < GROUP) result[out_at + row * out_stride + head_of(i / HEAD_DIM) * HEAD_DIM + i % HEAD_DIM] = vectors[i];
  }
}

#version 450
// Reads a buffer once, neighbours side by side, and makes nothing of it: what the memory can do.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(binding = 0) readonly buffer From { uvec4 from[]; };
layout(binding = 1) buffer Sum { uint sum[]; };
layout(push_constant) uniform Push {
  View view_from;
  uint n_vectors;
};

void main() {
  uvec4 bits = uvec4(0);
  const uint step = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
  for (uint i = gl_GlobalInvocationID.x; i < n_vectors; i += step) bits ^= from[view_from.offset + i];
  // Written only for a value that nearly never comes, so that the reading cannot be left out.
  if ((bits.x ^ bits.y ^ bits.z ^ bits.w) == 0x5eed1234u) sum[0] = bits.x;
}

#version 450
// Rotates pairs of columns in place: an invocation a pair. Constant 1: the pairs are neighbours (else half a head apart).
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "turn.glsl"

layout(constant_id = 1) const uint kAdjacent = 0;

layout(binding = 0) buffer X { float x[]; };
layout(binding = 1) readonly buffer Angles { float angles[]; };
layout(push_constant) uniform Push {
  View view_x, view_angles;
  uint head_dim, n_rot, n_pairs;
};

void main() {
  const uint pair = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (pair >= n_pairs) return;
  const uint half_rot = n_rot / 2, head = pair / half_rot, i = pair % half_rot;
  const uint first = at(view_x, row, head * head_dim + (kAdjacent == 1 ? 2 * i : i));
  const uint second = first + (kAdjacent == 1 ? 1 : half_rot);
  const vec2 turned = turn(vec2(x[first], x[second]), vec2(angles[at(view_angles, row, 2 * i)], angles[at(view_angles, row, 2 * i + 1)]));
  x[first] = turned.x;
  x[second] = turned.y;
}

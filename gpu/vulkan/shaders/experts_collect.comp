#version 450
// Sorts the rows of a product with experts by expert, stably: begins [n_experts + 1], then the rows of the result. One group;
// an invocation takes every 256th expert and goes through all rows.
layout(local_size_x = 256) in;

layout(binding = 0) restrict readonly buffer Ids { int ids[]; };
layout(binding = 1) buffer Lists { uint lists[]; };
layout(push_constant) uniform Push { uint ids_at, ids_stride, chosen, n_rows, lists_at, n_experts; };

uint expert_of(uint row) { return uint(ids[ids_at + row / chosen * ids_stride + row % chosen]); }

void main() {
  for (uint e = gl_LocalInvocationIndex; e <= n_experts; e += 256u) {
    uint below = 0u, at = 0u;
    for (uint row = 0u; row < n_rows; ++row) below += uint(expert_of(row) < e);
    lists[lists_at + e] = below;
    at = lists_at + n_experts + 1u + below;
    for (uint row = 0u; row < n_rows; ++row) {
      if (expert_of(row) == e) lists[at++] = row;
    }
  }
}

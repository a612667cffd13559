#version 450
// Backend::embed. An invocation writes four columns.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint FORMAT = 0;

layout(binding = 0) restrict readonly buffer Table { uint table[]; };
layout(binding = 1) restrict readonly buffer Books { uint books[]; };
layout(binding = 2) restrict readonly buffer Ids { int ids[]; };
layout(binding = 3) restrict writeonly buffer Out { float result[]; };
layout(push_constant) uniform Push {
  uint table_at, row_bytes, cols, n_rows, first, end;  // bytes; rows of the table that are bound
  uint ids_at, ids_stride, out_at, out_stride;         // elements
};

uint weight_word(uint part, uint index) { return table[index]; }
uint book_word(uint index) { return books[index]; }
#include "formats.glsl"

void main() {
  const uint row = gl_WorkGroupID.y, quad = gl_GlobalInvocationID.x;
  const uint id = uint(ids[ids_at + row * ids_stride]);
  if (4u * quad >= cols || id < first || id >= end) return;
  const Chunk c = open_chunk(FORMAT, 0u, table_at + (id - first) * row_bytes, quad / 8u, cols);
  const vec4 values = chunk_values(FORMAT, c, quad % 8u);
  const uint at = out_at + row * out_stride + 4u * quad;
  for (uint j = 0u; j < 4u && 4u * quad + j < cols; ++j) result[at + j] = values[j];
}

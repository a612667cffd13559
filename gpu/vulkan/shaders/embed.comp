#version 450
// Rows of a table in any format of weights, decoded: an invocation four values. Rows in other windows of the table are left alone.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint FORMAT = 0;
const uint IN_FOURS = 0;

layout(binding = 0) restrict readonly buffer Table { uint table[]; };
layout(binding = 1) restrict readonly buffer Ids { int ids[]; };
layout(binding = 2) restrict writeonly buffer Out { float result[]; };
layout(binding = 3) restrict readonly buffer Books { uint books[]; };
layout(push_constant) uniform Push {
  uint table_at, ids_at, ids_stride, out_at, out_stride;  // of the table: bytes
  uint cols, row_bytes, first_row, n_rows;
};

uint weight_word(uint part, uint index) { return table[index]; }
uint book_word(uint index) { return books[index]; }
#include "formats.glsl"

void main() {
  const uint row = gl_WorkGroupID.y, col = 4u * gl_GlobalInvocationID.x;
  const uint id = uint(ids[ids_at + row * ids_stride]) - first_row;
  if (col >= cols || id >= n_rows) return;
  const Chunk c = open_chunk(FORMAT, 0u, table_at + id * row_bytes, col / 32u, cols);
  const vec4 values = chunk_values(FORMAT, c, col / 4u % 8u);
  for (uint j = 0u; j < 4u && col + j < cols; ++j) result[out_at + row * out_stride + col + j] = values[j];
}

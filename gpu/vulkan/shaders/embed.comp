#version 450
// Rows of a table in any format of weights, decoded: an invocation a value. Constant 1: the format. Rows in other windows of the
// table are left alone.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(constant_id = 1) const uint kFormat = 0;

layout(binding = 0) readonly buffer Table { uint table[]; };
layout(binding = 1) readonly buffer Ids { int ids[]; };
layout(binding = 2) writeonly buffer Out { float result[]; };
layout(binding = 3) readonly buffer Codebooks { uint codebooks[]; };
layout(push_constant) uniform Push {
  View view_table, view_ids, view_out, view_codebooks;  // of the table: bytes
  uint n_cols, row_bytes, first_row, n_rows;
};

uint weight_word(uint index) { return table[index]; }
uint codebook_word(uint index) { return codebooks[view_codebooks.offset + index]; }
#include "decode.glsl"

void main() {
  const uint col = gl_GlobalInvocationID.x, row = gl_WorkGroupID.y;
  if (col >= n_cols) return;
  const uint id = uint(ids[at(view_ids, row, 0)]) - first_row;
  if (id >= n_rows) return;
  result[at(view_out, row, col)] = decode_value(kFormat, view_table.offset + id * row_bytes, col);
}

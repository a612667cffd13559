// What the kernels of tiles share: TILE_W rows of weights by TILE_X of x for a workgroup, W_VALUES by X_VALUES of the products for an
// invocation, W_THREADS and X_THREADS apart. A group walks the columns once for each partial sum of products.glsl, so that an invocation
// holds two numbers of a product: the partial sum that is growing, and the total of those before it. With EXPERTS gl_WorkGroupID.z is
// an expert, whose rows experts_collect.comp has listed.

layout(constant_id = 2) const uint W_VALUES = 4;
layout(constant_id = 3) const uint X_VALUES = 4;
layout(constant_id = 4) const uint X_THREADS = 16;
layout(local_size_x_id = 5) in;
layout(constant_id = 6) const uint WEIGHTS_IN_FOURS = 1;
const uint THREADS = gl_WorkGroupSize.x, W_THREADS = THREADS / X_THREADS, TILE_W = W_VALUES * W_THREADS, TILE_X = X_VALUES * X_THREADS;

layout(binding = 3) restrict readonly buffer Bias { float biases[]; };
layout(binding = 4) restrict writeonly buffer Out { float result[]; };
layout(binding = 5) restrict readonly buffer Scale { float scales[]; };
#if EXPERTS
layout(binding = 6) restrict readonly buffer Lists { uint lists[]; };  // as experts_collect.comp writes them
#endif
layout(binding = 2) restrict readonly buffer Weights4 { uvec4 weights_4[]; };
uint weight_word(uint part, uint index) { return weights_0[index]; }
#define WEIGHT_FOUR(part, index) weights_4[index]
#include "formats.glsl"

layout(push_constant) uniform Push {
  uint weights_at, row_bytes;        // bytes
  uint first_row, n_rows;            // that are bound, counted through all experts
  uint bias_at, out_at, out_stride, scale_at;  // elements
  uint cols, x_at, x_stride, x_rows;  // of rounded input: x_at the first row, x_stride how many there are
#if EXPERTS
  uint lists_at, n_experts, chosen;
  uint expert_rows, expert_height, bias_stride, scale_stride, rows_per_id;  // expert_height: the same
#endif
};

struct Tile {
  uint first, first_x;  // row of weights, of x
  uint last, last_x;    // of all that there are
  uint above;           // rows of weights before `first` is counted
  uint listed;          // place of the expert's list
};
Tile tile;

// False: there is nothing in it.
bool place_tile() {
  tile.first = gl_WorkGroupID.x * TILE_W;
  tile.first_x = gl_WorkGroupID.y * TILE_X;
#if EXPERTS
  // Lists: where the rows of each expert begin, then the rows of out, sorted by expert.
  const uint expert = gl_WorkGroupID.z, begin = lists[lists_at + expert], n_listed = lists[lists_at + expert + 1u] - begin;
  tile.listed = lists_at + n_experts + 1u + begin;
  tile.above = expert * expert_rows;
  tile.last = expert_rows - 1u;
  tile.last_x = n_listed - 1u;
  return tile.first_x < n_listed && tile.above + tile.first < first_row + n_rows && tile.above + tile.first + TILE_W > first_row;
#else
  tile.above = first_row;
  tile.last = n_rows - 1u;
  tile.last_x = x_rows - 1u;
  return true;
#endif
}

// Row i of the tile, or the last one that there is: where a row of weights begins in bytes, and which row of x it is.
uint weight_row(uint i) {
  return weights_at + (clamp(tile.above + min(tile.first + i, tile.last), first_row, first_row + n_rows - 1u) - first_row) * row_bytes;
}
uint input_row(uint i) {
  const uint row = min(tile.first_x + i, tile.last_x);
#if EXPERTS
  return lists[tile.listed + row] / rows_per_id;
#else
  return row;
#endif
}

// Which rows of the tile an invocation multiplies first: neighbours read few different ones.
uint first_w_value() { return gl_LocalInvocationIndex % 8u + gl_LocalInvocationIndex / 32u % (W_THREADS / 8u) * 8u; }
uint first_x_value() { return gl_LocalInvocationIndex / 8u % 4u + gl_LocalInvocationIndex / 32u / (W_THREADS / 8u) * 4u; }

// Row w of the tile's weights by row x.
void store(uint w, uint x, float total) {
  const uint row = tile.first + w, at_x = tile.first_x + x;
  precise float value = total;
#if EXPERTS
  const uint expert = gl_WorkGroupID.z, global_row = tile.above + row;
  const bool inside = row <= tile.last && global_row >= first_row && global_row < first_row + n_rows && at_x <= tile.last_x;
  const uint out_row = inside ? lists[tile.listed + at_x] : 0u, col = row, scale_of = scale_at + expert * scale_stride, bias_of = bias_at + expert * bias_stride;
#else
  const bool inside = row <= tile.last && at_x <= tile.last_x;
  const uint out_row = at_x, col = first_row + row, scale_of = scale_at, bias_of = bias_at;
#endif
  if (!inside) return;
  if (scale_at != ABSENT) value = scales[scale_of] * value;
  if (bias_at != ABSENT) value = value + biases[bias_of + col];
  result[out_at + out_row * out_stride + col] = value;
}

// The products of one step of columns are made of a stage in shared memory while the next step comes to the other one. The including
// kernel has STEPS of a chunk, load(chunk, step) to registers, keep(stage), which stores them, and multiply(stage).
float partials[W_VALUES * X_VALUES], totals[W_VALUES * X_VALUES];

#version 450
// Backend::linear for many rows of x, and linear_experts: tiles of 32 rows of weights and 32 rows of x. Eight groups of 32
// invocations hold the eight partial sums of products.glsl, each for the whole tile, so that every sum goes the same way as with
// few rows. With EXPERTS gl_WorkGroupID.z is an expert, whose rows experts_collect.comp has listed.
// variant product_tiles: -DEXPERTS=0
// variant product_tiles_experts: -DEXPERTS=1
// variant product_code_tiles: -DEXPERTS=0 -DINTEGER=1
// variant product_code_tiles_experts: -DEXPERTS=1 -DINTEGER=1
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
#include "products.glsl"

layout(binding = 3) restrict readonly buffer Bias { float biases[]; };
layout(binding = 4) restrict writeonly buffer Out { float result[]; };
layout(binding = 5) restrict readonly buffer Scale { float scales[]; };
#if EXPERTS
layout(binding = 6) restrict readonly buffer Lists { uint lists[]; };  // as experts_collect.comp writes them
#endif
uint weight_word(uint part, uint index) { return weights_0[index]; }
#include "formats.glsl"

layout(push_constant) uniform Push {
  uint weights_at, row_bytes;        // bytes
  uint first_row, n_rows;            // that are bound, counted through all experts
  uint bias_at, out_at, out_stride, scale_at;  // elements
  uint cols, x_at, x_stride, x_rows;
#if EXPERTS
  uint lists_at, n_experts, chosen;
  uint expert_rows, expert_height, bias_stride, scale_stride, rows_per_id;  // expert_height: the same
#endif
};

const uint TILE = 32;
#if INTEGER
const uint INPUT_ROWS = TILE, WINDOW = LANES;
#include "rounded_input.glsl"
shared uint w_tile[LANES * TILE];  // [lane][row]
shared vec2 w_scales[LANES * TILE];
shared float w_shifts[LANES * TILE];
void keep_partial(uint at, float sum) { x_codes[at] = floatBitsToUint(sum); }
float partial_sum(uint at) { return uintBitsToFloat(x_codes[at]); }
#else
shared vec4 w_tile[LANES * TILE];  // [lane][row]
shared vec4 x_tile[LANES * TILE];
shared float partial[256 * LANES];
void keep_partial(uint at, float sum) { partial[at] = sum; }
float partial_sum(uint at) { return partial[at]; }
#endif

void main() {
  const uint thread = gl_LocalInvocationIndex, lane = thread % LANES, mine = thread / LANES;
  const uint first = gl_WorkGroupID.x * TILE, first_x = gl_WorkGroupID.y * TILE;
#if EXPERTS
  // Lists: where the rows of each expert begin, then the rows of out, sorted by expert.
  const uint expert = gl_WorkGroupID.z, begin = lists[lists_at + expert], n_listed = lists[lists_at + expert + 1u] - begin;
  const uint listed = lists_at + n_experts + 1u + begin;
  const uint above = expert * expert_rows;
  if (first_x >= n_listed || above + first >= first_row + n_rows || above + first + TILE <= first_row) return;
  const uint x_row = x_at + lists[listed + min(first_x + mine, n_listed - 1u)] / rows_per_id * x_stride;
  const uint last = expert_rows - 1u;
#else
  const uint above = first_row;
  const uint x_row = x_at + min(first_x + mine, x_rows - 1u) * x_stride;
  const uint last = n_rows - 1u;
#endif
  const uint w_row = weights_at + (clamp(above + min(first + mine, last), first_row, first_row + n_rows - 1u) - first_row) * row_bytes;

  // Group `lane_2` of 32: rows 4 r .. 4 r + 3 of the weights, 8 q .. 8 q + 7 of x.
  const uint lane_2 = thread / 32u, r = thread % 8u, q = thread % 32u / 8u;
  float sums[4][8];
  [[unroll]] for (uint a = 0u; a < 4u; ++a) {
    [[unroll]] for (uint b = 0u; b < 8u; ++b) sums[a][b] = 0.0;
  }
  for (uint step = 0u; 32u * step < cols; step += LANES) {
    const uint chunk = step + lane;
    const bool inside = 32u * chunk < cols;
    const Chunk c = open_chunk(FORMAT_0, 0u, w_row, inside ? chunk : 0u, cols);
#if INTEGER
    barrier();
    if (inside) round_chunk(x_row, chunk, mine * LANES + lane, cols);
    w_scales[lane * TILE + mine] = c.scale;
    w_shifts[lane * TILE + mine] = c.shift.x;
    for (uint h = 0u; h < 2u; ++h) {
      int dots[4][8];
      [[unroll]] for (uint a = 0u; a < 4u; ++a) {
        [[unroll]] for (uint b = 0u; b < 8u; ++b) dots[a][b] = 0;
      }
      for (uint i = 4u * h; i < 4u * h + 4u; ++i) {
        barrier();
        w_tile[lane * TILE + mine] = inside ? chunk_codes(FORMAT_0, c, i) : 0u;
        barrier();
        uint x[8];
        [[unroll]] for (uint b = 0u; b < 8u; ++b) x[b] = x_codes[((8u * q + b) * LANES + lane_2) * 8u + i];
        [[unroll]] for (uint a = 0u; a < 4u; ++a) {
          const uint w = w_tile[lane_2 * TILE + 4u * r + a];
          [[unroll]] for (uint b = 0u; b < 8u; ++b) dots[a][b] += signed_dot(w, x[b], 0);
        }
      }
      if (32u * (step + lane_2) < cols) {
        [[unroll]] for (uint a = 0u; a < 4u; ++a) {
          const uint at = lane_2 * TILE + 4u * r + a;
          [[unroll]] for (uint b = 0u; b < 8u; ++b) {
            sums[a][b] = add_half(sums[a][b], FORMAT_0, (8u * q + b) * LANES + lane_2, h, w_scales[at], vec2(w_shifts[at]), dots[a][b]);
          }
        }
      }
    }
#else
    for (uint i = 0u; i < 8u; ++i) {
      barrier();
      w_tile[lane * TILE + mine] = inside ? chunk_values(FORMAT_0, c, i) : vec4(0);
      x_tile[lane * TILE + mine] = inside ? input_values(x_row, 32u * chunk + 4u * i, cols) : vec4(0);
      barrier();
      vec4 x[8];
      [[unroll]] for (uint b = 0u; b < 8u; ++b) x[b] = x_tile[lane_2 * TILE + 8u * q + b];
      [[unroll]] for (uint a = 0u; a < 4u; ++a) {
        const vec4 w = w_tile[lane_2 * TILE + 4u * r + a];
        [[unroll]] for (uint b = 0u; b < 8u; ++b) sums[a][b] = add_products(sums[a][b], w, x[b]);
      }
    }
#endif
  }
  // A quarter of the tile at a time: row a of each four.
  [[unroll]] for (uint a = 0u; a < 4u; ++a) {
    barrier();
    [[unroll]] for (uint b = 0u; b < 8u; ++b) keep_partial(((8u * q + b) * 8u + r) * LANES + lane_2, sums[a][b]);
    barrier();
    const uint row = first + 4u * (thread % 8u) + a, at_x = first_x + thread / 8u;
    precise float value = partial_sum(thread * LANES);
    for (uint j = 1u; j < LANES; ++j) value += partial_sum(thread * LANES + j);
    // No continue: all have to meet at the barrier above.
#if EXPERTS
    const uint global_row = above + row;
    const bool inside = row <= last && global_row >= first_row && global_row < first_row + n_rows && at_x < n_listed;
    const uint out_row = inside ? lists[listed + at_x] : 0u, col = row, scale_of = scale_at + expert * scale_stride, bias_of = bias_at + expert * bias_stride;
#else
    const bool inside = row <= last && at_x < x_rows;
    const uint out_row = at_x, col = first_row + row, scale_of = scale_at, bias_of = bias_at;
#endif
    if (inside) {
      if (scale_at != ABSENT) value = scales[scale_of] * value;
      if (bias_at != ABSENT) value = value + biases[bias_of + col];
      result[out_at + out_row * out_stride + col] = value;
    }
  }
}

#version 450
// Backend::linear for many rows of x, and linear_experts (product_tiles.glsl): codes of weights, and x as round_input.comp leaves it.
// variant product_code_tiles: -DEXPERTS=0
// variant product_code_tiles_experts: -DEXPERTS=1
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#define OWN_INPUT
#include "products.glsl"
#include "product_tiles.glsl"
#include "code_products.glsl"

layout(binding = 1) restrict readonly buffer Rounded { uvec4 rounded_x[]; };

const uint STEPS = 1;
// Four invocations bring a chunk of a row of weights, each a word of both halves, and one of them the head: the n-th of the n-th row.
const uint W_TURNS = (4 * TILE_W + THREADS - 1) / THREADS;  // 1, 2 or 4
const uint X_PIECES = 3 * TILE_X, X_TURNS = (X_PIECES + THREADS - 1) / THREADS;

shared uvec4 w_tile[2u * 2u * TILE_W];  // [stage][half][row]
shared vec2 w_heads[2u * TILE_W];
shared uvec4 x_tile[2u * X_PIECES];     // [stage][half, or scales][row]
uint w_at[W_TURNS], head_at, x_from[X_TURNS];
uvec2 w_next[W_TURNS];
vec2 head_next;
uvec4 x_next[X_TURNS];

uint row_of_turn(uint turn) { return (gl_LocalInvocationIndex + turn * THREADS) / 4u; }
uint piece_of_turn(uint turn) { return gl_LocalInvocationIndex + turn * THREADS; }

void start() {
  [[unroll]] for (uint i = 0u; i < W_TURNS; ++i) w_at[i] = weight_row(min(row_of_turn(i), TILE_W - 1u));
  head_at = weight_row(min(row_of_turn(gl_LocalInvocationIndex % W_TURNS), TILE_W - 1u));
  [[unroll]] for (uint i = 0u; i < X_TURNS; ++i) {
    const uint piece = min(piece_of_turn(i), X_PIECES - 1u);
    x_from[i] = x_at + piece / TILE_X * x_stride + input_row(piece % TILE_X);
  }
}

void load(uint chunk, uint step) {
  const uint word = gl_LocalInvocationIndex % 4u;
  head_next = head_of(FORMAT_0, open_chunk(FORMAT_0, 0u, head_at, chunk, cols));
  [[unroll]] for (uint i = 0u; i < W_TURNS; ++i) {
    const Chunk c = open_chunk(FORMAT_0, 0u, w_at[i], chunk, cols);
    w_next[i] = uvec2(chunk_codes(FORMAT_0, c, word), chunk_codes(FORMAT_0, c, word | 4u));
  }
  [[unroll]] for (uint i = 0u; i < X_TURNS; ++i) x_next[i] = rounded_x[3u * chunk * x_stride + x_from[i]];
}

void keep(uint stage) {
  const uint word = gl_LocalInvocationIndex % 4u;
  [[unroll]] for (uint i = 0u; i < W_TURNS; ++i) {
    const uint row = row_of_turn(i), at = 2u * stage * TILE_W + row;
    if (row >= TILE_W) continue;
    w_tile[at][word] = w_next[i].x;
    w_tile[at + TILE_W][word] = w_next[i].y;
    if (word == i) w_heads[stage * TILE_W + row] = head_next;
  }
  [[unroll]] for (uint i = 0u; i < X_TURNS; ++i) {
    if (piece_of_turn(i) < X_PIECES) x_tile[stage * X_PIECES + piece_of_turn(i)] = x_next[i];
  }
}

float dot_16(uvec4 w, uvec4 x) {
  return value_of(NO_PRODUCTS + signed_dot(w.x, x.x, 0) + signed_dot(w.y, x.y, 0) + signed_dot(w.z, x.z, 0) + signed_dot(w.w, x.w, 0));
}

void multiply(uint stage) {
  const uint w_first = first_w_value(), x_first = stage * X_PIECES + first_x_value();
  uvec4 low[X_VALUES], high[X_VALUES];
  vec3 scales_of[X_VALUES];
  [[unroll]] for (uint b = 0u; b < X_VALUES; ++b) {
    const uint at = x_first + b * X_THREADS;
    low[b] = x_tile[at];
    high[b] = x_tile[at + TILE_X];
    scales_of[b] = uintBitsToFloat(x_tile[at + 2u * TILE_X].xyz);
  }
  [[unroll]] for (uint a = 0u; a < W_VALUES; ++a) {
    const uint row = w_first + a * W_THREADS;
    const uvec4 w_low = w_tile[2u * stage * TILE_W + row], w_high = w_tile[(2u * stage + 1u) * TILE_W + row];
    const vec2 head = w_heads[stage * TILE_W + row];
    [[unroll]] for (uint b = 0u; b < X_VALUES; ++b) {
      const uint i = a * X_VALUES + b;
      partials[i] = add_chunk(partials[i], FORMAT_0, head, scales_of[b], vec2(dot_16(w_low, low[b]), dot_16(w_high, high[b])));
    }
  }
}

#include "tile_walk.glsl"

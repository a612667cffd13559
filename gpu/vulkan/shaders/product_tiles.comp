#version 450
// Backend::linear for many rows of x, and linear_experts (product_tiles.glsl): values of weights and of x.
// variant product_tiles: -DEXPERTS=0
// variant product_tiles_experts: -DEXPERTS=1
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "products.glsl"
#include "product_tiles.glsl"

const uint STEPS = 4;  // of 8 columns

shared vec4 w_tile[2u * 2u * TILE_W];  // [stage][four columns][row]
shared vec4 x_tile[2u * 2u * TILE_X];
// What an invocation brings: four columns of a few rows of weights and of x.
const uint W_TURNS = (2 * TILE_W + THREADS - 1) / THREADS, X_TURNS = (2 * TILE_X + THREADS - 1) / THREADS;
uint w_at[W_TURNS], x_row[X_TURNS];
Chunk opened[W_TURNS];
vec4 w_next[W_TURNS], x_next[X_TURNS];

uint row_of_turn(uint turn) { return (gl_LocalInvocationIndex + turn * THREADS) / 2u; }

void start() {
  [[unroll]] for (uint i = 0u; i < W_TURNS; ++i) w_at[i] = weight_row(min(row_of_turn(i), TILE_W - 1u));
  [[unroll]] for (uint i = 0u; i < X_TURNS; ++i) x_row[i] = x_at + input_row(min(row_of_turn(i), TILE_X - 1u)) * x_stride;
}

void load(uint chunk, uint step) {
  const uint four = 2u * step + gl_LocalInvocationIndex % 2u;
  [[unroll]] for (uint i = 0u; i < W_TURNS; ++i) {
    if (step == 0u) opened[i] = open_chunk(FORMAT_0, 0u, w_at[i], chunk, cols);
    w_next[i] = chunk_values(FORMAT_0, opened[i], four);
  }
  [[unroll]] for (uint i = 0u; i < X_TURNS; ++i) x_next[i] = input_values(x_row[i], 32u * chunk + 4u * four, cols);
}

void keep(uint stage) {
  const uint fours = 2u * stage + gl_LocalInvocationIndex % 2u;
  [[unroll]] for (uint i = 0u; i < W_TURNS; ++i) {
    if (row_of_turn(i) < TILE_W) w_tile[fours * TILE_W + row_of_turn(i)] = w_next[i];
  }
  [[unroll]] for (uint i = 0u; i < X_TURNS; ++i) {
    if (row_of_turn(i) < TILE_X) x_tile[fours * TILE_X + row_of_turn(i)] = x_next[i];
  }
}

void multiply(uint stage) {
  [[unroll]] for (uint i = 0u; i < 2u; ++i) {
    const uint w_first = (2u * stage + i) * TILE_W + first_w_value(), x_first = (2u * stage + i) * TILE_X + first_x_value();
    vec4 x[X_VALUES];
    [[unroll]] for (uint b = 0u; b < X_VALUES; ++b) x[b] = x_tile[x_first + b * X_THREADS];
    [[unroll]] for (uint a = 0u; a < W_VALUES; ++a) {
      const vec4 w = w_tile[w_first + a * W_THREADS];
      [[unroll]] for (uint b = 0u; b < X_VALUES; ++b) partials[a * X_VALUES + b] = add_products(partials[a * X_VALUES + b], w, x[b]);
    }
  }
}

#include "tile_walk.glsl"

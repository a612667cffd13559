// Eight lanes a row of weights, which is read once for ROWS rows of x. The including shader has the size of a workgroup, products.glsl and
// formats.glsl, ROWS, `parts` (weights_at and row_bytes of each) and x_at, x_stride, x_rows, cols.

const uint THREADS = gl_WorkGroupSize.x;
// Rows of weights for a group.
const uint GROUP_ROWS = THREADS / LANES;
float totals[2u * ROWS];  // of this invocation: partial sums of two weights

#ifndef NORMS
void prepare_input() {}
#endif
#if INTEGER
#include "rounded_input.glsl"
#include "code_products.glsl"
// Chunks of each row of x that are rounded at a time, and how many of a row of weights are asked for before one is multiplied: a group
// has too few invocations to hide how long memory takes.
const uint WINDOW = THREADS / ROWS, TURNS = WINDOW / LANES, AHEAD = TURNS < 4u ? TURNS : 4u;
shared uvec4 held[3u * THREADS];  // [row][chunk]: codes of both halves; steps and sums of the halves. Behind the products partial sums
void hold(uint at, float sum) { held[at / 4u][at % 4u] = floatBitsToUint(sum); }
float held_sum(uint at) { return uintBitsToFloat(held[at / 4u][at % 4u]); }

void round_window(uint base, uint n_chunks, uint first_x) {
  for (uint at = gl_LocalInvocationIndex; at < 2u * ROWS * WINDOW; at += THREADS) {
    const uint chunk = base + at / 2u % WINDOW, part = at % 2u;
    if (chunk >= n_chunks) continue;
    const RoundedHalf rounded = round_half(x_at + min(first_x + at / 2u / WINDOW, x_rows - 1u) * x_stride, 2u * chunk + part, cols);
    const uint to = 3u * (at / 2u);
    held[to + part] = rounded.codes;
    held[to + 2u][part] = floatBitsToUint(rounded.scale);
    held[to + 2u][2u + part] = floatBitsToUint(rounded.sum);
  }
}

// Of two weights the chunks first, first + LANES, .. of a row.
vec2 heads[2u * AHEAD];
uint codes[16u * AHEAD];
void bring(const uint slot, const uint part, const uint format, uint at, uint first, uint n_chunks) {
  if (!has_codes(format)) return;
  [[unroll]] for (uint u = 0u; u < AHEAD; ++u) {
    const Chunk c = open_chunk(format, part, at, min(first + u * LANES, n_chunks - 1u), cols);
    heads[slot * AHEAD + u] = head_of(format, c);
    [[unroll]] for (uint i = 0u; i < 8u; ++i) codes[8u * (slot * AHEAD + u) + i] = raw_codes(format, c, i);
  }
}
void multiply_brought(const uint slot, const uint format, uint first, uint base, uint end) {
  if (!has_codes(format)) return;
  [[unroll]] for (uint u = 0u; u < AHEAD; ++u) {
    const uint chunk = first + u * LANES, mine = slot * AHEAD + u;
    if (chunk >= end) continue;
    [[unroll]] for (uint n = 0u; n < ROWS; ++n) {
      const uint at = 3u * (n * WINDOW + chunk - base);
      const uvec4 low = held[at], high = held[at + 1u];
      const vec4 scales = uintBitsToFloat(held[at + 2u]);
      ivec2 dots = ivec2(NO_PRODUCTS);
      [[unroll]] for (uint i = 0u; i < 4u; ++i) {
        dots.x += signed_dot(codes[8u * mine + i], low[i], 0);
        dots.y += signed_dot(codes[8u * mine + 4u + i], high[i], 0);
      }
      const vec2 products = vec2(fma(-code_bias(format), scales.z, value_of(dots.x)), fma(-code_bias(format), scales.w, value_of(dots.y)));  // exact
      totals[slot * ROWS + n] = add_chunk(totals[slot * ROWS + n], format, heads[mine], vec3(scales.xy, sum_of_codes(scales.xy, scales.zw)), products);
    }
  }
}

// Of the rows at bytes `at` of the weights those that have codes.
void add_codes(const uint n_parts, const uint part, const uint format, const uint next_format, uvec2 at, uint first_x) {
  const uint lane = gl_LocalInvocationIndex % LANES, n_chunks = (cols + 31u) / 32u;
  for (uint base = 0u; base < n_chunks; base += WINDOW) {
    const uint end = min(base + WINDOW, n_chunks);
    uint first = base + lane;
    bring(0u, part, format, at.x, first, n_chunks);
    if (n_parts > 1u) bring(1u, part + 1u, next_format, at.y, first, n_chunks);
    if (base == 0u) prepare_input();
    barrier();
    round_window(base, n_chunks, first_x);
    barrier();
    for (;;) {
      multiply_brought(0u, format, first, base, end);
      if (n_parts > 1u) multiply_brought(1u, next_format, first, base, end);
      first += LANES * AHEAD;
      if (first >= end) break;
      bring(0u, part, format, at.x, first, n_chunks);
      if (n_parts > 1u) bring(1u, part + 1u, next_format, at.y, first, n_chunks);
    }
  }
}
#else
shared float held[THREADS * ROWS];
void hold(uint at, float sum) { held[at] = sum; }
float held_sum(uint at) { return held[at]; }
#endif

void add_values(const uint slot, const uint part, const uint format, uint at, uint first_x) {
#if INTEGER
  if (has_codes(format)) return;
#endif
  uint x_row[ROWS];
  for (uint n = 0u; n < ROWS; ++n) x_row[n] = x_at + min(first_x + n, x_rows - 1u) * x_stride;
  for (uint chunk = gl_LocalInvocationIndex % LANES; 32u * chunk < cols; chunk += LANES) {
    const Chunk c = open_chunk(format, part, at, chunk, cols);
    [[unroll]] for (uint i = 0u; i < 8u; ++i) {
      const vec4 w = chunk_values(format, c, i);
      [[unroll]] for (uint n = 0u; n < ROWS; ++n) {
        totals[slot * ROWS + n] = add_products(totals[slot * ROWS + n], w, input_values(x_row[n], 32u * chunk + 4u * i, cols));
      }
    }
  }
}

// Partial sums of this invocation's row of N_PARTS weights from `part` on, into `totals`. Where x is rounded formats that have codes
// go by them, the others by values.
void multiply(const uint n_parts, const uint part, const uint format, const uint next_format, uint row, uint first_x) {
  for (uint i = 0u; i < 2u * ROWS; ++i) totals[i] = 0.0;
  uvec2 at = uvec2(parts[part].weights_at + row * parts[part].row_bytes);
  if (n_parts > 1u) at.y = parts[part + n_parts - 1u].weights_at + row * parts[part + n_parts - 1u].row_bytes;
#if INTEGER
  if (has_codes(format) || (n_parts > 1u && has_codes(next_format))) add_codes(n_parts, part, format, next_format, at, first_x);
  else prepare_input();
#else
  prepare_input();
#endif
  add_values(0u, part, format, at.x, first_x);
  if (n_parts > 1u) add_values(1u, part + 1u, next_format, at.y, first_x);
}
void multiply(const uint part, const uint format, uint row, uint first_x) { multiply(1u, part, format, format, row, first_x); }

// Of one of the weights, for all to see.
void share_totals(const uint slot) {
  barrier();
  for (uint n = 0u; n < ROWS; ++n) hold((n * GROUP_ROWS + gl_LocalInvocationIndex / LANES) * LANES + gl_LocalInvocationIndex % LANES, totals[slot * ROWS + n]);
  barrier();
}

float folded(uint of) {
  precise float sum = held_sum(of * LANES);
  for (uint j = 1u; j < LANES; ++j) sum += held_sum(of * LANES + j);
  return sum;
}

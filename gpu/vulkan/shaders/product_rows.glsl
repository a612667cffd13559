// Eight lanes a row of weights, which is read once for ROWS rows of x. The including shader has products.glsl and formats.glsl, ROWS,
// `parts` (weights_at and row_bytes of each) and x_at, x_stride, x_rows, cols.

shared float partial[256 * ROWS];
#if INTEGER
#include "rounded_input.glsl"
#include "code_products.glsl"
// Chunks of each row of x that are rounded at a time.
const uint WINDOW = ROWS <= 2u ? 64u : ROWS <= 4u ? 32u : 16u;
shared uint x_codes[ROWS * WINDOW * 8u];  // [row][chunk][8]
shared float x_scales[ROWS * WINDOW * 3u];
#endif

// Rows of weights for a group.
const uint GROUP_ROWS = 256 / LANES;

// The partial sums of the group's rows of one weight, into `partial`. With INTEGER formats that have codes go by them, the others by values.
void multiply(const uint part, const uint format, uint row, uint first_x) {
  const uint lane = gl_LocalInvocationIndex % LANES, at = parts[part].weights_at + row * parts[part].row_bytes;
  uint x_row[ROWS];
  float total[ROWS];
  for (uint n = 0u; n < ROWS; ++n) {
    x_row[n] = x_at + min(first_x + n, x_rows - 1u) * x_stride;
    total[n] = 0.0;
  }
#if INTEGER
  for (uint base = 0u; has_codes(format) && 32u * base < cols; base += WINDOW) {
    barrier();
    for (uint at = gl_LocalInvocationIndex; at < ROWS * WINDOW; at += 256u) {
      const uint chunk = base + at % WINDOW;
      if (32u * chunk >= cols) continue;
      const RoundedChunk rounded = round_chunk(x_at + min(first_x + at / WINDOW, x_rows - 1u) * x_stride, chunk, cols);
      [[unroll]] for (uint i = 0u; i < 8u; ++i) x_codes[at * 8u + i] = rounded.codes[i / 4u][i % 4u];
      [[unroll]] for (uint i = 0u; i < 3u; ++i) x_scales[at * 3u + i] = rounded.scales[i];
    }
    barrier();
    for (uint chunk = base + lane; chunk < base + WINDOW && 32u * chunk < cols; chunk += LANES) {
      const Chunk c = open_chunk(format, part, at, chunk, cols);
      const vec2 head = head_of(format, c);
      ivec2 dots[ROWS];
      for (uint n = 0u; n < ROWS; ++n) dots[n] = ivec2(NO_PRODUCTS);
      [[unroll]] for (uint i = 0u; i < 8u; ++i) {
        const uint codes = chunk_codes(format, c, i);
        [[unroll]] for (uint n = 0u; n < ROWS; ++n) dots[n][i / 4u] += signed_dot(codes, x_codes[(n * WINDOW + chunk - base) * 8u + i], 0);
      }
      [[unroll]] for (uint n = 0u; n < ROWS; ++n) {
        const uint at = (n * WINDOW + chunk - base) * 3u;
        total[n] = add_chunk(total[n], format, head, vec3(x_scales[at], x_scales[at + 1u], x_scales[at + 2u]), dots[n]);
      }
    }
  }
  const uint end = has_codes(format) ? 0u : cols;
#else
  const uint end = cols;
#endif
  for (uint chunk = lane; 32u * chunk < end; chunk += LANES) {
    const Chunk c = open_chunk(format, part, at, chunk, cols);
    [[unroll]] for (uint i = 0u; i < 8u; ++i) {
      const vec4 w = chunk_values(format, c, i);
      [[unroll]] for (uint n = 0u; n < ROWS; ++n) total[n] = add_products(total[n], w, input_values(x_row[n], 32u * chunk + 4u * i, cols));
    }
  }
  for (uint n = 0u; n < ROWS; ++n) partial[(n * GROUP_ROWS + gl_LocalInvocationIndex / LANES) * LANES + lane] = total[n];
}

float folded(uint of) {
  precise float sum = partial[of * LANES];
  for (uint j = 1u; j < LANES; ++j) sum += partial[of * LANES + j];
  return sum;
}

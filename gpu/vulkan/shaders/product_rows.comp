#version 450
// Backend::linear for few rows of x, and linear_experts: eight lanes a row of weights, which is read once for ROWS rows of x.
// PARTS weights of one x in one dispatch: gl_WorkGroupID.x runs through the rows of all. With EXPERTS each row of the result
// (gl_WorkGroupID.y) has weights of its own. AFTER_ADD and AFTER_GLU do the op that follows too (records.h: LinearRecord). With
// INTEGER x is rounded and codes are multiplied.
// variant product_rows_1: -DPARTS=1
// variant product_rows_add: -DPARTS=1 -DAFTER_ADD=1
// variant product_rows_2: -DPARTS=2
// variant product_rows_glu: -DPARTS=2 -DAFTER_GLU=1
// variant product_rows_3: -DPARTS=3
// variant product_rows_experts: -DPARTS=1 -DEXPERTS=1
// variant product_codes_1: -DPARTS=1 -DINTEGER=1
// variant product_codes_add: -DPARTS=1 -DAFTER_ADD=1 -DINTEGER=1
// variant product_codes_2: -DPARTS=2 -DINTEGER=1
// variant product_codes_glu: -DPARTS=2 -DAFTER_GLU=1 -DINTEGER=1
// variant product_codes_3: -DPARTS=3 -DINTEGER=1
// variant product_codes_experts: -DPARTS=1 -DEXPERTS=1 -DINTEGER=1
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
#include "products.glsl"

layout(constant_id = 2) const uint ROWS = 1;  // of x for a group: 1 to 8
layout(binding = 3) restrict readonly buffer Bias0 { float bias_0[]; };
layout(binding = 4) restrict writeonly buffer Out0 { float out_0[]; };
#if PARTS == 1
layout(binding = 5) restrict readonly buffer Scale { float scales[]; };
#if EXPERTS
layout(binding = 6) restrict readonly buffer Ids { int ids[]; };
#endif
#if AFTER_ADD
layout(binding = 6) readonly buffer Residual { float residual[]; };  // may be the sums' memory
layout(binding = 7) writeonly buffer Sums { float sums[]; };
#endif
uint weight_word(uint part, uint index) { return weights_0[index]; }
#else
layout(constant_id = 3) const uint FORMAT_1 = 2;
layout(binding = 5) restrict readonly buffer Weights1 { uint weights_1[]; };
layout(binding = 6) restrict readonly buffer Bias1 { float bias_1[]; };
layout(binding = 7) restrict writeonly buffer Out1 { float out_1[]; };
#if PARTS == 2
#if AFTER_GLU
layout(binding = 8) restrict writeonly buffer Gated { float gated[]; };
#include "activations.glsl"
#endif
uint weight_word(uint part, uint index) { return part == 0u ? weights_0[index] : weights_1[index]; }
#else
layout(constant_id = 4) const uint FORMAT_2 = 2;
layout(binding = 8) restrict readonly buffer Weights2 { uint weights_2[]; };
layout(binding = 9) restrict readonly buffer Bias2 { float bias_2[]; };
layout(binding = 10) restrict writeonly buffer Out2 { float out_2[]; };
uint weight_word(uint part, uint index) { return part == 0u ? weights_0[index] : part == 1u ? weights_1[index] : weights_2[index]; }
#endif
#endif
#include "formats.glsl"
#if INTEGER
const uint INPUT_ROWS = ROWS, WINDOW = ROWS <= 2u ? 64u : ROWS <= 4u ? 32u : 16u;
#include "rounded_input.glsl"
#endif

struct Part {
  uint weights_at, row_bytes;      // bytes
  uint first_row, n_rows;          // that are bound, counted through all experts; without experts those that this dispatch makes
  uint bias_at, out_at, out_stride;  // elements; a result that is ABSENT is not stored
};
layout(push_constant) uniform Push {
  Part parts[PARTS];
  uint cols, x_at, x_stride, x_rows;
#if AFTER_GLU
  uint gated_at, gated_stride, activation;
#endif
#if PARTS == 1
  uint scale_at;
#if AFTER_ADD
  uint residual_at, residual_stride, sums_at, sums_stride;
  float residual_scale;
#endif
#if EXPERTS
  uint ids_at, ids_stride;
  uint chosen;  // experts a row of ids
  uint expert_rows, bias_stride, scale_stride, rows_per_id;  // of x: 1 where each chosen expert has its own, else `chosen`
#endif
#endif
};

shared float partial[256 * ROWS];

// Rows of weights for a group.
const uint GROUP_ROWS = 256 / LANES;

// The partial sums of the group's rows of one weight, into `partial`.
void multiply(const uint part, const uint format, uint row, uint first_x) {
  const uint lane = gl_LocalInvocationIndex % LANES, at = parts[part].weights_at + row * parts[part].row_bytes;
  uint x_row[ROWS];
  float total[ROWS];
  for (uint n = 0u; n < ROWS; ++n) {
    x_row[n] = x_at + min(first_x + n, x_rows - 1u) * x_stride;
    total[n] = 0.0;
  }
#if INTEGER
  for (uint base = 0u; 32u * base < cols; base += WINDOW) {
    barrier();
    for (uint at = gl_LocalInvocationIndex; at < ROWS * WINDOW; at += 256u) {
      const uint chunk = base + at % WINDOW;
      if (32u * chunk < cols) round_chunk(x_at + min(first_x + at / WINDOW, x_rows - 1u) * x_stride, chunk, at, cols);
    }
    barrier();
    for (uint chunk = base + lane; chunk < base + WINDOW && 32u * chunk < cols; chunk += LANES) {
      const Chunk c = open_chunk(format, part, at, chunk, cols);
      [[unroll]] for (uint h = 0u; h < 2u; ++h) {
        int dots[ROWS];
        for (uint n = 0u; n < ROWS; ++n) dots[n] = 0;
        [[unroll]] for (uint i = 4u * h; i < 4u * h + 4u; ++i) {
          const uint codes = chunk_codes(format, c, i);
          [[unroll]] for (uint n = 0u; n < ROWS; ++n) dots[n] += signed_dot(codes, x_codes[(n * WINDOW + chunk - base) * 8u + i], 0);
        }
        [[unroll]] for (uint n = 0u; n < ROWS; ++n) total[n] = add_half(total[n], format, n * WINDOW + chunk - base, h, c.scale, c.shift, dots[n]);
      }
    }
  }
#else
  for (uint chunk = lane; 32u * chunk < cols; chunk += LANES) {
    const Chunk c = open_chunk(format, part, at, chunk, cols);
    [[unroll]] for (uint i = 0u; i < 8u; ++i) {
      const vec4 w = chunk_values(format, c, i);
      [[unroll]] for (uint n = 0u; n < ROWS; ++n) total[n] = add_products(total[n], w, input_values(x_row[n], 32u * chunk + 4u * i, cols));
    }
  }
#endif
  for (uint n = 0u; n < ROWS; ++n) partial[(n * GROUP_ROWS + gl_LocalInvocationIndex / LANES) * LANES + lane] = total[n];
}

float folded(uint of) {
  precise float sum = partial[of * LANES];
  for (uint j = 1u; j < LANES; ++j) sum += partial[of * LANES + j];
  return sum;
}

#if EXPERTS
void main() {
  const uint result = gl_WorkGroupID.y;
  const uint expert = uint(ids[ids_at + result / chosen * ids_stride + result % chosen]);
  const uint row = gl_WorkGroupID.x * GROUP_ROWS + gl_LocalInvocationIndex / LANES;  // of the expert
  const uint first = expert * expert_rows + gl_WorkGroupID.x * GROUP_ROWS;
  if (first >= parts[0].first_row + parts[0].n_rows || first + GROUP_ROWS <= parts[0].first_row) return;
  const uint lowest = parts[0].first_row, highest = parts[0].first_row + parts[0].n_rows - 1u;
  multiply(0u, FORMAT_0, clamp(expert * expert_rows + min(row, expert_rows - 1u), lowest, highest) - lowest, result / rows_per_id);
  barrier();
  const uint mine = gl_WorkGroupID.x * GROUP_ROWS + gl_LocalInvocationIndex;
  const uint global_row = expert * expert_rows + mine;
  if (gl_LocalInvocationIndex >= GROUP_ROWS || mine >= expert_rows || global_row < lowest || global_row > highest) return;
  precise float value = folded(gl_LocalInvocationIndex);
  if (scale_at != ABSENT) value = scales[scale_at + expert * scale_stride] * value;
  if (parts[0].bias_at != ABSENT) value = value + bias_0[parts[0].bias_at + expert * bias_stride + mine];
  out_0[parts[0].out_at + result * parts[0].out_stride + mine] = value;
}
#else
// What an invocation finishes: one value of the group's results.
struct Place {
  bool inside;
  uint x_row, col;
};

Place place_in(const uint part, uint first) {
  const uint row = first + gl_LocalInvocationIndex % GROUP_ROWS, x_row = gl_WorkGroupID.y * ROWS + gl_LocalInvocationIndex / GROUP_ROWS;
  return Place(gl_LocalInvocationIndex < GROUP_ROWS * ROWS && row < parts[part].n_rows && x_row < x_rows, x_row, parts[part].first_row + row);
}

// The result at a place, of what multiply() has just left, stored.
float finish(const uint part, Place place) {
  precise float value = folded(gl_LocalInvocationIndex);
#if PARTS == 1
  if (scale_at != ABSENT) value = scales[scale_at] * value;
#endif
  const uint bias = parts[part].bias_at + place.col, at = parts[part].out_at + place.x_row * parts[part].out_stride + place.col;
  const bool biased = parts[part].bias_at != ABSENT, stored = parts[part].out_at != ABSENT;
  if (part == 0u) {
    if (biased) value = value + bias_0[bias];
    if (stored) out_0[at] = value;
  }
#if PARTS > 1
  if (part == 1u) {
    if (biased) value = value + bias_1[bias];
    if (stored) out_1[at] = value;
  }
#endif
#if PARTS > 2
  if (part == 2u) {
    if (biased) value = value + bias_2[bias];
    if (stored) out_2[at] = value;
  }
#endif
  return value;
}

float product(const uint part, const uint format, uint first, Place place) {
  multiply(part, format, min(first + gl_LocalInvocationIndex / LANES, parts[part].n_rows - 1u), gl_WorkGroupID.y * ROWS);
  barrier();
  return place.inside ? finish(part, place) : 0.0;
}

#if AFTER_GLU
void main() {
  const uint first = gl_WorkGroupID.x * GROUP_ROWS;
  const Place place = place_in(0u, first);
  const float gate = product(0u, FORMAT_0, first, place);
  barrier();
  const float up = product(1u, FORMAT_1, first, place);
  if (place.inside) gated[gated_at + place.x_row * gated_stride + place.col] = glu(activation, gate, up);
}
#else
void product_of_part(const uint part, const uint format, uint group) {
  const uint first = group * GROUP_ROWS;
  const Place place = place_in(part, first);
  const float value = product(part, format, first, place);
#if AFTER_ADD
  if (place.inside) {
    precise float scaled = residual_scale * value;
    precise float sum = residual[residual_at + place.x_row * residual_stride + place.col] + scaled;
    sums[sums_at + place.x_row * sums_stride + place.col] = sum;
  }
#endif
}

void main() {
  uint group = gl_WorkGroupID.x;
#if PARTS > 1
  const uint groups_0 = (parts[0].n_rows + GROUP_ROWS - 1u) / GROUP_ROWS;
  if (group >= groups_0) {
    group -= groups_0;
#if PARTS > 2
    const uint groups_1 = (parts[1].n_rows + GROUP_ROWS - 1u) / GROUP_ROWS;
    if (group >= groups_1) {
      product_of_part(2u, FORMAT_2, group - groups_1);
      return;
    }
#endif
    product_of_part(1u, FORMAT_1, group);
    return;
  }
#endif
  product_of_part(0u, FORMAT_0, group);
}
#endif
#endif

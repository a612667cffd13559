#version 450
// Backend::linear for few rows of x, and linear_experts: eight lanes a row of weights, which is read once for ROWS rows of x.
// PARTS weights of one x in one dispatch: gl_WorkGroupID.x runs through the rows of all. With EXPERTS each row of the result
// (gl_WorkGroupID.y) has weights of its own, or, AFTER_COMBINE, each group has all experts of its row, AT_ONCE at a time. AFTER_ADD,
// AFTER_GLU, AFTER_ACTIVATE and AFTER_COMBINE do the ops that follow too, NORMS the norm in front (records.h: LinearRecord, LinearExpertsRecord). With INTEGER x is
// rounded and codes are multiplied where the format of a part has them.
// variant product_rows_1: -DPARTS=1
// variant product_rows_add: -DPARTS=1 -DAFTER_ADD=1
// variant product_rows_add_2: -DPARTS=1 -DAFTER_ADD=2
// variant product_rows_activate: -DPARTS=1 -DAFTER_ACTIVATE=1
// variant product_rows_2: -DPARTS=2
// variant product_rows_glu: -DPARTS=2 -DAFTER_GLU=1
// variant product_rows_glu_3: -DPARTS=3 -DAFTER_GLU=1
// variant product_rows_3: -DPARTS=3
// variant product_rows_experts: -DPARTS=1 -DEXPERTS=1
// variant product_rows_experts_glu: -DPARTS=2 -DEXPERTS=1 -DAFTER_GLU=1
// variant product_rows_experts_combine: -DPARTS=1 -DEXPERTS=1 -DAFTER_COMBINE=1
// variant product_codes_1: -DPARTS=1 -DINTEGER=1
// variant product_codes_add: -DPARTS=1 -DAFTER_ADD=1 -DINTEGER=1
// variant product_codes_add_2: -DPARTS=1 -DAFTER_ADD=2 -DINTEGER=1
// variant product_codes_activate: -DPARTS=1 -DAFTER_ACTIVATE=1 -DINTEGER=1
// variant product_codes_2: -DPARTS=2 -DINTEGER=1
// variant product_codes_glu: -DPARTS=2 -DAFTER_GLU=1 -DINTEGER=1
// variant product_codes_glu_3: -DPARTS=3 -DAFTER_GLU=1 -DINTEGER=1
// variant product_codes_3: -DPARTS=3 -DINTEGER=1
// variant product_codes_experts: -DPARTS=1 -DEXPERTS=1 -DINTEGER=1
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
#if AFTER_ADD || EXPERTS || (AFTER_GLU && PARTS > 2)
#include "products.glsl"
#else
#define NORMS 1  // a norm of x can be had along with its products
#define OWN_INPUT
#include "products.glsl"
#endif

layout(constant_id = 2) const uint ROWS = 1;  // of x for a group: 1 to 8
layout(constant_id = 3) const uint WEIGHTS_IN_FOURS = 1;
layout(binding = 3) restrict readonly buffer Bias0 { float bias_0[]; };
layout(binding = 4) restrict writeonly buffer Out0 { float out_0[]; };
layout(binding = 5) restrict readonly buffer Scale0 { float scale_0[]; };
#if PARTS > 1
layout(constant_id = 5) const uint FORMAT_1 = 2;
layout(binding = 6) restrict readonly buffer Weights1 { uint weights_1[]; };
layout(binding = 7) restrict readonly buffer Bias1 { float bias_1[]; };
layout(binding = 8) restrict writeonly buffer Out1 { float out_1[]; };
layout(binding = 9) restrict readonly buffer Scale1 { float scale_1[]; };
#endif
#if PARTS > 2
layout(constant_id = 6) const uint FORMAT_2 = 2;
layout(binding = 10) restrict readonly buffer Weights2 { uint weights_2[]; };
layout(binding = 11) restrict readonly buffer Bias2 { float bias_2[]; };
layout(binding = 12) restrict writeonly buffer Out2 { float out_2[]; };
layout(binding = 13) restrict readonly buffer Scale2 { float scale_2[]; };
#endif
const uint EXTRA = 2 + 4 * PARTS;  // bindings of what follows
#if AFTER_GLU || AFTER_ACTIVATE
layout(constant_id = 7) const uint ACTIVATION = 0;  // gpu::Activation
layout(binding = EXTRA) restrict writeonly buffer Activated { float activated[]; };
#include "activations.glsl"
#endif
#if EXPERTS && (AFTER_GLU || AFTER_COMBINE)
layout(binding = EXTRA + 1) restrict readonly buffer Ids { int ids[]; };
#elif EXPERTS
layout(binding = EXTRA) restrict readonly buffer Ids { int ids[]; };
#endif
#if AFTER_COMBINE
layout(constant_id = 8) const uint AT_ONCE = 1;  // 1, 2, 4 or 8 experts
layout(binding = EXTRA) restrict readonly buffer ExpertWeights { float expert_weights[]; };
layout(binding = EXTRA + 2) restrict writeonly buffer Combined { float combined[]; };
layout(binding = EXTRA + 3) readonly buffer Residual { float residual[]; };  // may be the sums' memory
layout(binding = EXTRA + 4) writeonly buffer Sums { float sums[]; };
#elif AFTER_ADD
layout(binding = EXTRA) readonly buffer Residual { float residual[]; };
layout(binding = EXTRA + 1) writeonly buffer Sums { float sums[]; };
#if AFTER_ADD == 2
layout(binding = EXTRA + 2) restrict readonly buffer Gate { float gates[]; };
layout(binding = EXTRA + 3) readonly buffer Outer { float outer[]; };
layout(binding = EXTRA + 4) writeonly buffer OuterSums { float outer_sums[]; };
#include "activations.glsl"
#endif
#endif
layout(binding = 2) restrict readonly buffer Weights0InFours { uvec4 fours_0[]; };
#if PARTS == 1
uint weight_word(uint part, uint index) { return weights_0[index]; }
uvec4 weight_four(uint part, uint index) { return fours_0[index]; }
#elif PARTS == 2
layout(binding = 6) restrict readonly buffer Weights1InFours { uvec4 fours_1[]; };
uint weight_word(uint part, uint index) { return part == 0u ? weights_0[index] : weights_1[index]; }
uvec4 weight_four(uint part, uint index) { return part == 0u ? fours_0[index] : fours_1[index]; }
#else
layout(binding = 6) restrict readonly buffer Weights1InFours { uvec4 fours_1[]; };
layout(binding = 10) restrict readonly buffer Weights2InFours { uvec4 fours_2[]; };
uint weight_word(uint part, uint index) { return part == 0u ? weights_0[index] : part == 1u ? weights_1[index] : weights_2[index]; }
uvec4 weight_four(uint part, uint index) { return part == 0u ? fours_0[index] : part == 1u ? fours_1[index] : fours_2[index]; }
#endif
#define WEIGHT_FOUR(part, index) weight_four(part, index)
#define CODES_IN_FOURS
#include "formats.glsl"

struct Part {
  uint weights_at, row_bytes;      // bytes
  uint first_row, n_rows;          // that are bound, counted through all experts; without experts those that this dispatch makes
  uint bias_at, out_at, out_stride;  // elements; a result that is ABSENT is not stored
  uint scale_at;
};
layout(push_constant) uniform Push {
  Part parts[PARTS];
  uint cols, x_at, x_stride, x_rows;
#if AFTER_GLU || AFTER_ACTIVATE
  uint activated_at, activated_stride;
#endif
#if AFTER_ADD
  uint residual_at, residual_stride, sums_at, sums_stride;
  float residual_scale;
#if AFTER_ADD == 2
  uint gate_at, gate_stride, outer_at, outer_stride, outer_sums_at, outer_sums_stride;  // gate, outer_sums ABSENT: not wanted
  float outer_scale;
#endif
#endif
#if EXPERTS
  uint ids_at, ids_stride;
  uint chosen;        // experts a row of ids
  uint expert_rows;   // of the result
  uint expert_height;  // weight rows of an expert, which may have others too
  uint bias_strides[PARTS], scale_strides[PARTS];
  uint rows_per_id;   // of x: 1 where each chosen expert has its own, else `chosen`
#endif
#if NORMS
  uint norm_weight_at, norm_out_at;
  float norm_eps;
#endif
#if AFTER_COMBINE
  uint expert_weights_at, expert_weights_stride, combined_at, combined_stride;
  uint residual_at, residual_stride, sums_at, sums_stride;  // sums ABSENT: not wanted
  float residual_scale;
#endif
};

#if NORMS
#if AFTER_GLU || AFTER_ACTIVATE
const uint NORM_BINDING = EXTRA + 1;
#else
const uint NORM_BINDING = EXTRA;
#endif
#include "normed_input.glsl"
#endif
#include "product_rows.glsl"

// The value of what share_totals() has just left for this invocation, stored. Places of elements; those of what is ABSENT do not matter.
float finish_at(const uint part, uint scale, uint bias, uint at) {
  precise float value = folded(gl_LocalInvocationIndex);
  const bool scaled = parts[part].scale_at != ABSENT, biased = parts[part].bias_at != ABSENT, stored = parts[part].out_at != ABSENT;
  if (part == 0u) {
    if (scaled) value = scale_0[scale] * value;
    if (biased) value = value + bias_0[bias];
    if (stored) out_0[at] = value;
  }
#if PARTS > 1
  if (part == 1u) {
    if (scaled) value = scale_1[scale] * value;
    if (biased) value = value + bias_1[bias];
    if (stored) out_1[at] = value;
  }
#endif
#if PARTS > 2
  if (part == 2u) {
    if (scaled) value = scale_2[scale] * value;
    if (biased) value = value + bias_2[bias];
    if (stored) out_2[at] = value;
  }
#endif
  return value;
}

#if EXPERTS
uint expert_of(uint result) { return uint(ids[ids_at + result / chosen * ids_stride + result % chosen]); }

float finish_expert(const uint part, uint expert, uint result, uint col) {
  return finish_at(part, parts[part].scale_at + expert * scale_strides[part], parts[part].bias_at + expert * bias_strides[part] + col,
                   parts[part].out_at + result * parts[part].out_stride + col);
}

#if AFTER_COMBINE
const uint COLS = GROUP_ROWS / AT_ONCE;  // of the result, for a group
shared float values[GROUP_ROWS];

void main() {
  const uint thread = gl_LocalInvocationIndex, row = gl_WorkGroupID.y, first = gl_WorkGroupID.x * COLS;
  const bool sums_here = thread < COLS && first + thread < expert_rows;
  precise float sum = 0.0;
  for (uint base = 0u; base < chosen; base += AT_ONCE) {
    const uint slot = thread / LANES, mine = row * chosen + min(base + slot / COLS, chosen - 1u);
    multiply(0u, FORMAT_0, expert_of(mine) * expert_height + min(first + slot % COLS, expert_rows - 1u), mine / rows_per_id);
    share_totals(0u);
    const uint j = base + thread / COLS, col = first + thread % COLS;
    if (thread < GROUP_ROWS && j < chosen && col < expert_rows) values[thread] = finish_expert(0u, expert_of(row * chosen + j), row * chosen + j, col);
    barrier();
    for (uint i = 0u; sums_here && i < AT_ONCE && base + i < chosen; ++i) {
      const float weight = expert_weights[expert_weights_at + row * expert_weights_stride + base + i], value = values[i * COLS + thread];
      if (base + i == 0u) sum = weight * value;
      else sum = sum + weight * value;
    }
  }
  if (!sums_here) return;
  combined[combined_at + row * combined_stride + first + thread] = sum;
  if (sums_at == ABSENT) return;
  precise float scaled = residual_scale * sum;
  precise float added = residual[residual_at + row * residual_stride + first + thread] + scaled;
  sums[sums_at + row * sums_stride + first + thread] = added;
}
#elif AFTER_GLU
void main() {
  const uint thread = gl_LocalInvocationIndex, result = gl_WorkGroupID.y, first = gl_WorkGroupID.x * GROUP_ROWS, expert = expert_of(result);
  const uint row = expert * expert_height + min(first + thread / LANES, expert_rows - 1u), col = first + thread;
  const bool inside = thread < GROUP_ROWS && col < expert_rows;
  float gate = 0.0, up = 0.0;
  multiply(2u, 0u, FORMAT_0, FORMAT_1, row, result / rows_per_id);
  share_totals(0u);
  if (inside) gate = finish_expert(0u, expert, result, col);
  share_totals(1u);
  if (inside) up = finish_expert(1u, expert, result, col);
  if (inside) activated[activated_at + result * activated_stride + col] = glu(ACTIVATION, gate, up);
}
#else
// Of the expert's rows those that the window has.
void main() {
  const uint thread = gl_LocalInvocationIndex, result = gl_WorkGroupID.y, first = gl_WorkGroupID.x * GROUP_ROWS, expert = expert_of(result);
  const uint base = expert * expert_height, lowest = parts[0].first_row, highest = lowest + parts[0].n_rows - 1u;
  if (base + first > highest || base + first + GROUP_ROWS <= lowest) return;
  multiply(0u, FORMAT_0, clamp(base + min(first + thread / LANES, expert_rows - 1u), lowest, highest) - lowest, result / rows_per_id);
  share_totals(0u);
  const uint col = first + thread, row = base + col;
  if (thread < GROUP_ROWS && col < expert_rows && row >= lowest && row <= highest) finish_expert(0u, expert, result, col);
}
#endif
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

float finish(const uint part, Place place) {
  return finish_at(part, parts[part].scale_at, parts[part].bias_at + place.col, parts[part].out_at + place.x_row * parts[part].out_stride + place.col);
}

float shared_product(const uint slot, const uint part, Place place) {
  share_totals(slot);
  return place.inside ? finish(part, place) : 0.0;
}
uint weight_row(const uint part, uint first) { return min(first + gl_LocalInvocationIndex / LANES, parts[part].n_rows - 1u); }

void product_of_part(const uint part, const uint format, uint group) {
  const uint first = group * GROUP_ROWS;
  const Place place = place_in(part, first);
  multiply(part, format, weight_row(part, first), gl_WorkGroupID.y * ROWS);
  const float value = shared_product(0u, part, place);
#if AFTER_ACTIVATE
  if (place.inside) activated[activated_at + place.x_row * activated_stride + place.col] = ACTIVATION == 0u ? silu(value) : gelu(value);
#endif
#if AFTER_ADD
  if (place.inside) {
    float last = value;
#if AFTER_ADD == 2
    if (gate_at != ABSENT) {
      last = last * sigmoid(gates[gate_at + place.x_row * gate_stride]);
      out_0[parts[0].out_at + place.x_row * parts[0].out_stride + place.col] = last;
    }
#endif
    precise float scaled = residual_scale * last;
    precise float sum = residual[residual_at + place.x_row * residual_stride + place.col] + scaled;
    sums[sums_at + place.x_row * sums_stride + place.col] = sum;
#if AFTER_ADD == 2
    if (outer_sums_at != ABSENT) {
      precise float outer_scaled = outer_scale * sum;
      precise float outer_sum = outer[outer_at + place.x_row * outer_stride + place.col] + outer_scaled;
      outer_sums[outer_sums_at + place.x_row * outer_sums_stride + place.col] = outer_sum;
    }
#endif
  }
#endif
}

#if AFTER_GLU
void main() {
  const uint groups = (parts[0].n_rows + GROUP_ROWS - 1u) / GROUP_ROWS, first = gl_WorkGroupID.x * GROUP_ROWS;
#if PARTS > 2
  if (gl_WorkGroupID.x >= groups) {
    product_of_part(2u, FORMAT_2, gl_WorkGroupID.x - groups);
    return;
  }
#endif
  const Place place = place_in(0u, first);
  multiply(2u, 0u, FORMAT_0, FORMAT_1, weight_row(0u, first), gl_WorkGroupID.y * ROWS);
  const float gate = shared_product(0u, 0u, place), up = shared_product(1u, 1u, place);
  if (place.inside) activated[activated_at + place.x_row * activated_stride + place.col] = glu(ACTIVATION, gate, up);
}
#else
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

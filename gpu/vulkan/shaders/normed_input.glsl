// x as product_rows.comp multiplies it: as it lies there or, where NORMED is not 0, its norm (LinearRecord::norm), which is one row then.
// Every group norms it for itself, with the sums of norm.glsl, and the first one stores it.
//
// The including shader has products.glsl, NORM_BINDING, and x_at, cols, norm_weight_at, norm_out_at, norm_eps.

layout(constant_id = 4) const uint NORMED = 0;  // 1: rms_norm, 2: layer_norm
layout(binding = NORM_BINDING) restrict readonly buffer NormWeight { float norm_weight_1[]; };
layout(binding = NORM_BINDING) restrict readonly buffer NormWeight4 { vec4 norm_weight_4[]; };
layout(binding = NORM_BINDING + 1) restrict writeonly buffer NormOut { float norm_out[]; };

#define NORM_LANES (cols <= 64u ? 32u : 256u)
#define NORM_AT_ONCE 16u
#define NORM_CENTRE (NORMED == 2u ? 1u : 0u)
float norm_input(uint c) { return x_1[x_at + c]; }
#include "norm.glsl"
Moments moments = Moments(0.0, 1.0);

void prepare_input() {
  if (NORMED == 0u) return;
  moments = norm_moments(cols, norm_eps);
  for (uint c = gl_LocalInvocationIndex; gl_WorkGroupID.x == 0u && c < cols; c += gl_WorkGroupSize.x) {
    norm_out[norm_out_at + c] = normed(norm_input(c), moments, norm_weight_1[norm_weight_at + c], false, 0.0);
  }
}

// Columns col .. col + 3 of the row of x that starts at element `row`; 0 behind its end.
vec4 input_values(uint row, uint col, uint n_cols) {
  vec4 values = vec4(0), weights = vec4(0);
  if (IN_FOURS != 0u && col < n_cols) {
    values = x_4[(row + col) / 4u];
    if (NORMED != 0u) weights = norm_weight_4[(norm_weight_at + col) / 4u];
  }
  for (uint j = 0u; IN_FOURS == 0u && j < 4u && col + j < n_cols; ++j) {
    values[j] = x_1[row + col + j];
    if (NORMED != 0u) weights[j] = norm_weight_1[norm_weight_at + col + j];
  }
  if (NORMED == 0u) return values;
  return vec4(normed(values.x, moments, weights.x, false, 0.0), normed(values.y, moments, weights.y, false, 0.0),
              normed(values.z, moments, weights.z, false, 0.0), normed(values.w, moments, weights.w, false, 0.0));
}

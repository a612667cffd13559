// rms_norm and layer_norm of a group of columns, by all invocations of a workgroup. The order of the sums depends on NORM_LANES alone,
// which goes by the size of the group (lowering.h: norm_lanes), not on the size of the workgroup: lane l adds every NORM_LANES-th column from l on,
// then the lanes are added in a tree.
//
// The including shader defines NORM_LANES (at most 256), NORM_AT_ONCE (columns that an invocation reads before it does anything with the
// first), NORM_CENTRE and norm_input(column).

shared float norm_partial[256];

// What each lane has left in norm_partial.
float norm_total() {
  for (uint step = NORM_LANES / 2u; step > 0u; step /= 2u) {
    barrier();
    for (uint lane = gl_LocalInvocationIndex; lane < step; lane += gl_WorkGroupSize.x) {
      precise float sum = norm_partial[lane] + norm_partial[lane + step];
      norm_partial[lane] = sum;
    }
  }
  barrier();
  const float total = norm_partial[0];
  barrier();
  return total;
}

struct Moments {
  float mean, factor;
};

// The sum of a lane's columns, or of the squares of their distances from `mean`.
float lane_sum(uint lane, uint group, const bool squares, float mean) {
  precise float sum = 0.0;
  for (uint first = lane; first < group; first += NORM_AT_ONCE * NORM_LANES) {
    float values[NORM_AT_ONCE];
    [[unroll]] for (uint i = 0u; i < NORM_AT_ONCE; ++i) values[i] = norm_input(min(first + i * NORM_LANES, group - 1u));
    [[unroll]] for (uint i = 0u; i < NORM_AT_ONCE; ++i) {
      if (first + i * NORM_LANES >= group) continue;
      precise float d = values[i] - mean, square = d * d;
      sum += squares ? square : values[i];
    }
  }
  return sum;
}

Moments norm_moments(uint group, float eps) {
  float mean = 0.0;
  if (NORM_CENTRE == 1u) {
    for (uint lane = gl_LocalInvocationIndex; lane < NORM_LANES; lane += gl_WorkGroupSize.x) norm_partial[lane] = lane_sum(lane, group, false, 0.0);
    mean = norm_total() / float(group);
  }
  for (uint lane = gl_LocalInvocationIndex; lane < NORM_LANES; lane += gl_WorkGroupSize.x) norm_partial[lane] = lane_sum(lane, group, true, mean);
  precise float square_mean = norm_total() / float(group);
  precise float shifted = square_mean + eps;  // fused here and not there it would be another number
  precise float factor = 1.0 / sqrt(shifted);
  return Moments(mean, factor);
}

float normed(float value, Moments m, float weight, bool has_bias, float bias) {
  precise float scaled = (value - m.mean) * m.factor * weight;
  if (has_bias) scaled += bias;
  return scaled;
}

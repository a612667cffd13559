#version 450
// The second half of Backend::attention: the sums of all segments of a row, one after the other.
#extension GL_GOOGLE_include_directive : require

#include "attention.glsl"

layout(binding = 0) restrict readonly buffer Partial { float partials[]; };  // as attention_split leaves them
layout(binding = 1) restrict writeonly buffer Out { float result[]; };
layout(binding = 2) restrict readonly buffer Sinks { float sinks[]; };
layout(binding = 3) restrict readonly buffer Watch { int watch[]; };
layout(binding = 4) restrict readonly buffer PageWeights { vec2 page_weights[]; };
layout(binding = 5) restrict buffer Shares { uint shares[]; };
layout(binding = 6) restrict readonly buffer Prefix { int prefix_slots[]; };
layout(binding = 7) restrict readonly buffer ExtraBegin { int extra_begin[]; };
layout(binding = 8) restrict readonly buffer Position { int position[]; };

layout(push_constant) uniform Push {
  uint partial_at, n_segments, out_at, out_stride, sinks_at, watch_at, page_weights_at, n_blocks, shares_at, shares_stride;
  uint prefix_at, extra_begin_at, position_at, first_row, window;
};

shared float largest[HEADS], factor[HEADS];

void main() {
  const uint thread = gl_LocalInvocationIndex, row = first_row + gl_WorkGroupID.y, n_heads = N_KV_HEADS * GROUP;
  const uint size = HEAD_DIM + 2u;
  for (uint i = thread; i < HEADS * HEAD_DIM; i += 256u) {
    const uint h = i / HEAD_DIM, head = kv_head() * GROUP + min(head_in_group(h), GROUP - 1u);
    const uint first = partial_at + (gl_WorkGroupID.y * n_heads + head) * n_segments * size;
    precise float sum = 0.0, weight = 0.0;
    float most = NOTHING;
    for (uint s = 0u; s < n_segments; ++s) {
      const uint at = first + s * size;
      const float peak = partials[at + HEAD_DIM], now = max(most, peak);
      if (peak == NOTHING) continue;
      precise float below = most - now, above = peak - now;
      const float old = exponential(below), fresh = exponential(above);
      sum = sum * old + partials[at + i % HEAD_DIM] * fresh;
      weight = weight * old + partials[at + HEAD_DIM + 1u] * fresh;
      most = now;
    }
    const bool has_sink = sinks_at != ABSENT;
    const vec2 whole = with_sink(most, weight, has_sink, has_sink ? sinks[sinks_at + head] : 0.0);
    const float by = whole.y > 0.0 ? whole.x / whole.y : whole.y;
    sum = sum * by;
    vectors[i] = sum;
    if (i % HEAD_DIM == 0u) {
      largest[h] = most;
      factor[h] = by;
    }
  }
  rotate_vectors(BASIS_V, BASIS_V_FACTOR);
  barrier();
  for (uint i = thread; i < HEADS * HEAD_DIM; i += 256u) {
    if (head_in_group(i / HEAD_DIM) < GROUP) result[out_at + row * out_stride + head_of(i / HEAD_DIM) * HEAD_DIM + i % HEAD_DIM] = vectors[i];
  }

  const int watched = watch_at == ABSENT ? -1 : watch[watch_at + row];
  if (watched < 0) return;
  const uint end = uint(prefix_slots[prefix_at + row] + extra_begin[extra_begin_at + row + 1u] - extra_begin[extra_begin_at + row]);
  const int earliest = position[position_at + row] - int(window) + 1;
  const uint begin = window > 0u && earliest > 0 ? uint(earliest) : 0u;
  for (uint block = begin / 64u + thread; block * 64u < end; block += 256u) {
    for (uint h = 0u; h < HEADS && head_in_group(h) < GROUP; ++h) {
      const vec2 share = page_weights[page_weights_at + (uint(watched) * n_heads + head_of(h)) * n_blocks + block];
      precise float below = share.x - largest[h];
      const float part = share.y * exponential(below) * factor[h];
      atomicMax(shares[shares_at + (uint(watched) * N_KV_HEADS + kv_head()) * shares_stride + block], floatBitsToUint(part));
    }
  }
}

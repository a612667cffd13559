// What the kernels bind that read pages: queries, pools, and which slots each row sees. SPLIT: the segment's sums go to
// attention_merge.comp.

#include "attention.glsl"

layout(constant_id = 6) const uint BASIS_K = 1;
layout(constant_id = 7) const float BASIS_K_FACTOR = 1;
layout(constant_id = 8) const uint POOLS = 1;      // bit p: there is a pool p
layout(constant_id = 9) const uint ENCODINGS = 0;  // of K and V of pool p: bits 8 p and 8 p + 4

layout(binding = 0) restrict readonly buffer Q { float q[]; };
layout(binding = 1) restrict writeonly buffer Out { float result[]; };  // [rows, heads, segments, D + 2] with SPLIT: values, largest logit, weight
layout(binding = 2) restrict readonly buffer Pool0 { uint pages_0[]; };
layout(binding = 3) restrict readonly buffer Pool1 { uint pages_1[]; };
layout(binding = 4) restrict readonly buffer Pool2 { uint pages_2[]; };
layout(binding = 5) restrict readonly buffer Pool3 { uint pages_3[]; };
layout(binding = 6) restrict readonly buffer Table { int table[]; };
layout(binding = 7) restrict readonly buffer Sequence { int sequence[]; };
layout(binding = 8) restrict readonly buffer Position { int position[]; };
layout(binding = 9) restrict readonly buffer Prefix { int prefix_slots[]; };
layout(binding = 10) restrict readonly buffer ExtraBegin { int extra_begin[]; };
layout(binding = 11) restrict readonly buffer ExtraSlots { int extra_slots[]; };
layout(binding = 12) restrict readonly buffer Watch { int watch[]; };
#if SPLIT
layout(binding = 13) restrict writeonly buffer PageWeights { vec2 page_weights[]; };  // [watched, heads, blocks]: largest logit, weight
#else
layout(binding = 13) restrict readonly buffer Sinks { float sinks[]; };
layout(binding = 14) restrict buffer Shares { uint shares[]; };  // bits of floats >= 0, which are ordered as they are
#endif

layout(push_constant) uniform Push {
  uint q_at, q_stride, out_at, out_stride;  // elements; with SPLIT out_stride counts segments
  uint pool_at[4];                          // words
  uint table_at, table_stride, sequence_at, position_at, prefix_at, extra_begin_at, extra_slots_at, watch_at;
  uint first_row, window, n_blocks;
  float scale, softcap;
#if SPLIT
  uint page_weights_at, n_rows;
#else
  uint sinks_at, shares_at, shares_stride;
#endif
};

uint page_word(uint pool, uint index) {
  return pool == 0u ? pages_0[index] : pool == 1u ? pages_1[index] : pool == 2u ? pages_2[index] : pages_3[index];
}
#include "kv.glsl"

uint key_format(uint pool) { return ENCODINGS >> 8u * pool & 15u; }
uint value_format(uint pool) { return ENCODINGS >> 8u * pool + 4u & 15u; }
bool is_there(uint pool) { return (POOLS >> pool & 1u) != 0u; }

vec4 value_of(uint pool, uint page, uint slot, uint quad) {
  if (pool == 0u) return kv_values(0u, value_format(0u), page + kv_tile_words(key_format(0u)), slot, quad);
  if (is_there(1u) && pool == 1u) return kv_values(1u, value_format(1u), page + kv_tile_words(key_format(1u)), slot, quad);
  if (is_there(2u) && pool == 2u) return kv_values(2u, value_format(2u), page + kv_tile_words(key_format(2u)), slot, quad);
  if (is_there(3u)) return kv_values(3u, value_format(3u), page + kv_tile_words(key_format(3u)), slot, quad);
  return vec4(0);
}

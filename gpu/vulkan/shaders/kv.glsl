// Keys and values as they lie in pages (gpu/kv_format.h), read as 32-bit words: a page of a kv head is a K tile and a V tile, a
// tile the codes [64, D] and then, of scaled encodings, the scales [64, D / group].
//
// The including shader defines HEAD_DIM and page_word(pool, index): a word of the pool's bound memory.

#include "halves.glsl"

const uint PAGE_SLOTS = 64;
const uint KV_F16 = 0, KV_Q8 = 1, KV_Q4H = 2, KV_Q2H = 3, KV_F32 = 4;

const uint KV_GROUP = HEAD_DIM % 32u == 0u ? 32u : 16u;
const uint QUADS = (HEAD_DIM + 3u) / 4u;  // of four columns

uint kv_code_bits(uint format) { return format == KV_F16 ? 16u : format == KV_Q8 ? 8u : format == KV_Q4H ? 4u : format == KV_Q2H ? 2u : 32u; }
uint kv_codes_words(uint format) { return PAGE_SLOTS * HEAD_DIM * kv_code_bits(format) / 32u; }
uint kv_tile_words(uint format) {
  const bool scaled = format != KV_F16 && format != KV_F32;
  return kv_codes_words(format) + (scaled ? PAGE_SLOTS * (HEAD_DIM / KV_GROUP) / 2u : 0u);
}

vec4 kv_bytes(uint word) { return vec4(word & 255u, word >> 8 & 255u, word >> 16 & 255u, word >> 24); }

// One element of a tile without scales.
float kv_element(const uint pool, const uint format, uint tile, uint at) {
  if (format == KV_F32) return uintBitsToFloat(page_word(pool, tile + at));
  return halves(page_word(pool, tile + at / 2u) >> 16u * (at & 1u)).x;
}

// Columns 4 quad .. 4 quad + 3 of a slot; 0 behind the head's end. The tile starts at word `tile`.
vec4 kv_values(const uint pool, const uint format, uint tile, uint slot, uint quad) {
  if (format == KV_F16 || format == KV_F32) {
    const uint at = slot * HEAD_DIM + 4u * quad;
    if (HEAD_DIM % 4u != 0u) {
      vec4 values = vec4(0);
      for (uint j = 0u; j < 4u && 4u * quad + j < HEAD_DIM; ++j) values[j] = kv_element(pool, format, tile, at + j);
      return values;
    }
    if (format == KV_F16) return vec4(halves(page_word(pool, tile + at / 2u)), halves(page_word(pool, tile + at / 2u + 1u)));
    const uint word = tile + at;
    return uintBitsToFloat(uvec4(page_word(pool, word), page_word(pool, word + 1u), page_word(pool, word + 2u), page_word(pool, word + 3u)));
  }
  const uint group = 4u * quad / KV_GROUP, column = 4u * quad % KV_GROUP, scale_at = slot * (HEAD_DIM / KV_GROUP) + group;
  const float scale = halves(page_word(pool, tile + kv_codes_words(format) + scale_at / 2u) >> 16u * (scale_at & 1u)).x;
  // A word of codes holds four columns, or as many at the same places of each half or quarter of the group.
  const uint bits = kv_code_bits(format), run = KV_GROUP * bits / 8u;
  const uint word = page_word(pool, tile + (slot * HEAD_DIM + group * KV_GROUP) * bits / 32u + column % run / 4u) >> column / run * bits;
  if (format == KV_Q8) return scale * vec4(int(word << 24) >> 24, int(word << 16) >> 24, int(word << 8) >> 24, int(word) >> 24);
  precise vec4 code = kv_bytes(word & (format == KV_Q4H ? 0x0f0f0f0fu : 0x03030303u)) - (format == KV_Q4H ? 8.0 : 1.5);
  if (format == KV_Q4H) return scale * code;
  return scale * (sign(code) * mix(vec4(38), vec4(127), greaterThan(abs(code), vec4(1))));  // -1.5 -0.5 0.5 1.5
}

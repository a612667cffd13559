#version 450
// Backend::encode_pages: a group for the K or the V tile of one kv head of one block. Rare, so pools and encodings are looked up
// when it runs.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint HEAD_DIM = 64;
layout(constant_id = 1) const uint N_KV_HEADS = 1;
layout(constant_id = 2) const uint ENCODINGS = 0;  // of K and V of pool p: bits 8 p and 8 p + 4

layout(binding = 0) buffer Pool0 { uint pages_0[]; };
layout(binding = 1) buffer Pool1 { uint pages_1[]; };
layout(binding = 2) buffer Pool2 { uint pages_2[]; };
layout(binding = 3) buffer Pool3 { uint pages_3[]; };
layout(binding = 4) restrict readonly buffer From { int from[]; };
layout(binding = 5) restrict readonly buffer To { int to[]; };
layout(push_constant) uniform Push {
  uint pool_at[4];  // words
  uint from_at, to_at;
};

uint page_word(uint pool, uint index) {
  return pool == 0u ? pages_0[index] : pool == 1u ? pages_1[index] : pool == 2u ? pages_2[index] : pages_3[index];
}
void set_word(uint pool, uint index, uint value) {
  if (pool == 0u) pages_0[index] = value;
  else if (pool == 1u) pages_1[index] = value;
  else if (pool == 2u) pages_2[index] = value;
  else pages_3[index] = value;
}
#include "kv.glsl"
#include "kv_encode.glsl"

struct Tile {
  uint pool, format, at;  // at: its first word
};

Tile tile_of(int block, uint head, bool value) {
  const uint pool = uint(block) >> 28, keys = ENCODINGS >> 8u * pool & 15u, values = ENCODINGS >> 8u * pool + 4u & 15u;
  const uint words = kv_tile_words(keys) + kv_tile_words(values);
  return Tile(pool, value ? values : keys,
              pool_at[pool] + ((uint(block) & 0xfffffffu) * N_KV_HEADS + head) * words + (value ? kv_tile_words(keys) : 0u));
}

float number(float x) { return isnan(x) ? 0.0 : saturated(x); }
float inverse_of(float d) {
  const float inverse = divide(1.0, d);
  return isinf(inverse) || isnan(inverse) ? 0.0 : inverse;
}
// By halving, as everybody does it.
float sum_of(float s[KV_GROUP]) {
  [[dont_unroll]] for (uint h = KV_GROUP / 2u; h > 0u; h /= 2u) {
    [[dont_unroll]] for (uint i = 0u; i < h; ++i) {
      precise float sum = s[i] + s[i + h];
      s[i] = sum;
    }
  }
  return s[0];
}
uint fitted_scale(float x[KV_GROUP], float v[KV_GROUP]) {
  float products[KV_GROUP], squares[KV_GROUP];
  [[dont_unroll]] for (uint i = 0u; i < KV_GROUP; ++i) {
    precise float product = x[i] * v[i], square = v[i] * v[i];
    products[i] = product;
    squares[i] = square;
  }
  const float square = sum_of(squares);
  return half_bits(square > 0.0 ? divide(sum_of(products), square) : 0.0);
}

// Writes the codes of one group and returns the bits of its scale.
uint encode_group(Tile tile, float x[KV_GROUP], uint first) {
  const uint bits = kv_code_bits(tile.format);
  uint codes[KV_GROUP];
  uint scale;
  if (tile.format == KV_Q8) {
    float largest = 0.0;
    [[dont_unroll]] for (uint i = 0u; i < KV_GROUP; ++i) largest = max(largest, abs(x[i]));
    const float d = divide(largest, 127.0), inverse = inverse_of(d);
    [[dont_unroll]] for (uint i = 0u; i < KV_GROUP; ++i) {
      precise float code = floor(x[i] * inverse + 0.5);
      codes[i] = uint(int(clamp(code, -127.0, 127.0))) & 255u;
    }
    scale = half_bits(inverse == 0.0 ? 0.0 : d);
  } else {
    float levels[KV_GROUP];
    if (tile.format == KV_Q4H) {
      float peak = 0.0;
      [[dont_unroll]] for (uint i = 0u; i < KV_GROUP; ++i) peak = abs(x[i]) > abs(peak) ? x[i] : peak;
      const float inverse = inverse_of(peak * -0.125);
      [[dont_unroll]] for (uint i = 0u; i < KV_GROUP; ++i) {
        precise float code = floor(x[i] * inverse + 8.5);
        codes[i] = uint(clamp(code, 0.0, 15.0));
        precise float level = float(codes[i]) - 8.0;
        levels[i] = level;
      }
    } else {
      float squares[KV_GROUP];
      [[dont_unroll]] for (uint i = 0u; i < KV_GROUP; ++i) {
        precise float square = x[i] * x[i];
        squares[i] = square;
      }
      precise float border = 0.96354 * sum_of(squares) / float(KV_GROUP);  // by a power of two
      [[dont_unroll]] for (uint i = 0u; i < KV_GROUP; ++i) {
        const bool far = squares[i] > border;
        codes[i] = x[i] > 0.0 ? (far ? 3u : 2u) : (far ? 0u : 1u);
        levels[i] = (codes[i] > 1u ? 1.0 : -1.0) * (far ? 127.0 : 38.0);
      }
    }
    scale = fitted_scale(x, levels);
  }
  const uint run = KV_GROUP * bits / 8u;  // bytes
  [[dont_unroll]] for (uint byte = 0u; byte < run; byte += 4u) {
    uint word = 0u;
    [[dont_unroll]] for (uint i = byte; i < KV_GROUP; i += run) {
      word |= (codes[i] | codes[i + 1u] << 8 | codes[i + 2u] << 16 | codes[i + 3u] << 24) << i / run * bits;
    }
    set_word(tile.pool, tile.at + (first * bits / 8u + byte) / 4u, word);
  }
  return scale;
}

void main() {
  const uint thread = gl_LocalInvocationIndex, head = gl_WorkGroupID.x / 2u, i = gl_WorkGroupID.y;
  const bool value = gl_WorkGroupID.x % 2u == 1u;
  const Tile source = tile_of(from[from_at + i], head, value), target = tile_of(to[to_at + i], head, value);
  if (target.format == KV_F16 || target.format == KV_F32) {
    const uint per_word = target.format == KV_F16 ? 2u : 1u;
    [[dont_unroll]] for (uint word = thread; word < kv_codes_words(target.format); word += 256u) {
      uint bits[2];
      [[dont_unroll]] for (uint j = 0u; j < per_word; ++j) {
        const uint element = word * per_word + j, column = element % HEAD_DIM;
        const float x = kv_values(source.pool, source.format, source.at, element / HEAD_DIM, column / 4u)[column % 4u];
        bits[j] = target.format == KV_F32 ? floatBitsToUint(x) : half_bits(saturated(x));
      }
      set_word(target.pool, target.at + word, target.format == KV_F32 ? bits[0] : bits[0] | bits[1] << 16);
    }
    return;
  }
  // Two groups at a time, whose scales share a word.
  [[dont_unroll]] for (uint pair = thread; pair < PAGE_SLOTS * (HEAD_DIM / KV_GROUP) / 2u; pair += 256u) {
    uint scales = 0u;
    [[dont_unroll]] for (uint k = 0u; k < 2u; ++k) {
      const uint first = (2u * pair + k) * KV_GROUP;
      float x[KV_GROUP];
      [[dont_unroll]] for (uint quad = 0u; quad < KV_GROUP / 4u; ++quad) {
        const vec4 four = kv_values(source.pool, source.format, source.at, first / HEAD_DIM, first % HEAD_DIM / 4u + quad);
        [[dont_unroll]] for (uint j = 0u; j < 4u; ++j) x[4u * quad + j] = number(four[j]);
      }
      scales |= encode_group(target, x, first) << 16u * k;
    }
    set_word(target.pool, target.at + kv_codes_words(target.format) + pair, scales);
  }
}

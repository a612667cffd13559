// Every weight format as it lies in the file, or with parts of its blocks apart (below), read as 32-bit words. A chunk is 32 columns of a row; open_chunk() reads what
// its values share, chunk_values(c, i) gives columns 4 i .. 4 i + 3. Arithmetic as in gpu/decode_*.cpp, to the bit.
//
// The including shader defines IN_FOURS (1: rows without blocks have a multiple of four columns and start at multiples of four
// bytes), weight_word(part, index), the index-th word of the weights bound as `part`, and book_word(index)
// of the codebooks (gpu/vulkan/codebook_words.h). `format` and `part` are literals or specialisation constants, so that all
// branches on them vanish. It may define WEIGHT_FOUR(part, index), four words at a time, where WEIGHTS_IN_FOURS is not 0: then the weights
// start at a multiple of 16 bytes.

#include "halves.glsl"

const uint F32 = 0, F16 = 1, Q4_0 = 2, Q4_1 = 3, Q5_0 = 6, Q5_1 = 7, Q8_0 = 8, Q2_K = 10, Q3_K = 11, Q4_K = 12, Q5_K = 13, Q6_K = 14,
           IQ2_XXS = 16, IQ2_XS = 17, IQ3_XXS = 18, IQ1_S = 19, IQ4_NL = 20, IQ3_S = 21, IQ2_S = 22, IQ4_XS = 23, IQ1_M = 29,
           BF16 = 30, TQ1_0 = 34, TQ2_0 = 35, MXFP4 = 39, NVFP4 = 40, Q1_0 = 41;

// Added to a format: of a row first the codes of all blocks lie there, then what else blocks have, one kind after the other
// (gpu/vulkan/weights.h: kPartsApart). Such rows are multiples of 16 bytes.
const uint APART = 64;
uint format_of(const uint id) { return id % APART; }
bool lies_apart(const uint id) { return id >= APART; }

// First words of the codebooks.
const uint BOOK_IQ2_XXS = 0, BOOK_IQ2_XS = 512, BOOK_IQ2_S = 1536, BOOK_IQ1 = 3584, BOOK_IQ3_XXS = 7680, BOOK_IQ3_S = 7936;

struct Chunk {
  uint part, at;  // the chunk's block, in bytes; where it lies apart its codes
  uint high;      // where it lies apart, its fifth or upper bits
  uint s;         // its number in the block
  uint left;      // columns from its first to the row's end
  uint code;      // a word of codes that the whole chunk needs
  vec2 scale, shift;  // of its two halves
};

// Without a branch, so that neighbours share what they read; the word behind the last is read too, for nothing.
uint word_at(uint part, uint byte) {
  const uint shift = (byte & 3u) * 8u;
  return weight_word(part, byte >> 2) >> shift | weight_word(part, (byte >> 2) + 1u) << 1 << (31u - shift);
}
// Where every block starts at an even one.
uint even_word(uint part, uint byte) {
  const uint low = weight_word(part, byte >> 2), high = weight_word(part, (byte >> 2) + 1u);
  return (byte & 2u) == 0u ? low : low >> 16 | high << 16;
}
// Where every block starts at a multiple of four bytes.
uint aligned_word(uint part, uint byte) { return weight_word(part, byte >> 2); }
uint byte_at(uint part, uint byte) { return weight_word(part, byte >> 2) >> (byte & 3u) * 8u & 255u; }
// `byte` is even.
uint half_bits_at(uint part, uint byte) { return weight_word(part, byte >> 2) >> (byte & 2u) * 8u & 0xffffu; }
float half_at(uint part, uint byte) { return halves(half_bits_at(part, byte)).x; }

uint nibble(uint code, uint index) { return code >> 4u * (index & 1u) & 15u; }
vec4 bytes_of(uint word) { return vec4(word & 255u, word >> 8 & 255u, word >> 16 & 255u, word >> 24); }
vec4 signed_bytes_of(uint word) { return vec4(int(word << 24) >> 24, int(word << 16) >> 24, int(word << 8) >> 24, int(word) >> 24); }
// Bits `at`, at + 1, .. of `bits` as `value` in four bytes.
uint spread_bits(uint bits, uint at, uint value) {
  bits >>= at;
  return ((bits & 1u) | (bits & 2u) << 7 | (bits & 4u) << 14 | (bits & 8u) << 21) * value;
}

// A table of 16 signed bytes, by the low nibbles of four bytes.
uint looked_up(uint code, uint a, uint b, uint c, uint d) {
  const uint word = (code & 8u) == 0u ? ((code & 4u) == 0u ? a : b) : ((code & 4u) == 0u ? c : d);
  return word >> (code & 3u) * 8u & 255u;
}
vec4 four_looked_up(uint codes, uint a, uint b, uint c, uint d) {
  return signed_bytes_of(looked_up(codes & 15u, a, b, c, d) | looked_up(codes >> 8 & 15u, a, b, c, d) << 8 |
                         looked_up(codes >> 16 & 15u, a, b, c, d) << 16 | looked_up(codes >> 24 & 15u, a, b, c, d) << 24);
}
// -127 -104 -83 -65 | -49 -35 -22 -10 | 1 13 25 38 | 53 69 89 113
vec4 iq4_values(uint codes) { return four_looked_up(codes, 0xbfad9881u, 0xf6eaddcfu, 0x26190d01u, 0x71594535u); }
// 0 1 2 3 | 4 6 8 12 | 0 -1 -2 -3 | -4 -6 -8 -12: twice the float E2M1
vec4 fp4_values(uint codes) { return four_looked_up(codes, 0x03020100u, 0x0c080604u, 0xfdfeff00u, 0xf4f8fafcu); }

// 2^(exponent - 128)
float half_power_of_two(uint exponent) { return uintBitsToFloat(exponent < 2u ? 0x00200000u << exponent : exponent - 1u << 23); }
// Half of an unsigned float of 4 exponent and 3 mantissa bits.
float half_ue4m3(uint code) {
  if (code == 0x7fu) return 0.0;
  const uint exponent = code >> 3 & 15u, mantissa = code & 7u;
  return exponent == 0u ? float(mantissa) * 0.0009765625 : uintBitsToFloat(exponent + 119u << 23 | mantissa << 20);
}

// Bits j = 0 .. 3 of `signs` negate.
vec4 with_signs(vec4 values, uint signs) {
  return uintBitsToFloat(floatBitsToUint(values) ^ (uvec4(signs) >> uvec4(0, 1, 2, 3) << 31));
}
// Eight bits of even parity from seven.
uint with_parity(uint seven) { return seven | uint(bitCount(seven) & 1) << 7; }

// Bytes 16 index .. of what lies at byte `at`, a multiple of 16.
uvec4 four_words(uint part, uint at, uint index) {
#ifdef WEIGHT_FOUR
  if (WEIGHTS_IN_FOURS != 0u) return WEIGHT_FOUR(part, (at >> 4) + index);
#endif
  const uint from = at + 16u * index;
  return uvec4(aligned_word(part, from), aligned_word(part, from + 4u), aligned_word(part, from + 8u), aligned_word(part, from + 12u));
}
// Word 4 index + i there: a kernel that needs all of them reads four at a time, one that needs a single one that.
uint code_word(uint part, uint at, uint index, uint i) {
#ifdef CODES_IN_FOURS
  return four_words(part, at, index + (i >> 2))[i & 3u];
#else
  return aligned_word(part, at + 16u * index + 4u * i);
#endif
}
uvec2 k_scale_and_min(uvec4 head, uint s) {
  const uvec3 bytes = head.yzw >> 8u * (s & 3u);
  if (s < 4u) return bytes.xy & 63u;
  return (uvec2(bytes.z, bytes.z >> 4) & 15u) + (bytes.xy >> 2 & 48u);
}
uint q3_k_scale(uint part, uint sc, uint s) {
  const uint low = s < 8u ? byte_at(part, sc + s) & 15u : byte_at(part, sc + s - 8u) >> 4;
  return low + 16u * (byte_at(part, sc + 8u + (s & 3u)) >> 2u * (s >> 2) & 3u);
}

uint block_length(uint format) {
  if (format == F32 || format == F16 || format == BF16) return 32u;  // a chunk is its block
  if (format == Q4_0 || format == Q4_1 || format == Q5_0 || format == Q5_1 || format == Q8_0 || format == IQ4_NL || format == MXFP4) return 32u;
  return format == NVFP4 ? 64u : format == Q1_0 ? 128u : 256u;
}
uint block_bytes(uint format) {
  switch (format) {
    case F32: return 128u;
    case F16: case BF16: return 64u;
    case Q4_0: case IQ4_NL: case Q1_0: return 18u;
    case Q4_1: return 20u;
    case Q5_0: return 22u;
    case Q5_1: return 24u;
    case Q8_0: return 34u;
    case Q2_K: return 84u;
    case Q3_K: case IQ3_S: return 110u;
    case Q4_K: return 144u;
    case Q5_K: return 176u;
    case Q6_K: return 210u;
    case IQ2_XXS: case TQ2_0: return 66u;
    case IQ2_XS: return 74u;
    case IQ2_S: return 82u;
    case IQ3_XXS: return 98u;
    case IQ1_S: return 50u;
    case IQ1_M: return 56u;
    case IQ4_XS: return 136u;
    case TQ1_0: return 54u;
    case MXFP4: return 17u;
    case NVFP4: return 36u;
  }
  return 0u;
}

// open_chunk() where it lies apart.
Chunk open_parts(const uint format, const uint part, uint row, uint index, uint cols) {
  Chunk c;
  c.part = part;
  c.left = cols - 32u * index;
  c.code = 0u;
  c.shift = vec2(0);
  const uint chunks = cols / 32u, blocks = cols / 256u, block = index / 8u;
  c.s = format == Q6_K ? index % 8u : 0u;
  c.at = row + (format == Q8_0 ? 32u * index : format == Q6_K ? 128u * block : 16u * index);
  c.high = row + (format == Q6_K ? 128u * blocks + 64u * block : 16u * chunks + 4u * index);
  if (format == Q5_0) c.code = aligned_word(part, c.high);
  precise vec2 scale;
  if (format == Q6_K) {
    const uint codes = half_bits_at(part, row + 192u * blocks + 2u * index);
    scale = half_at(part, row + 208u * blocks + 2u * block) * vec2(int(codes << 24) >> 24, int(codes << 16) >> 24);
  } else {
    scale = vec2(half_at(part, row + (format == Q8_0 ? 32u : format == Q5_0 ? 20u : 16u) * chunks + 2u * index));
  }
  c.scale = scale;
  return c;
}

// Chunk `index` of the row that starts at byte `row` and has `cols` columns.
Chunk open_chunk(const uint id, const uint part, uint row, uint index, uint cols) {
  const uint format = format_of(id), chunks = block_length(format) / 32u;
  if (lies_apart(id)) return open_parts(format, part, row, index, cols);
  Chunk c;
  c.high = 0u;
  c.part = part;
  c.at = row + index / chunks * block_bytes(format);
  c.s = index % chunks;
  c.left = cols - 32u * index;
  c.code = 0u;
  precise vec2 scale = vec2(1), shift = vec2(0);
  const uint at = c.at, s = c.s;
  if (format == Q4_0 || format == Q5_0 || format == Q8_0 || format == IQ4_NL || format == Q1_0) scale = vec2(half_at(part, at));
  if (format == Q4_1 || format == Q5_1) {
    const vec2 both = halves(aligned_word(part, at));
    scale = both.xx;
    shift = both.yy;
  }
  if (format == Q5_0) c.code = word_at(part, at + 2u);
  if (format == Q5_1) c.code = aligned_word(part, at + 4u);
  if (format == Q1_0) c.code = word_at(part, at + 2u + 4u * s);
  if (format == MXFP4) scale = vec2(half_power_of_two(byte_at(part, at)));
  if (format == NVFP4) scale = vec2(half_ue4m3(byte_at(part, at + 2u * s)), half_ue4m3(byte_at(part, at + 2u * s + 1u)));
  if (format == Q2_K) {
    const vec2 both = halves(aligned_word(part, at + 80u));
    const uvec2 codes = uvec2(byte_at(part, at + 2u * s), byte_at(part, at + 2u * s + 1u));
    scale = both.x * vec2(codes & 15u);
    shift = both.y * vec2(codes >> 4);
  }
  if (format == Q3_K) {
    const uint sc = at + 96u;
    scale = half_at(part, at + 108u) * (vec2(q3_k_scale(part, sc, 2u * s), q3_k_scale(part, sc, 2u * s + 1u)) - 32.0);
  }
  if (format == Q4_K || format == Q5_K) {
    const uvec4 head = four_words(part, at, 0u);  // two halves, scales and minima
    const vec2 both = halves(head.x);
    const uvec2 codes = k_scale_and_min(head, s);
    scale = vec2(both.x * float(codes.x));
    shift = vec2(both.y * float(codes.y));
  }
  if (format == Q6_K) {
    const uint codes = half_bits_at(part, at + 192u + 2u * s);
    scale = half_at(part, at + 208u) * vec2(int(codes << 24) >> 24, int(codes << 16) >> 24);
  }
  if (format == IQ4_XS) {
    const uint high = half_bits_at(part, at + 2u) >> 2u * s & 3u;
    scale = vec2(half_at(part, at) * float(int(nibble(byte_at(part, at + 4u + s / 2u), s) + 16u * high) - 32));
  }
  if (format == IQ2_XXS) {
    c.code = word_at(part, at + 6u + 8u * s);
    scale = vec2(half_at(part, at) * (0.5 + float(c.code >> 28)) * 0.25);
  }
  if (format == IQ2_XS || format == IQ2_S) {
    const uint codes = byte_at(part, at + (format == IQ2_XS ? 66u : 74u) + s);
    scale = half_at(part, at) * (0.5 + vec2(codes & 15u, codes >> 4)) * 0.25;
  }
  if (format == IQ3_XXS) {
    c.code = word_at(part, at + 66u + 4u * s);
    scale = vec2(half_at(part, at) * (0.5 + float(c.code >> 28)) * 0.5);
  }
  if (format == IQ3_S) {
    c.code = byte_at(part, at + 66u + s);
    scale = vec2(half_at(part, at) * float(1u + 2u * nibble(byte_at(part, at + 106u + s / 2u), s)));
  }
  if (format == IQ1_S) {
    c.code = half_bits_at(part, at + 34u + 2u * s);
    scale = vec2(half_at(part, at) * float(2u * (c.code >> 12 & 7u) + 1u));
  }
  if (format == IQ1_M) {
    const uint a = aligned_word(part, at + 48u), b = aligned_word(part, at + 52u);
    const float d = halves((a >> 12 & 0xfu) | (a >> 24 & 0xf0u) | (b >> 4 & 0xf00u) | (b >> 16 & 0xf000u)).x;
    const uint codes = half_bits_at(part, at + 48u + 2u * (s / 2u)) >> 6u * (s & 1u);
    scale = d * vec2(2u * (codes & 7u) + 1u, 2u * (codes >> 3 & 7u) + 1u);
  }
  if (format == TQ1_0) scale = vec2(half_at(part, at + 52u));
  if (format == TQ2_0) scale = vec2(half_at(part, at + 64u));
  c.scale = scale;
  c.shift = shift;
  return c;
}

// One of the formats without blocks; columns behind the row's end are 0.
float float_at(const uint format, uint part, uint at, uint col) {
  if (format == F32) return uintBitsToFloat(aligned_word(part, at + 4u * col));
  const uint bits = half_bits_at(part, at + 2u * col);
  return format == BF16 ? uintBitsToFloat(bits << 16) : halves(bits).x;
}

vec4 float_values(const uint format, Chunk c, uint i) {
  const uint first = 4u * i;
  if (IN_FOURS != 0u) {
    if (first >= c.left) return vec4(0);
    const uint at = c.at + (format == F32 ? 16u : 8u) * i, low = aligned_word(c.part, at), high = aligned_word(c.part, at + 4u);
    if (format == F16) return vec4(halves(low), halves(high));
    if (format == BF16) return uintBitsToFloat(uvec4(low << 16, low & 0xffff0000u, high << 16, high & 0xffff0000u));
    return uintBitsToFloat(uvec4(low, high, aligned_word(c.part, at + 8u), aligned_word(c.part, at + 12u)));
  }
  vec4 values = vec4(0);
  for (uint j = 0u; j < 4u; ++j) values[j] = first + j < c.left ? float_at(format, c.part, c.at, first + j) : 0.0;
  return values;
}

// Formats whose values are scale * code - shift with codes of eight signed bits: four columns of a chunk.
bool has_codes(const uint id) {
  const uint format = format_of(id);
  return format == Q4_0 || format == Q5_0 || format == Q8_0 || format == Q4_K || format == Q5_K || format == Q6_K;
}
// They are bytes less code_bias().
uint raw_codes(const uint id, Chunk c, uint i) {
  const uint part = c.part, at = c.at, s = c.s, format = format_of(id);
  const uint pair = 4u * (i & 3u), high = 4u * (i >> 2);
  if (lies_apart(id)) {
    if (format == Q8_0) return code_word(part, at, 0u, i);
    if (format == Q6_K) {
      const uint low = code_word(part, at, 4u * (s >> 2) + 2u * (s & 1u), i) >> 4u * (s >> 1 & 1u) & 0x0f0f0f0fu;
      return low | (code_word(part, c.high, 2u * (s >> 2), i) >> 2u * (s & 3u) & 0x03030303u) << 4;
    }
    const uint low = code_word(part, at, 0u, i & 3u) >> high & 0x0f0f0f0fu;
    return format == Q5_0 ? low | spread_bits(c.code, 4u * i, 16u) : low;
  }
  if (format == Q8_0) return even_word(part, at + 2u + 4u * i);
  if (format == Q4_0) return even_word(part, at + 2u + pair) >> high & 0x0f0f0f0fu;
  if (format == Q5_0) return (even_word(part, at + 6u + pair) >> high & 0x0f0f0f0fu) | spread_bits(c.code, 4u * i, 16u);
  if (format == Q4_K) return code_word(part, at, 1u + 2u * (s >> 1), i) >> 4u * (s & 1u) & 0x0f0f0f0fu;
  if (format == Q5_K) {
    const uint low = code_word(part, at, 3u + 2u * (s >> 1), i) >> 4u * (s & 1u) & 0x0f0f0f0fu;
    return low | (code_word(part, at, 1u, i) >> s & 0x01010101u) << 4;
  }
  const uint low = even_word(part, at + 64u * (s >> 2) + 32u * (s & 1u) + 4u * i) >> 4u * (s >> 1 & 1u) & 0x0f0f0f0fu;
  const uint top = even_word(part, at + 128u + 32u * (s >> 2) + 4u * i) >> 2u * (s & 3u) & 0x03030303u;
  return low | top << 4;
}
float code_bias(const uint id) {
  const uint format = format_of(id);
  return format == Q4_0 ? 8.0 : format == Q5_0 ? 16.0 : format == Q6_K ? 32.0 : 0.0;
}
uint chunk_codes(const uint format, Chunk c, uint i) {
  const uint bytes = raw_codes(format, c, i), bias = uint(code_bias(format));
  return bias == 0u ? bytes : (bytes | 0x80808080u) - bias * 0x01010101u ^ 0x80808080u;  // byte by byte, since they are less than 128
}

vec4 chunk_values(const uint id, Chunk c, uint i) {
  const uint format = format_of(id);
  if (format == F32 || format == F16 || format == BF16) return float_values(format, c, i);
  const uint part = c.part, at = c.at, s = c.s;
  const float scale = i < 4u ? c.scale.x : c.scale.y, shift = i < 4u ? c.shift.x : c.shift.y;
  // Blocks of 32 and IQ4_XS: word i % 4 holds columns 4 i of the first half in the low nibbles, of the second in the high ones.
  const uint pair = 4u * (i & 3u), high = 4u * (i >> 2);
  precise vec4 values = vec4(0);
  if (has_codes(format)) {
    values = scale * signed_bytes_of(chunk_codes(id, c, i));
    if (format == Q4_K || format == Q5_K) values = values - shift;
  }
  if (format == Q4_1) values = scale * bytes_of(aligned_word(part, at + 4u + pair) >> high & 0x0f0f0f0fu) + shift;
  if (format == Q5_1) {
    values = scale * bytes_of((aligned_word(part, at + 8u + pair) >> high & 0x0f0f0f0fu) | spread_bits(c.code, 4u * i, 16u)) + shift;
  }
  if (format == IQ4_NL) values = scale * iq4_values(word_at(part, at + 2u + pair) >> high);
  if (format == IQ4_XS) values = scale * iq4_values(aligned_word(part, at + 8u + 16u * s + pair) >> high);
  if (format == MXFP4) values = scale * fp4_values(word_at(part, at + 1u + pair) >> high);
  if (format == NVFP4) {  // 16 columns in 8 bytes: low nibbles first
    values = scale * fp4_values(aligned_word(part, at + 4u + 16u * s + 8u * (i >> 2) + 4u * (i & 1u)) >> 4u * (i >> 1 & 1u));
  }
  if (format == Q1_0) values = with_signs(vec4(scale), ~(c.code >> 4u * i));
  if (format == Q2_K) {
    values = scale * bytes_of(aligned_word(part, at + 16u + 32u * (s >> 2) + 4u * i) >> 2u * (s & 3u) & 0x03030303u) - shift;
  }
  if (format == Q3_K) {
    const uint low = word_at(part, at + 32u + 32u * (s >> 2) + 4u * i) >> 2u * (s & 3u) & 0x03030303u;
    const uint top = word_at(part, at + 4u * i) >> s & 0x01010101u;
    values = scale * (bytes_of(low | top << 2) - 4.0);
  }
  if (format == TQ2_0) values = scale * (bytes_of(word_at(part, at + 32u * (s >> 2) + 4u * i) >> 2u * (s & 3u) & 0x03030303u) - 1.0);
  if (format == TQ1_0) {  // five base-3 digits a byte as a binary fraction: digit n is the integer part of 3 frac(byte 3^n / 256)
    const uint run = 2u * s + (i >> 2);  // of 16 columns
    const uint from = s < 5u ? 4u * i : run < 15u ? 32u + pair : 48u, digit = s < 5u ? s : run < 15u ? run - 10u : i - 4u;
    uint power = 1u;
    for (uint n = 0u; n < digit; ++n) power *= 3u;
    const uint digits = word_at(part, at + from);
    const uvec4 fraction = uvec4(digits, digits >> 8, digits >> 16, digits >> 24) * power & 255u;
    values = scale * (vec4(fraction * 3u >> 8) - 1.0);
  }
  if (format == IQ2_XXS || format == IQ2_XS || format == IQ2_S) {
    const uint g = i >> 1, four = 4u * (i & 1u);
    uint entry, signs;
    if (format == IQ2_XXS) {
      entry = BOOK_IQ2_XXS + 2u * byte_at(part, at + 2u + 8u * s + g);
      signs = with_parity(c.code >> 7u * g & 127u);
    } else if (format == IQ2_XS) {
      const uint code = half_bits_at(part, at + 2u + 2u * (4u * s + g));
      entry = BOOK_IQ2_XS + 2u * (code & 511u);
      signs = with_parity(code >> 9);
    } else {
      entry = BOOK_IQ2_S + 2u * (byte_at(part, at + 2u + 4u * s + g) + 256u * (byte_at(part, at + 66u + s) >> 2u * g & 3u));
      signs = byte_at(part, at + 34u + 4u * s + g);
    }
    values = with_signs(scale * bytes_of(book_word(entry + (i & 1u))), signs >> four);
  }
  if (format == IQ3_XXS) {
    values = with_signs(scale * bytes_of(book_word(BOOK_IQ3_XXS + byte_at(part, at + 2u + 8u * s + i))), with_parity(c.code >> 7u * (i >> 1) & 127u) >> 4u * (i & 1u));
  }
  if (format == IQ3_S) {
    const uint entry = byte_at(part, at + 2u + 8u * s + i) + 256u * (c.code >> i & 1u);
    values = with_signs(scale * bytes_of(book_word(BOOK_IQ3_S + entry)), byte_at(part, at + 74u + 4u * s + (i >> 1)) >> 4u * (i & 1u));
  }
  if (format == IQ1_S || format == IQ1_M) {
    const uint g = i >> 1;
    uint entry, top;
    if (format == IQ1_S) {
      entry = byte_at(part, at + 2u + 4u * s + g) + 256u * (c.code >> 3u * g & 7u);
      top = c.code >> 15;
    } else {
      const uint code = nibble(byte_at(part, at + 32u + 2u * s + (g >> 1)), g);
      entry = byte_at(part, at + 4u * s + g) + 256u * (code & 7u);
      top = code >> 3;
    }
    values = scale * (signed_bytes_of(book_word(BOOK_IQ1 + 2u * entry + (i & 1u))) + (top != 0u ? -0.125 : 0.125));
  }
  return values;
}

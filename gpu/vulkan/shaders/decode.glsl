// The weight formats as a file has them (docs/formats.md; gpu/decode_*.cpp is the law, to the bit). Before this page comes
//   uint weight_word(uint index)    32-bit word `index` of the binding that holds the weights
//   uint codebook_word(uint index)  of codebook_words()
// Addresses are bytes of that binding. Formats are numbered as in GGUF files; with a constant format only one branch remains.

const uint kF32 = 0, kF16 = 1, kQ4_0 = 2, kQ4_1 = 3, kQ5_0 = 6, kQ5_1 = 7, kQ8_0 = 8, kQ2_K = 10, kQ3_K = 11, kQ4_K = 12, kQ5_K = 13,
           kQ6_K = 14, kIQ2_XXS = 16, kIQ2_XS = 17, kIQ3_XXS = 18, kIQ1_S = 19, kIQ4_NL = 20, kIQ3_S = 21, kIQ2_S = 22, kIQ4_XS = 23,
           kIQ1_M = 29, kBF16 = 30, kTQ1_0 = 34, kTQ2_0 = 35, kMXFP4 = 39, kNVFP4 = 40, kQ1_0 = 41;

// Words at which the tables of codebook_words() begin.
const uint kBookIq2Xxs = 0, kBookIq2Xs = kBookIq2Xxs + 2 * 256, kBookIq2S = kBookIq2Xs + 2 * 512, kBookIq1 = kBookIq2S + 2 * 1024,
           kBookIq3Xxs = kBookIq1 + 2 * 2048, kBookIq3S = kBookIq3Xxs + 256;

uint byte_at(uint address) { return bitfieldExtract(weight_word(address >> 2), int((address & 3u) * 8u), 8); }
uint u16_at(uint address) {
  // Two bytes may lie in two words.
  return byte_at(address) | byte_at(address + 1) << 8;
}
uint u32_at(uint address) { return u16_at(address) | u16_at(address + 2) << 16; }
int i8_at(uint address) { return bitfieldExtract(int(weight_word(address >> 2)), int((address & 3u) * 8u), 8); }

// Exact, subnormal halves included, which unpackHalf2x16 may flush.
float half_to_float(uint h) {
  const uint sign = (h & 0x8000u) << 16, magnitude = h & 0x7fffu;
  if (magnitude >= 0x7c00u) return uintBitsToFloat(sign | 0x7f800000u | (magnitude > 0x7c00u ? 0x400000u | magnitude << 13 : 0u));
  if (magnitude >= 0x0400u) return uintBitsToFloat(sign | (magnitude << 13) + 0x38000000u);
  const float value = float(magnitude) * 5.9604644775390625e-8;  // 2^-24
  return sign != 0 ? -value : value;
}
float half_at(uint address) { return half_to_float(u16_at(address)); }

uint nibble_of(uint byte, uint index) { return (byte >> (4 * (index & 1u))) & 15u; }
uint bit_of(uint value, uint index) { return (value >> index) & 1u; }

const int kIq4Values[16] = int[](-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
const int kFp4Doubled[16] = int[](0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

float product(float scale, int value) {
  precise float p = scale * float(value);
  return p;
}
float product_plus(float scale, uint value, float add) {
  precise float p = scale * float(value);
  precise float sum = p + add;
  return sum;
}
float negated(float value, uint negative) { return uintBitsToFloat(floatBitsToUint(value) ^ negative << 31); }

// Seven stored sign bits and the eighth that makes their number even.
uint with_parity(uint seven) { return seven | (uint(bitCount(seven)) & 1u) << 7; }
int book_value(uint word, uint index) { return bitfieldExtract(int(codebook_word(word + index / 4)), int(8 * (index & 3u)), 8); }

// Scale (x) and minimum (y) of sub-block s of Q4_K and Q5_K.
uvec2 scale_and_min(uint sc, uint s) {
  if (s < 4) return uvec2(byte_at(sc + s) & 63u, byte_at(sc + s + 4) & 63u);
  const uint low = byte_at(sc + s + 4);
  return uvec2((low & 15u) + 16u * (byte_at(sc + s - 4) >> 6), (low >> 4) + 16u * (byte_at(sc + s) >> 6));
}

float iq_scale(float d, float code, float part) {
  precise float a = d * (0.5 + code);
  precise float b = a * part;
  return b;
}
float shifted(float scale, int value, bool down) {
  precise float p = scale * (float(value) + (down ? -0.125 : 0.125));
  return p;
}

// Blocks of 32: byte j % 16 of qs holds value j (low nibble) and value 16 + j (high).
uint split_nibble(uint qs, uint i) { return (byte_at(qs + i % 16) >> (i < 16 ? 0 : 4)) & 15u; }

float decode_block(uint format, uint b, uint i) {
  switch (format) {
    case kF32: return uintBitsToFloat(u32_at(b));
    case kF16: return half_at(b);
    case kBF16: return uintBitsToFloat(u16_at(b) << 16);
    case kQ4_0: return product(half_at(b), int(split_nibble(b + 2, i)) - 8);
    case kQ4_1: return product_plus(half_at(b), split_nibble(b + 4, i), half_at(b + 2));
    case kQ5_0: return product(half_at(b), int(split_nibble(b + 6, i) + 16u * bit_of(u32_at(b + 2), i)) - 16);
    case kQ5_1: return product_plus(half_at(b), split_nibble(b + 8, i) + 16u * bit_of(u32_at(b + 4), i), half_at(b + 2));
    case kQ8_0: return product(half_at(b), i8_at(b + 2 + i));
    case kIQ4_NL: return product(half_at(b), kIq4Values[split_nibble(b + 2, i)]);
    case kMXFP4: {
      const uint e = byte_at(b);
      // 2^(e - 128), the two smallest below the normal range.
      const float d = uintBitsToFloat(e < 2 ? 0x00200000u << e : (e - 1) << 23);
      return product(d, kFp4Doubled[split_nibble(b + 1, i)]);
    }
    case kNVFP4: {
      const uint s = i / 16, code = byte_at(b + s), exponent = (code >> 3) & 15u, mantissa = code & 7u;
      float d = exponent == 0 ? float(mantissa) * 0.0009765625 : uintBitsToFloat((exponent + 119) << 23 | mantissa << 20);
      if (code == 0x7fu) d = 0.0;
      const uint byte = byte_at(b + 4 + 8 * s + i % 8);
      return product(d, kFp4Doubled[i % 16 < 8 ? byte & 15u : byte >> 4]);
    }
    case kQ1_0: return negated(half_at(b), 1u - bit_of(byte_at(b + 2 + i / 8), i % 8));
    case kTQ1_0: {
      // Digits in the order of the file: 32 bytes of five, 16 bytes of five, 4 bytes of four.
      const uint part = i < 160 ? 0 : i < 240 ? 1 : 2, in_part = i - (part == 0 ? 0 : part == 1 ? 160 : 240);
      const uint n_bytes = part == 0 ? 32 : part == 1 ? 16 : 4, start = part == 0 ? 0 : part == 1 ? 32 : 48;
      const uint powers[5] = uint[](1, 3, 9, 27, 81);
      const uint fraction = (byte_at(b + start + in_part % n_bytes) * powers[in_part / n_bytes]) & 255u;
      return product(half_at(b + 52), int((fraction * 3) >> 8) - 1);
    }
    case kTQ2_0: {
      const uint byte = byte_at(b + 32 * (i / 128) + i % 32);
      return product(half_at(b + 64), int((byte >> (2 * (i % 128 / 32))) & 3u) - 1);
    }
    case kQ2_K: {
      const uint s = i / 16, sc = byte_at(b + s), q = byte_at(b + 16 + 32 * (s / 8) + 16 * (s % 2) + i % 16);
      const float scale = product(half_at(b + 80), int(sc & 15u)), least = product(half_at(b + 82), int(sc >> 4));
      return product_plus(scale, (q >> (2 * (s % 8 / 2))) & 3u, -least);
    }
    case kQ3_K: {
      const uint s = i / 16, sc = b + 96, pair = s % 8 / 2;
      const uint low = s < 8 ? byte_at(sc + s) & 15u : byte_at(sc + s - 8) >> 4;
      const int code = int(low + 16u * ((byte_at(sc + 8 + s % 4) >> (2 * (s / 4))) & 3u)) - 32;
      const uint q = byte_at(b + 32 + 32 * (s / 8) + 16 * (s % 2) + i % 16), high = byte_at(b + 16 * (s % 2) + i % 16);
      const int value = int((q >> (2 * pair)) & 3u) - (bit_of(high, 4 * (s / 8) + pair) != 0 ? 0 : 4);
      return product(product(half_at(b + 108), code), value);
    }
    case kQ4_K: {
      const uint s = i / 32;
      const uvec2 codes = scale_and_min(b + 4, s);
      const float scale = product(half_at(b), int(codes.x)), least = product(half_at(b + 2), int(codes.y));
      return product_plus(scale, nibble_of(byte_at(b + 16 + 32 * (s / 2) + i % 32), s), -least);
    }
    case kQ5_K: {
      const uint s = i / 32;
      const uvec2 codes = scale_and_min(b + 4, s);
      const float scale = product(half_at(b), int(codes.x)), least = product(half_at(b + 2), int(codes.y));
      const uint value = nibble_of(byte_at(b + 48 + 32 * (s / 2) + i % 32), s) + 16u * bit_of(byte_at(b + 16 + i % 32), s);
      return product_plus(scale, value, -least);
    }
    case kQ6_K: {
      const uint s = i / 16, quarter = s % 8 / 2;
      const uint low = byte_at(b + 64 * (s / 8) + 32 * (quarter % 2) + 16 * (s % 2) + i % 16);
      const uint high = byte_at(b + 128 + 32 * (s / 8) + 16 * (s % 2) + i % 16);
      const int value = int(nibble_of(low, quarter / 2) + 16u * ((high >> (2 * quarter)) & 3u)) - 32;
      return product(product(half_at(b + 208), i8_at(b + 192 + s)), value);
    }
    case kIQ4_XS: {
      const uint s = i / 32;
      const int code = int(nibble_of(byte_at(b + 4 + s / 2), s) + 16u * ((u16_at(b + 2) >> (2 * s)) & 3u)) - 32;
      return product(product(half_at(b), code), kIq4Values[split_nibble(b + 8 + 16 * s, i % 32)]);
    }
    case kIQ2_XXS: {
      const uint s = i / 32, l = i % 32 / 8, a = b + 2 + 8 * s, w = u32_at(a + 4);
      const float scale = iq_scale(half_at(b), float(w >> 28), 0.25);
      const float value = product(scale, book_value(kBookIq2Xxs + 2 * byte_at(a + l), i % 8));
      return negated(value, bit_of(with_parity((w >> (7 * l)) & 127u), i % 8));
    }
    case kIQ2_XS: {
      const uint g = i / 8, code = u16_at(b + 2 + 2 * g);
      const float scale = iq_scale(half_at(b), float(nibble_of(byte_at(b + 66 + g / 4), g % 4 / 2)), 0.25);
      const float value = product(scale, book_value(kBookIq2Xs + 2 * (code & 511u), i % 8));
      return negated(value, bit_of(with_parity(code >> 9), i % 8));
    }
    case kIQ2_S: {
      const uint g = i / 8;
      const float scale = iq_scale(half_at(b), float(nibble_of(byte_at(b + 74 + g / 4), g % 4 / 2)), 0.25);
      const uint index = byte_at(b + 2 + g) + 256u * ((byte_at(b + 66 + g / 4) >> (2 * (g % 4))) & 3u);
      return negated(product(scale, book_value(kBookIq2S + 2 * index, i % 8)), bit_of(byte_at(b + 34 + g), i % 8));
    }
    case kIQ3_XXS: {
      const uint s = i / 32, l = i % 32 / 8, w = u32_at(b + 66 + 4 * s);
      const float scale = iq_scale(half_at(b), float(w >> 28), 0.5);
      const float value = product(scale, book_value(kBookIq3Xxs + byte_at(b + 2 + 8 * s + i % 32 / 4), i % 4));
      return negated(value, bit_of(with_parity((w >> (7 * l)) & 127u), i % 8));
    }
    case kIQ3_S: {
      const uint s = i / 32, k = i % 32 / 4;
      const float scale = product(half_at(b), int(1u + 2u * nibble_of(byte_at(b + 106 + s / 2), s)));
      const uint index = byte_at(b + 2 + 8 * s + k) + 256u * bit_of(byte_at(b + 66 + s), k);
      return negated(product(scale, book_value(kBookIq3S + index, i % 4)), bit_of(byte_at(b + 74 + 4 * s + k / 2), i % 8));
    }
    case kIQ1_S: {
      const uint s = i / 32, l = i % 32 / 8, qh = u16_at(b + 34 + 2 * s);
      const float scale = product(half_at(b), int(2u * ((qh >> 12) & 7u) + 1u));
      const uint index = byte_at(b + 2 + 4 * s + l) + 256u * ((qh >> (3 * l)) & 7u);
      return shifted(scale, book_value(kBookIq1 + 2 * index, i % 8), (qh & 0x8000u) != 0);
    }
    case kIQ1_M: {
      const uint g = i / 8, pair = g / 2, high = nibble_of(byte_at(b + 32 + g / 2), g);
      uint scale_bits = 0;
      for (uint k = 0; k < 4; ++k) scale_bits |= (u16_at(b + 48 + 2 * k) >> 12) << (4 * k);
      const uint code = (u16_at(b + 48 + 2 * (pair / 4)) >> (3 * (pair % 4))) & 7u;
      const float scale = product(half_to_float(scale_bits), int(2u * code + 1u));
      return shifted(scale, book_value(kBookIq1 + 2 * (byte_at(b + g) + 256u * (high & 7u)), i % 8), (high & 8u) != 0);
    }
  }
  return 0.0;
}

uvec2 block_shape(uint format) {  // values, bytes
  switch (format) {
    case kF32: return uvec2(1, 4);
    case kF16: case kBF16: return uvec2(1, 2);
    case kQ4_0: case kIQ4_NL: return uvec2(32, 18);
    case kQ4_1: return uvec2(32, 20);
    case kQ5_0: return uvec2(32, 22);
    case kQ5_1: return uvec2(32, 24);
    case kQ8_0: return uvec2(32, 34);
    case kMXFP4: return uvec2(32, 17);
    case kNVFP4: return uvec2(64, 36);
    case kQ1_0: return uvec2(128, 18);
    case kTQ1_0: return uvec2(256, 54);
    case kTQ2_0: return uvec2(256, 66);
    case kQ2_K: return uvec2(256, 84);
    case kQ3_K: case kIQ3_S: return uvec2(256, 110);
    case kQ4_K: return uvec2(256, 144);
    case kQ5_K: return uvec2(256, 176);
    case kQ6_K: return uvec2(256, 210);
    case kIQ4_XS: return uvec2(256, 136);
    case kIQ2_XXS: return uvec2(256, 66);
    case kIQ2_XS: return uvec2(256, 74);
    case kIQ2_S: return uvec2(256, 82);
    case kIQ3_XXS: return uvec2(256, 98);
    case kIQ1_S: return uvec2(256, 50);
    default: return uvec2(256, 56);  // kIQ1_M
  }
}

// Value `col` of the row that begins at byte `row`.
float decode_value(uint format, uint row, uint col) {
  const uvec2 shape = block_shape(format);
  return decode_block(format, row + col / shape.x * shape.y, col % shape.x);
}

// Two halves of a word as floats, exactly: unpackHalf2x16 may take a half below 2^-14 for 0, and scales of blocks are often that small.
// The build refuses unpackHalf2x16 (check_sums.cmake).
vec2 halves(uint word) {
  const uvec2 bits = uvec2(word & 0xffffu, word >> 16), size = bits & 0x7fffu;
  vec2 value = mix(uintBitsToFloat((size << 13) + 0x38000000u), vec2(size) * 5.9604644775390625e-8, lessThan(size, uvec2(0x400u)));
  value = mix(value, uintBitsToFloat(size << 13 | 0x7f800000u), greaterThanEqual(size, uvec2(0x7c00u)));
  return uintBitsToFloat(floatBitsToUint(value) | (bits & 0x8000u) << 16);
}

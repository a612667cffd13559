// What the kernels of products share. The order of their sums, for every number of rows: partial sum j of 8 takes the chunks
// j, j + 8, .. of 32 columns, column after column, with fma; then the 8 are added from the first to the last. So a row's bits
// do not depend on which kernel makes them.

const uint LANES = 8;
const uint ABSENT = 0xffffffffu;  // the place of a tensor that is not there

// Rows of x and of weights in formats without blocks can be read four columns at a time.
layout(constant_id = 0) const uint IN_FOURS = 1;
layout(constant_id = 1) const uint FORMAT_0 = 2;

layout(binding = 0) restrict readonly buffer Books { uint books[]; };
layout(binding = 1) restrict readonly buffer X { float x_1[]; };
layout(binding = 1) restrict readonly buffer X4 { vec4 x_4[]; };
layout(binding = 2) restrict readonly buffer Weights0 { uint weights_0[]; };

uint book_word(uint index) { return books[index]; }

#ifndef OWN_INPUT
#include "input.glsl"
#endif

float add_products(float start, vec4 w, vec4 x) {
  precise float sum = fma(w.x, x.x, start);
  sum = fma(w.y, x.y, sum);
  sum = fma(w.z, x.z, sum);
  sum = fma(w.w, x.w, sum);
  return sum;
}

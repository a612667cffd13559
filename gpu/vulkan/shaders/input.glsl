// Columns col .. col + 3 of the row of x that starts at element `row`; 0 behind its end.
vec4 input_values(uint row, uint col, uint cols) {
  if (IN_FOURS != 0u) return col < cols ? x_4[(row + col) / 4u] : vec4(0);
  vec4 values = vec4(0);
  for (uint j = 0u; j < 4u; ++j) values[j] = col + j < cols ? x_1[row + col + j] : 0.0;
  return values;
}

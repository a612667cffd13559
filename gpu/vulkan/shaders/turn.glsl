// The rotation of RoPE: the same bits wherever it is done.

vec2 turn(vec2 pair, vec2 cos_sin) {
  precise float a = pair.x * cos_sin.x - pair.y * cos_sin.y;
  precise float b = pair.x * cos_sin.y + pair.y * cos_sin.x;
  return vec2(a, b);
}

// The walk of product_tiles.glsl, and what is done at its end.
void main() {
  if (!place_tile()) return;
  start();
  [[unroll]] for (uint i = 0u; i < W_VALUES * X_VALUES; ++i) partials[i] = totals[i] = 0.0;
  const uint n_chunks = (cols + 31u) / 32u;
  uint of_sum = 0u, chunk = 0u, step = 0u, stage = 0u;
  load(chunk, step);
  keep(stage);
  barrier();
  for (;;) {
    ++step;
    const bool chunk_ends = step == STEPS, sum_ends = chunk_ends && chunk + LANES >= n_chunks;
    if (chunk_ends) {
      step = 0u;
      chunk += LANES;
    }
    if (sum_ends) chunk = ++of_sum;
    const bool last = sum_ends && of_sum == min(LANES, n_chunks);
    load(last ? 0u : chunk, step);  // without a branch, so that a driver may let it take its time
    multiply(stage);
    if (sum_ends) {
      [[unroll]] for (uint i = 0u; i < W_VALUES * X_VALUES; ++i) {
        precise float total = totals[i] + partials[i];
        totals[i] = total;
        partials[i] = 0.0;
      }
    }
    if (last) break;
    stage ^= 1u;
    keep(stage);
    barrier();
  }
  const uint w = first_w_value(), x = first_x_value();
  [[unroll]] for (uint b = 0u; b < X_VALUES; ++b) {
    [[unroll]] for (uint a = 0u; a < W_VALUES; ++a) store(w + a * W_THREADS, x + b * X_THREADS, totals[a * X_VALUES + b]);
  }
}

// Division that rounds as the processor's does: a driver's may be off by units in the last place.

// The float nearest to a / b, for values far from overflow: the quotient's rest by exact products of halves (Veltkamp, Dekker 1971).
float rest_of(float a, float b, float quotient) {
  precise float big_b = b * 4097.0, big_q = quotient * 4097.0;
  precise float b_high = big_b - (big_b - b), q_high = big_q - (big_q - quotient);
  precise float b_low = b - b_high, q_low = quotient - q_high;
  precise float product = b * quotient;
  precise float error = b_high * q_high - product;
  error = error + b_high * q_low;
  error = error + b_low * q_high;
  error = error + b_low * q_low;
  precise float rest = (a - product) - error;
  return rest;
}
float divide(float a, float b) {
  precise float quotient = a / b;
  if (quotient == 0.0 || !(abs(quotient) < 1e34)) return quotient;
  precise float nearer = quotient + rest_of(a, b, quotient) / b;
  return nearer;
}

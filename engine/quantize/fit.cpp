#include "engine/quantize/fit.h"

#include <algorithm>
#include <cmath>

#include "gpu/format.h"

namespace foreword::engine::fit {
namespace {

constexpr int kMost = 32;
constexpr int kLanes = 8;  // partial sums side by side: the compiler may not reorder one sum of floats by itself

constexpr float kLargestHalf = 65504.0F;

/// Adding and taking away 1.5 * 2^23 rounds a small float to an integer, ties to even, in two vector instructions.
constexpr float kRounder = 12582912.0F;
float round_small(float value) { return value + kRounder - kRounder; }

struct Lanes {
  float of[kLanes] = {};
  float sum() const { return ((of[0] + of[1]) + (of[2] + of[3])) + ((of[4] + of[5]) + (of[6] + of[7])); }
};

float sum(const float* w, int n) {
  Lanes total;
  for (int i = 0; i < n; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) total.of[l] += w[i + l];
  }
  return total.sum();
}

float largest(const float* x, int n) {
  float most = 0;
  for (int i = 0; i < n; ++i) most = std::max(most, std::fabs(x[i]));
  return most;
}

/// Of a scale far below what a half holds: 0, so that no product overflows to a NaN.
float inverse(float scale) { return std::fabs(scale) < 1e-20F ? 0 : 1 / scale; }

float stored(float value, float (*rounded)(float)) { return rounded == nullptr ? value : rounded(value); }

/// Steps of least squares after each guess: codes for the scale, then the best scale for the codes.
constexpr int kPolish = 3;
/// First guesses of a scale. Five times as many make the error of Gaussian numbers smaller by less than 1 in 200.
constexpr int kGuesses = 24;

}  // namespace

float to_half(float value) { return gpu::half_to_float(half_bits(value)); }

std::uint16_t half_bits(float value) { return gpu::float_to_half(std::clamp(value, -kLargestHalf, kLargestHalf)); }

float dot(const float* w, const float* a, const float* b, int n) {
  Lanes total;
  for (int i = 0; i < n; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) total.of[l] += w[i + l] * a[i + l] * b[i + l];
  }
  return total.sum();
}

void codes(const float* x, int n, float scale, float offset, int low, int high, float* q) {
  const float inv = inverse(scale), least = static_cast<float>(low), most = static_cast<float>(high);
  for (int i = 0; i < n; ++i) {
    const float wanted = (x[i] - offset) * inv;
    q[i] = round_small(std::min(std::max(wanted, least), most));
  }
}

float error_of(const float* x, const float* w, int n, float scale, float offset, int low, int high) {
  const float inv = inverse(scale), least = static_cast<float>(low), most = static_cast<float>(high);
  Lanes total;
  for (int i = 0; i < n; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) {
      const float wanted = (x[i + l] - offset) * inv;
      const float q = round_small(std::min(std::max(wanted, least), most));
      const float off = x[i + l] - (scale * q + offset);
      total.of[l] += w[i + l] * off * off;
    }
  }
  return total.sum();
}

Symmetric symmetric(const float* x, const float* w, int n, int low, int high, float (*rounded)(float)) {
  Symmetric best{0, dot(w, x, x, n)};
  const float most = largest(x, n);
  const auto consider = [&](float scale) {
    const float error = error_of(x, w, n, scale, 0, low, high);
    if (error < best.error) best = {scale, error};
  };
  // The largest value lands between `span - reach` and `span + reach`.
  const float span = static_cast<float>(high) + 0.5F;
  const float reach = std::min(0.2F * span, 6.0F);
  float q[kMost];
  for (const float sign : {1.0F, -1.0F}) {
    for (int guess = 0; guess < kGuesses; ++guess) {
      const float place = span + reach * (2 * static_cast<float>(guess) / (kGuesses - 1) - 1);
      float scale = sign * most / place;
      for (int step = 0; step < kPolish; ++step) {
        codes(x, n, scale, 0, low, high, q);
        const float qq = dot(w, q, q, n);
        if (qq > 0) scale = dot(w, x, q, n) / qq;
      }
      consider(stored(scale, rounded));
    }
  }
  return best;
}

Affine affine(const float* x, const float* w, int n, int high, bool offset_at_most_0, float (*rounded)(float)) {
  float least = x[0], most = x[0];
  for (int i = 1; i < n; ++i) {
    least = std::min(least, x[i]);
    most = std::max(most, x[i]);
  }
  if (offset_at_most_0) least = std::min(least, 0.0F);
  const float total = sum(w, n);
  float ones[kMost];
  std::fill(ones, ones + n, 1.0F);
  const float sum_x = dot(w, x, ones, n);

  Affine best;
  const auto consider = [&](float scale, float offset) {
    const float error = error_of(x, w, n, scale, offset, 0, high);
    if (error < best.error) best = {scale, offset, error};
  };
  best.offset = stored(offset_at_most_0 ? std::min(sum_x / total, 0.0F) : sum_x / total, rounded);
  best.error = error_of(x, w, n, 0, best.offset, 0, high);
  if (!(most > least)) return best;

  // The codes' span is guessed from somewhat wider than the values' to somewhat narrower (both ends cut).
  float q[kMost];
  for (int guess = 0; guess < kGuesses; ++guess) {
    const float steps = static_cast<float>(high) - 3 + 4.5F * static_cast<float>(guess) / (kGuesses - 1);
    float scale = (most - least) / steps;
    float offset = offset_at_most_0 && least == 0 ? 0 : least + 0.5F * ((most - least) - scale * static_cast<float>(high));
    if (offset_at_most_0) offset = std::min(offset, 0.0F);
    for (int step = 0; step < kPolish; ++step) {
      codes(x, n, scale, offset, 0, high, q);
      const float q1 = dot(w, q, ones, n), qq = dot(w, q, q, n), xq = dot(w, x, q, n);
      const float determinant = total * qq - q1 * q1;
      if (!(determinant > 0)) break;
      const float slope = (total * xq - q1 * sum_x) / determinant;
      const float start = (qq * sum_x - q1 * xq) / determinant;
      if (!(slope > 0)) break;
      scale = slope;
      offset = start;
      if (offset_at_most_0 && offset > 0) {
        offset = 0;
        scale = xq / qq;
      }
    }
    consider(stored(scale, rounded), stored(offset, rounded));
  }
  return best;
}

}  // namespace foreword::engine::fit

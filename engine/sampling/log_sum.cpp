#include "engine/sampling/log_sum.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace foreword::engine {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();

// exp(x) for x <= 0 in steps that a compiler can do for many values at once: 2^n times a polynomial in the rest, which is
// at most half a power of two (coefficients of the Taylor series; relative error below 2e-7).
float exp_of_nonpositive(float x) {
  const float clipped = x < -87.0F ? -87.0F : x;
  const float scaled = clipped * 1.44269504F;
  const float whole = static_cast<float>(static_cast<std::int32_t>(scaled - 0.5F));
  const float r = (clipped - whole * 0.693359375F) - whole * -2.12194440e-4F;
  const float p = 1 + r * (1 + r * (0.5F + r * (1.0F / 6 + r * (1.0F / 24 + r * (1.0F / 120 + r * (1.0F / 720 + r * (1.0F / 5040)))))));
  const auto power = std::bit_cast<float>((static_cast<std::int32_t>(whole) + 127) << 23);
  return x < -87.0F ? 0.0F : p * power;
}

}  // namespace

LogSum log_sum_of(std::span<const float> logits) {
  LogSum result{kNothing, 0};
  float best = kNothing;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > best) {
      best = logits[i];
      result.argmax = i;
    }
  }
  if (!std::isfinite(best)) return result;
  // Eight sums side by side, so that the order of additions is fixed and the loop is wide.
  constexpr std::size_t kLanes = 8;
  float sums[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float x = logits[i + lane];
      sums[lane] += x == x ? exp_of_nonpositive(x - best) : 0.0F;
    }
  }
  for (; i < logits.size(); ++i) sums[0] += logits[i] == logits[i] ? exp_of_nonpositive(logits[i] - best) : 0.0F;
  double sum = 0;
  for (const float one : sums) sum += one;
  result.log_sum = static_cast<float>(best + std::log(sum));
  return result;
}

}  // namespace foreword::engine

#pragma once
// Activations to 8 bits; a part of kernels_impl.h.

#include "gpu/cpu/kernels_shuffles.h"

namespace foreword::gpu {
namespace {

// How large a value is, as an integer: those are ordered as the values are, with what is no number above all. So it cannot get
// lost in a maximum, as it would by a comparison of floats, and its run becomes as little of a number as it is.
inline S size_bits(F v) { return reinterpret_cast<S>(absolute(v)); }
inline S larger(S a, S b) { return a > b ? a : b; }
template <int h = kLanes / 2>
inline float largest_size(S v) {
  v = larger(Count<kLanes>::flipped<h>(v), v);
  if constexpr (h > 1) return largest_size<h / 2>(v);
  return reinterpret_cast<F>(v)[0];
}

// kRuns runs of 16 values, two a block. rest: what the codes miss, or null.
template <int kRuns>
inline void quantise_runs(const float* x, QuantBlock* out, std::int64_t block_stride, float* rest) {
  static_assert(kRuns == 2 || kRuns == kLanes);
  float d[kRuns], inverse[kRuns], offset[kRuns];
  std::int32_t minus_sums[kRuns];
  const auto size_of = [&](int run) {
    S size = size_bits(load(x + 16 * run));
    for (int i = kLanes; i < 16; i += kLanes) size = larger(size_bits(load(x + 16 * run + i)), size);
    return size;
  };
  const auto sum_of_codes = [&](int run) {
    U sum = {};
    for (int i = 0; i < 16; i += kLanes) {
      const F value = load(x + 16 * run + i);
      const U code = rounded_bits(value * inverse[run]);
      store_int8(out[run / 2 * block_stride].q + 16 * (run % 2) + i, code);
      if (rest != nullptr) store(rest + 16 * run + i, fma(to_float(code), all(-d[run]), value));
      sum += code;
    }
    return sum;
  };
  if constexpr (kRuns == kLanes) {  // side by side
    S sizes[kLanes];
#pragma GCC unroll 16
    for (int run = 0; run < kLanes; ++run) sizes[run] = size_of(run);
    const F step = reinterpret_cast<F>(reduce_each(sizes, [](S a, S b) { return larger(a, b); })) / 127.0F;
    const F used = step < all(kSmallestStep) ? F{} : step;
    store(d, used);
    store(inverse, step < all(kSmallestStep) ? F{} : 1.0F / step);
    U sums[kLanes];
#pragma GCC unroll 16
    for (int run = 0; run < kLanes; ++run) sums[run] = sum_of_codes(run);
    const U negative = -reduce_each(sums, [](U a, U b) { return a + b; });
    __builtin_memcpy(minus_sums, &negative, sizeof minus_sums);
    store(offset, used * to_float(negative));
  } else {
    for (int run = 0; run < kRuns; ++run) {
      const float step = largest_size(size_of(run)) / 127.0F;
      d[run] = step < kSmallestStep ? 0 : step;
      inverse[run] = step < kSmallestStep ? 0 : 1.0F / step;
      minus_sums[run] = sum_of(-sum_of_codes(run));
      offset[run] = d[run] * static_cast<float>(minus_sums[run]);
    }
  }
#pragma GCC unroll 8
  for (int run = 0; run < kRuns; run += 2) {
    QuantBlock& block = out[run / 2 * block_stride];
    __builtin_memcpy(block.d, d + run, sizeof block.d);
    __builtin_memcpy(block.minus_sums, minus_sums + run, sizeof block.minus_sums);
    block.offset = offset[run] + offset[run + 1];
  }
}

template <int kRuns>
inline void quantise_terms(const float* x, QuantBlock* out, std::int64_t block_stride, std::int64_t second_term) {
  float rest[16 * kRuns];
  quantise_runs<kRuns>(x, out, block_stride, second_term > 0 ? rest : nullptr);
  if (second_term > 0) quantise_runs<kRuns>(rest, out + second_term, block_stride, nullptr);
}

void quantise(const float* x, std::int64_t cols, QuantBlock* out, std::int64_t block_stride, std::int64_t second_term) {
  std::int64_t c = 0;
  for (; c + 16 * kLanes <= cols; c += 16 * kLanes, out += kLanes / 2 * block_stride) quantise_terms<kLanes>(x + c, out, block_stride, second_term);
  for (; c < cols; c += 32, out += block_stride) quantise_terms<2>(x + c, out, block_stride, second_term);
}

}  // namespace
}  // namespace foreword::gpu

#pragma once
// The kernels of attention over floats and halves; a part of kernels_impl.h. A lane is a slot or a column, so nothing is summed
// across lanes: a row's sums have the same order whether one row is computed or many.

#include <type_traits>

#include "gpu/cpu/kernels_impl.h"
#include "gpu/cpu/kernels_shuffles.h"

namespace foreword::gpu {
namespace {

// ---- keys side by side ---------------------------------------------------------------------------------------------

// Bit h of the number of a vector against bit h of the lane.
template <int h>
inline void exchange(F (&v)[kLanes]) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i & h) continue;
    const F a = v[i], b = v[i + h];
    v[i] = Count<kLanes>::lower<h>(a, b);
    v[i + h] = Count<kLanes>::upper<h>(a, b);
  }
}
inline void transpose(F (&v)[kLanes]) {
  exchange<1>(v);
  exchange<2>(v);
  if constexpr (kLanes > 4) exchange<4>(v);
  if constexpr (kLanes > 8) exchange<8>(v);
}

template <class From>
void transpose_slots(const void* rows, std::int64_t n_slots, std::int64_t cols, float* out, Ahead ahead) {
  const auto* values = static_cast<const typename From::Value*>(rows);
  const std::int64_t blocks = (cols + kLanes - 1) / kLanes, n = (n_slots + kLanes - 1) / kLanes * blocks;
  const std::int64_t each = (ahead.n + n - 1) / n;
  for (std::int64_t t = 0, c = 0, b = 0; b < n; ++b) {
    const std::int64_t width = cols - c < kLanes ? cols - c : kLanes;
    fetch(ahead.bytes + b * each, each);
    F v[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      const auto* row = values + (t + i) * cols + c;
      v[i] = width == kLanes ? From::whole(row) : From::part(row, width);
    }
    transpose(v);
    if (width == kLanes) {
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) store(out + (c + i) * kKeySlots + t, v[i]);
    } else {
      for (int i = 0; i < width; ++i) store(out + (c + i) * kKeySlots + t, v[i]);
    }
    c += kLanes;
    if (c >= cols) c = 0, t += kLanes;
  }
}

// ---- weighted sums -------------------------------------------------------------------------------------------------

// kP rows of weights by kV vectors of columns, of which the last may be a part (width lanes).
template <class From, int kP, int kV>
inline void weighted_sum_tile(const float* p, std::int64_t p_stride, const typename From::Value* v, std::int64_t v_stride,
                              std::int64_t first, std::int64_t last, std::int64_t width, float* out, std::int64_t out_stride,
                              Ahead ahead) {
  F sums[kP][kV] = {};
  const std::int64_t each = ahead.n / 8;  // of a whole page
  for (std::int64_t t = first; t < last; ++t) {
    if (t % 8 == 0) fetch(ahead.bytes + t / 8 * each, each);
    F value[kV];
#pragma GCC unroll 4
    for (int i = 0; i < kV; ++i) {
      const auto* from = v + t * v_stride + i * kLanes;
      value[i] = kV > 1 || width == kLanes ? From::whole(from) : From::part(from, width);
    }
#pragma GCC unroll 8
    for (int j = 0; j < kP; ++j) {
      const F weight = all(p[j * p_stride + t]);
#pragma GCC unroll 4
      for (int i = 0; i < kV; ++i) sums[j][i] = fma(weight, value[i], sums[j][i]);
    }
  }
#pragma GCC unroll 8
  for (int j = 0; j < kP; ++j) {
#pragma GCC unroll 4
    for (int i = 0; i < kV; ++i) {
      float* to = out + j * out_stride + i * kLanes;
      if (kV > 1 || width == kLanes) store(to, sums[j][i]);
      else store_part(to, sums[j][i], width);
    }
  }
}

constexpr int kSumVectors = kLanes == 16 ? 4 : 2;  // as the registers allow
static_assert(kKeySlots % (2 * kLanes) == 0);

template <class From, int kP, int kV>
inline void weighted_sum_rows(const float*& p, std::int64_t p_stride, std::int64_t& n_p, const typename From::Value* v,
                              std::int64_t v_stride, std::int64_t first, std::int64_t last, std::int64_t width, float*& out,
                              std::int64_t out_stride, Ahead& ahead) {
  for (; n_p >= kP; n_p -= kP, p += kP * p_stride, out += kP * out_stride, ahead.n = 0) {
    weighted_sum_tile<From, kP, kV>(p, p_stride, v, v_stride, first, last, width, out, out_stride, ahead);
  }
}
template <class From, int kV>
inline void weighted_sum_columns(const float* p, std::int64_t p_stride, std::int64_t n_p, const typename From::Value* v,
                                 std::int64_t v_stride, std::int64_t first, std::int64_t last, std::int64_t width, float* out,
                                 std::int64_t out_stride, Ahead ahead) {
  if constexpr (kLanes == 16 && kV <= 2) {
    weighted_sum_rows<From, 8, kV>(p, p_stride, n_p, v, v_stride, first, last, width, out, out_stride, ahead);
  }
  weighted_sum_rows<From, 4, kV>(p, p_stride, n_p, v, v_stride, first, last, width, out, out_stride, ahead);
  weighted_sum_rows<From, 3, kV>(p, p_stride, n_p, v, v_stride, first, last, width, out, out_stride, ahead);
  weighted_sum_rows<From, 2, kV>(p, p_stride, n_p, v, v_stride, first, last, width, out, out_stride, ahead);
  weighted_sum_rows<From, 1, kV>(p, p_stride, n_p, v, v_stride, first, last, width, out, out_stride, ahead);
}

template <class From>
void weighted_sum(const float* p, std::int64_t p_stride, std::int64_t n_p, const void* v, std::int64_t v_stride, std::int64_t first,
                  std::int64_t last, std::int64_t cols, float* out, std::int64_t out_stride, Ahead ahead) {
  const auto* values = static_cast<const typename From::Value*>(v);
  const auto share = [&](std::int64_t c, std::int64_t n) {
    return Ahead{ahead.bytes + ahead.n * c / cols, ahead.n * (c + n) / cols - ahead.n * c / cols};
  };
  std::int64_t c = 0;
  const auto by_vectors = [&]<int kV>(std::integral_constant<int, kV>) {
    for (; c + kV * kLanes <= cols; c += kV * kLanes) {
      weighted_sum_columns<From, kV>(p, p_stride, n_p, values + c, v_stride, first, last, kLanes, out + c, out_stride, share(c, kV * kLanes));
    }
  };
  if constexpr (kSumVectors > 2) by_vectors(std::integral_constant<int, kSumVectors>{});
  by_vectors(std::integral_constant<int, 2>{});
  by_vectors(std::integral_constant<int, 1>{});
  if (c < cols) {
    weighted_sum_columns<From, 1>(p, p_stride, n_p, values + c, v_stride, first, last, cols - c, out + c, out_stride, share(c, cols - c));
  }
}

void softmax_page(float* logits, int first, int last, float factor, float cap, float* largest, float* sum) {
  constexpr int kSlots = 64;
  scale(logits, factor, kSlots, logits);
  if (cap > 0) softcap(logits, kSlots, cap);
  for (int t = 0; t < first; ++t) logits[t] = -__builtin_inff();
  for (int t = last; t < kSlots; ++t) logits[t] = -__builtin_inff();
  F most = load(logits);
  for (int t = kLanes; t < kSlots; t += kLanes) most = larger(load(logits + t), most);
  *largest = largest_of(most);
  F total = {};
  for (int t = 0; t < kSlots; t += kLanes) {
    const F weight = exponential(load(logits + t) - *largest);
    store(logits + t, weight);
    total += weight;
  }
  *sum = sum_of(total);
}

void add_weighted(float* sum, float weight, const float* v, std::int64_t n) {
  map(sum, v, n, sum, [weight](F old, F value) { return fma(all(weight), value, old); });
}

void blend(float* o, float a, const float* p, float b, std::int64_t n) {
  map(o, p, n, o, [a, b](F old, F fresh) { return fma(old, all(a), fresh * b); });
}

}  // namespace
}  // namespace foreword::gpu

#pragma once
// Shuffles of vectors by rule; a part of kernels_impl.h. The places are constants, as g++ and clang both take them.

#include "gpu/cpu/kernels_impl.h"

namespace foreword::gpu {
namespace {

// Count<kLanes> knows the numbers of the lanes.
template <int... kIndices>
struct Indices {
  // Of the pieces of `width` lanes that a and b have, one behind the other: the first, third, .. or the second, fourth, ..
  template <int width, class V>
  static V even_pieces(V a, V b) {
    return __builtin_shufflevector(a, b, (kIndices / width * 2 * width + kIndices % width)...);
  }
  template <int width, class V>
  static V odd_pieces(V a, V b) {
    return __builtin_shufflevector(a, b, (kIndices / width * 2 * width + width + kIndices % width)...);
  }
  // Lane i is lane i ^ h of v.
  template <int h, class V>
  static V flipped(V v) {
    return __builtin_shufflevector(v, v, (kIndices ^ h)...);
  }
  // a where bit h of the lane is clear, b beside it; and what those have in their other lanes.
  template <int h>
  static F lower(F a, F b) {
    return __builtin_shufflevector(a, b, (kIndices & h ? kLanes + kIndices - h : kIndices)...);
  }
  template <int h>
  static F upper(F a, F b) {
    return __builtin_shufflevector(a, b, (kIndices & h ? kLanes + kIndices : kIndices + h)...);
  }
};
template <int n, int... kIndices>
struct Count : Count<n - 1, n - 1, kIndices...> {};
template <int... kIndices>
struct Count<0, kIndices...> : Indices<kIndices...> {};

// Lane i becomes what all lanes of rows[i] make together. rows: 2 * n of them, which are overwritten.
template <int n = kLanes / 2, class V, class Op>
inline V reduce_each(V* rows, Op op) {
#pragma GCC unroll 8
  for (int i = 0; i < n; ++i) {
    const V a = rows[2 * i], b = rows[2 * i + 1];
    rows[i] = op(Count<kLanes>::template even_pieces<n>(a, b), Count<kLanes>::template odd_pieces<n>(a, b));
  }
  if constexpr (n > 1) return reduce_each<n / 2>(rows, op);
  return rows[0];
}

}  // namespace
}  // namespace foreword::gpu

#pragma once
// The kernels, written once on the vectors of a simd_*.h that is included before. Included by exactly one source file
// for each set of instructions; everything has internal linkage.
//
// A simd_*.h gives: kLanes; vectors F (float), U, S (32-bit integers) with the operators of GCC's vector extension;
// fma(a, b, c) = a * b + c, rounded once if kFused; square_root; rounded (nearest, ties to even) and the same as integers; loads and stores
// of the first n lanes (the others zero), of halves and of bf16; all_of (one integer for all lanes); store_int8; load_int8 and load_uint8 (kLanes bytes, widened);
// half_lanes (low 16 bits of each lane); load_columns (16 bytes of kLanes rows, transposed to 4 columns of 4 bytes);
// largest_of; sum_of (floats in a fixed order); dot_16; with_fifth_bit (16 more in each byte of codes whose given bit is set in bits); kPanels,
// the vectors of weight rows that multiply() keeps in registers, and kHeldRows, of how many rows of x it keeps the sums there.

#include "gpu/cpu/kernels.h"

namespace foreword::gpu {
namespace {

inline F load(const float* p) {
  F v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, F v) { __builtin_memcpy(p, &v, sizeof v); }
inline F all(float value) { return value - F{}; }
inline F larger(F a, F b) { return a > b ? a : b; }
inline F absolute(F v) { return reinterpret_cast<F>(reinterpret_cast<U>(v) & 0x7FFFFFFFU); }
inline F with_sign_of(F v, F sign) {
  return reinterpret_cast<F>(reinterpret_cast<U>(v) | (reinterpret_cast<U>(sign) & 0x80000000U));
}
// Asks for bytes.
inline void fetch(const std::uint8_t* bytes, std::int64_t n) {
  for (std::int64_t at = 0; at < n; at += 64) prefetch(bytes + at);
}
// Asks for slice `index` of `n` of the bytes from `ahead` on, in slices between the work, for a burst waits for itself
// (Q4_K at a third of the speed).
inline void fetch_slice(const std::uint8_t* ahead, std::int64_t bytes, std::int64_t index, std::int64_t n) {
  for (std::int64_t at = bytes * index / n / 64 * 64; at < bytes * (index + 1) / n; at += 64) prefetch(ahead + at);
}

// ---- functions -----------------------------------------------------------------------------------------------------

// exp to about 1e-7 relative; 0 below -87, infinite above 88.73; NaN stays NaN. exp(x) = 2^n exp(r) with r within
// +-ln(2)/2 (ln 2 in two parts after Cody and Waite); exp(r) = 1 + r + r^2 Q(r), Q fitted at Chebyshev points.
inline F exponential(F x) {
  const F low = all(-87.0F), high = all(88.8F);
  const F inside = x < low ? low : (x > high ? high : x);
  const F n = rounded(inside * 1.44269504F);
  F r = fma(n, all(-0.693359375F), inside);
  r = fma(n, all(2.12194440e-4F), r);
  F q = fma(r, all(0.00019894848810508847F), all(0.0013929614797234535F));
  q = fma(q, r, all(0.008333303965628147F));
  q = fma(q, r, all(0.04166650399565697F));
  q = fma(q, r, all(0.1666666716337204F));
  q = fma(q, r, all(0.5F));
  const F value = fma(q, r * r, r) + 1.0F;
  // 2^128 has no float: two factors.
  const S exponent = reinterpret_cast<S>(rounded_bits(n));
  const S half = exponent >> 1;
  const F first = reinterpret_cast<F>((half + 127) << 23), second = reinterpret_cast<F>((exponent - half + 127) << 23);
  return x < low ? F{} : value * first * second;
}

inline F sigmoid(F x) { return 1.0F / (1.0F + exponential(-x)); }
inline F silu_of(F x) { return x / (1.0F + exponential(-x)); }
// 0.5 x (1 + tanh(u)) = x / (1 + exp(-2u)).
inline F gelu_of(F x) {
  const F u = 0.7978845608F * x * (1.0F + 0.044715F * x * x);
  return x / (1.0F + exponential(-2.0F * u));
}
// A polynomial near 0, where 1 - 2 / (exp(2x) + 1) would lose the small digits.
inline F tanh_of(F x) {
  const F size = absolute(x), z = x * x;
  F p = fma(z, all(0.002062710467725992F), all(-0.008109863847494125F));
  p = fma(p, z, all(0.021684398874640465F));
  p = fma(p, z, all(-0.05394640564918518F));
  p = fma(p, z, all(0.1333322823047638F));
  p = fma(p, z, all(-0.3333333134651184F));
  const F near = fma(x * z, p, x);
  const F far = with_sign_of(1.0F - 2.0F / (exponential(2.0F * size) + 1.0F), x);
  return size < 0.625F ? near : far;
}

template <class Function>
inline void map(const float* x, std::int64_t n, float* out, Function function) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, function(load(x + i)));
  if (i < n) store_part(out + i, function(load_part(x + i, n - i)), n - i);
}
template <class Function>
inline void map(const float* x, const float* y, std::int64_t n, float* out, Function function) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, function(load(x + i), load(y + i)));
  if (i < n) store_part(out + i, function(load_part(x + i, n - i), load_part(y + i, n - i)), n - i);
}

void silu(const float* x, std::int64_t n, float* out) {
  map(x, n, out, [](F v) { return silu_of(v); });
}
void gelu(const float* x, std::int64_t n, float* out) {
  map(x, n, out, [](F v) { return gelu_of(v); });
}
void silu_glu(const float* gate, const float* up, std::int64_t n, float* out) {
  map(gate, up, n, out, [](F g, F u) { return silu_of(g) * u; });
}
void gelu_glu(const float* gate, const float* up, std::int64_t n, float* out) {
  map(gate, up, n, out, [](F g, F u) { return gelu_of(g) * u; });
}
void clamped_silu_glu(const float* gate, const float* up, std::int64_t n, float* out) {
  map(gate, up, n, out, [](F g, F u) {
    const F limit = all(7.0F);
    const F a = g > limit ? limit : g;
    const F b = u > limit ? limit : (u < -limit ? -limit : u);
    return a * sigmoid(1.702F * a) * (b + 1.0F);
  });
}
void softcap(float* x, std::int64_t n, float cap) {
  map(x, n, x, [cap](F v) { return cap * tanh_of(v / cap); });
}
void add(const float* x, const float* y, float scale, std::int64_t n, float* out) {
  map(x, y, n, out, [scale](F a, F b) { return a + scale * b; });
}
void scale(const float* x, float factor, std::int64_t n, float* out) {
  map(x, n, out, [factor](F v) { return v * factor; });
}

// The sum of function(x) over n values, in runs, so that a long row does not lose digits to a large running sum. What
// the function makes of the zeros behind the last value has to be zero.
template <class Function>
inline float summed(const float* x, std::int64_t n, Function function) {
  constexpr std::int64_t kRun = 32 * kLanes;
  F total = {};
  std::int64_t i = 0;
  while (i + kLanes <= n) {
    F sum = {};
    for (const std::int64_t end = n - i < kRun ? n : i + kRun; i + kLanes <= end; i += kLanes) sum += function(load(x + i));
    total += sum;
  }
  float sum = sum_of(total);
  if (i < n) sum += sum_of(function(load_part(x + i, n - i)));
  return sum;
}

void rms_norm(const float* x, const float* weight, float eps, std::int64_t n, float* out) {
  const double square = summed(x, n, [](F v) { return v * v; });
  const auto factor = static_cast<float>(1.0 / __builtin_sqrt(square / static_cast<double>(n) + eps));
  map(x, weight, n, out, [factor](F v, F w) { return v * factor * w; });
}

void layer_norm(const float* x, const float* weight, const float* bias, float eps, std::int64_t n, float* out) {
  const float mean = summed(x, n, [](F v) { return v; }) / static_cast<float>(n);
  const std::int64_t whole = n / kLanes * kLanes;
  double square = summed(x, whole, [mean](F v) { return (v - mean) * (v - mean); });
  for (std::int64_t i = whole; i < n; ++i) square += (x[i] - mean) * (x[i] - mean);
  const auto factor = static_cast<float>(1.0 / __builtin_sqrt(square / static_cast<double>(n) + eps));
  map(x, weight, n, out, [=](F v, F w) { return (v - mean) * factor * w; });
  if (bias != nullptr) map(out, bias, n, out, [](F v, F b) { return v + b; });
}

void to_half(const float* x, std::int64_t n, std::uint16_t* out) {
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const std::int64_t count = n - i < kLanes ? n - i : kLanes;
    const F v = count == kLanes ? load(x + i) : load_part(x + i, count);
    const F limit = all(65504.0F);
    store_half(out + i, v > limit ? limit : (v < -limit ? -limit : v), count);
  }
}

void from_half(const std::uint16_t* x, std::int64_t n, float* out) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, load_half(x + i));
  if (i < n) store_part(out + i, load_half_part(x + i, n - i), n - i);
}

std::uint64_t read(const void* data, std::int64_t n) {
  const auto* p = static_cast<const std::uint8_t*>(data);
  U a = {}, b = {}, c = {}, d = {}, v;
  for (std::int64_t i = 0; i + 4 * static_cast<std::int64_t>(sizeof v) <= n; i += 4 * static_cast<std::int64_t>(sizeof v)) {
    __builtin_memcpy(&v, p + i, sizeof v);
    a += v;
    __builtin_memcpy(&v, p + i + sizeof v, sizeof v);
    b += v;
    __builtin_memcpy(&v, p + i + 2 * sizeof v, sizeof v);
    c += v;
    __builtin_memcpy(&v, p + i + 3 * sizeof v, sizeof v);
    d += v;
  }
  a += b + c + d;
  std::uint64_t sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += a[i];
  return sum;
}

// ---- products with float activations -------------------------------------------------------------------------------

struct FromF32 {
  using Value = float;
  static F whole(const float* p) { return load(p); }
  static F part(const float* p, std::int64_t n) { return load_part(p, n); }
};
struct FromF16 {
  using Value = std::uint16_t;
  static F whole(const std::uint16_t* p) { return load_half(p); }
  static F part(const std::uint16_t* p, std::int64_t n) { return load_half_part(p, n); }
};
struct FromBf16 {
  using Value = std::uint16_t;
  static F whole(const std::uint16_t* p) { return load_bf16(p); }
  static F part(const std::uint16_t* p, std::int64_t n) { return load_bf16_part(p, n); }
};

// kW weight rows by kX activation rows; the sum of each pair is the same for every kW and kX.
template <class From, int kW, int kX>
inline void dot_tile(const std::uint8_t* w, std::int64_t w_stride, const float* const* x, std::int64_t cols,
                     float* const* out) {
  using Value = typename From::Value;
  F sums[kW][kX] = {};
  std::int64_t c = 0;
  for (; c + kLanes <= cols; c += kLanes) {
    F values[kX];
#pragma GCC unroll 8
    for (int j = 0; j < kX; ++j) values[j] = load(x[j] + c);
#pragma GCC unroll 8
    for (int i = 0; i < kW; ++i) {
      const auto* row = reinterpret_cast<const Value*>(w + i * w_stride);
      prefetch(reinterpret_cast<const std::uint8_t*>(row + c) + kW * w_stride);
      const F weight = From::whole(row + c);
#pragma GCC unroll 8
      for (int j = 0; j < kX; ++j) sums[i][j] = fma(weight, values[j], sums[i][j]);
    }
  }
  if (c < cols) {
#pragma GCC unroll 8
    for (int i = 0; i < kW; ++i) {
      const F weight = From::part(reinterpret_cast<const Value*>(w + i * w_stride) + c, cols - c);
#pragma GCC unroll 8
      for (int j = 0; j < kX; ++j) sums[i][j] = fma(weight, load_part(x[j] + c, cols - c), sums[i][j]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kW; ++i) {
#pragma GCC unroll 8
    for (int j = 0; j < kX; ++j) out[j][i] = sum_of(sums[i][j]);
  }
}

constexpr int kDotX = kLanes == 16 ? 4 : 2;
constexpr int kDotW = 4;

template <class From, int kX>
inline void dot_rows(const std::uint8_t* w, std::int64_t w_stride, std::int64_t n_w, const float* const* x,
                     std::int64_t cols, float* const* out) {
  float* to[kX];
  for (int j = 0; j < kX; ++j) to[j] = out[j];
  std::int64_t i = 0;
  for (; i + kDotW <= n_w; i += kDotW) {
    dot_tile<From, kDotW, kX>(w + i * w_stride, w_stride, x, cols, to);
    for (int j = 0; j < kX; ++j) to[j] += kDotW;
  }
  for (; i < n_w; ++i) {
    dot_tile<From, 1, kX>(w + i * w_stride, w_stride, x, cols, to);
    for (int j = 0; j < kX; ++j) ++to[j];
  }
}

template <class From>
void dot(const void* w, std::int64_t w_stride, std::int64_t n_w, const float* x, std::int64_t x_stride,
         const std::int32_t* rows, std::int64_t n_x, std::int64_t cols, float* out, std::int64_t out_stride) {
  const auto* bytes = static_cast<const std::uint8_t*>(w);
  const auto row_of_x = [&](std::int64_t j) { return x + (rows == nullptr ? j : rows[j]) * x_stride; };
  std::int64_t j = 0;
  for (; j + kDotX <= n_x; j += kDotX) {
    const float* from[kDotX];
    float* to[kDotX];
    for (int k = 0; k < kDotX; ++k) {
      from[k] = row_of_x(j + k);
      to[k] = out + (j + k) * out_stride;
    }
    dot_rows<From, kDotX>(bytes, w_stride, n_w, from, cols, to);
  }
  for (; j < n_x; ++j) {
    const float* from = row_of_x(j);
    float* to = out + j * out_stride;
    dot_rows<From, 1>(bytes, w_stride, n_w, &from, cols, &to);
  }
}

// ---- the most that the products can do ------------------------------------------------------------------------------

std::int64_t integer_peak(std::int64_t loops) {
  constexpr int kChains = kLanes == 16 ? 12 : 4;  // independent, enough to hide the latency, few enough for the registers
  alignas(64) std::uint8_t bytes[4 * kLanes];
  __builtin_memset(bytes, 1, sizeof bytes);
  U w;
  __builtin_memcpy(&w, bytes, sizeof w);
  const auto* x = reinterpret_cast<const std::int8_t*>(bytes);
  U sums[kChains] = {};
  for (std::int64_t i = 0; i < loops; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      sums[c] = dot_16<4>(sums[c], w, w, w, w, x);
      asm volatile("" : "+m"(w) : : );  // so that no product serves two chains or two rounds
    }
  }
  std::int64_t operations = loops * kChains * kLanes * 16 * 2;
  for (int c = 0; c < kChains; ++c) operations += sums[c][0] == 0;  // never: the sums are needed
  return operations;
}

}  // namespace
}  // namespace foreword::gpu

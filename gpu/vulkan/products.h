#pragma once
// What the ops that multiply share: the beginnings of their push constants, as products.glsl and the shaders that include it
// have them.

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

inline constexpr std::uint32_t kAbsent = 0xffffffff;  // the place of a tensor that is not there
inline constexpr std::int64_t kGroupRows = 32;        // of weights, for a workgroup of product_rows

/// Of product_tiles: products of an invocation, invocations side by side, and all of them (product_tiles.glsl).
struct Tile {
  std::uint32_t w_values, x_values, x_threads, threads;
  std::int64_t w_rows() const { return std::int64_t{w_values} * threads / x_threads; }
  std::int64_t x_rows() const { return std::int64_t{x_values} * x_threads; }
};
/// The one for a product of `n` weights, each of w_rows rows by x_rows rows of x.
Tile tile_for(std::int64_t w_rows, std::int64_t x_rows, std::int64_t n, const Features& features);

struct PartPush {
  std::uint32_t weights_at, row_bytes, first_row, n_rows, bias_at, out_at, out_stride, scale_at;
};
struct InputPush {
  std::uint32_t cols;
  View x;
  std::uint32_t rows;
};

inline std::uint32_t place_of(const Tensor& tensor, const View& view) { return tensor ? view.offset : kAbsent; }
/// Whether two views of one shape are one.
inline bool same_place(const Tensor& a, const Tensor& b) { return a.buffer == b.buffer && a.offset == b.offset; }
/// products.glsl: IN_FOURS. Bindings start at multiples of 16 bytes.
inline std::uint32_t in_fours(const Tensor& x, const WeightMatrix& w) {
  return x.offset % 16 == 0 && x.stride % 4 == 0 && x.cols % 4 == 0 && w.offset % 4 == 0 ? 1 : 0;
}
/// formats.glsl: WEIGHTS_IN_FOURS.
inline std::uint32_t weights_in_fours(const WeightMatrix& w) { return &layout_of(w) == &kPartsApart || w.offset % 16 == 0 ? 1 : 0; }
/// Formats whose values are codes of 8 bits, scaled and shifted (formats.glsl).
inline bool has_codes(Format format) {
  switch (format) {
    case Format::q4_0:
    case Format::q5_0:
    case Format::q8_0:
    case Format::q4_k:
    case Format::q5_k:
    case Format::q6_k: return true;
    default: return false;
  }
}
/// Whether the product rounds x to 8 bits and multiplies codes: where the device is made for it, formats that have codes, and weights
/// that do not ask for more. Never a matter of the number of rows.
inline bool by_codes(const WeightMatrix& w, const Features& features) { return has_codes(w.format) && features.integer_dot && !w.precise; }
/// Rows of x that a workgroup of product_rows takes at once.
inline std::uint32_t rows_at_once(std::int64_t rows) { return rows == 1 ? 1 : rows == 2 ? 2 : rows <= 4 ? 4 : 8; }

/// One of the kernels of tiles.
void use_tiles(ShaderId shader, const Tensor& x, const WeightMatrix& w, const Tile& tile, Lowering& to);
/// x in 8 bits, for product_code_tiles.
Range round_input(const Tensor& x, Lowering& to);

/// Binds weights, bias, result and scale in this order.
inline PartPush bind_part(const WeightMatrix& w, const WeightWindow& window, const Tensor& bias, const Tensor& out, Lowering& to) {
  const View weights = to.bind(window.range, 1), added = to.bind(bias), result = to.bind(out), scale = to.bind(w.scale);
  return {weights.offset, u32(row_bytes(w.format, w.cols)), u32(window.first_row), u32(window.n_rows), place_of(bias, added),
          result.offset, result.stride, place_of(w.scale, scale)};
}

}  // namespace foreword::gpu::vulkan

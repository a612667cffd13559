#pragma once
// Products of a weight with activation rows on one thread. A format with an integer kernel is multiplied in tiles of R
// rows with 8-bit activations; F32, F16 and BF16 are multiplied as they lie; any other format is decoded
// to floats a few rows at a time. A weight is unpacked once for all rows of a call, up to kMaxLinearRows.

#include <cstddef>
#include <cstdint>

#include "gpu/cpu/kernels.h"
#include "gpu/format.h"

namespace foreword::gpu {

inline constexpr std::int64_t kMaxLinearRows = 256;

/// The integer kernel of a format in a table, or nullptr.
const IntegerKernel* integer_kernel(const Kernels& kernels, Format format);

struct LinearTask {
  const Kernels* kernels = nullptr;
  Format format = Format::f32;
  const std::byte* weights = nullptr;  // [w_rows, cols]
  bool interleaved = false;            // in whole tiles of panels (panel_layout.h)
  std::int64_t fetch_ahead = 0;        // bytes before its use at which an interleaved weight is asked for: fetch_ahead_bytes()
  bool listed = false;                 // multiply_rows() will get lists of rows
  std::int64_t w_rows = 0;
  std::int64_t cols = 0;
  // Either quant, where the format has an integer kernel: block b of row r at quant[b * quant_stride + r], and its second
  // term second_term blocks behind it (0: it has none); or x.
  const QuantBlock* quant = nullptr;
  std::int64_t quant_stride = 0;
  std::int64_t second_term = 0;
  const float* x = nullptr;
  std::int64_t x_stride = 0;
  float* out = nullptr;
  std::int64_t out_stride = 0;
  const float* bias = nullptr;  // [w_rows] or null
  float scale = 1;

  std::int64_t tile_rows() const;
  /// Of scratch that multiply_rows() needs for any range.
  std::size_t scratch_bytes() const;
};

/// Rows i < n in turn: rows[i], or i where there is no list.
struct RowList {
  const std::int32_t* rows = nullptr;
  std::int64_t operator[](std::int64_t i) const { return rows == nullptr ? i : rows[i]; }
};

/// out[out_rows[i]][row] = scale * (w[row] . x[x_rows[i]]) + bias[row] for i < n and row in [first, last), `first` a
/// multiple of tile_rows(). Without a list of x_rows, n is at most kMaxLinearRows.
void multiply_rows(const LinearTask& task, std::int64_t first, std::int64_t last, RowList x_rows, RowList out_rows,
                   std::int64_t n, std::byte* scratch);

}  // namespace foreword::gpu

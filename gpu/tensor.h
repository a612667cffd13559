#pragma once
// Views of device memory. A view does not own; the Buffer that it points to must outlive it.

#include <cstddef>
#include <cstdint>

#include "gpu/format.h"

namespace foreword::gpu {

/// Device memory. Owned by whoever asked the backend for it; freed by the destructor.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual std::size_t bytes() const = 0;
  /// Address in host memory where the device shares it with the host, else nullptr.
  virtual std::byte* host() const = 0;
};

enum class DType : std::uint8_t { f32, f16, i32 };

constexpr std::int64_t bytes_of(DType dtype) { return dtype == DType::f16 ? 2 : 4; }

/// A matrix [rows, cols], rows `stride` elements apart. Rows are tokens, columns are width; heads lie side by
/// side in the columns. A default-made Tensor means "absent" where an op allows that.
struct Tensor {
  Buffer* buffer = nullptr;
  std::int64_t offset = 0;  // bytes
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;  // elements
  DType dtype = DType::f32;

  explicit operator bool() const { return buffer != nullptr; }
  /// Rows [first, first + count).
  Tensor row_range(std::int64_t first, std::int64_t count) const {
    Tensor view = *this;
    view.offset += first * stride * bytes_of(dtype);
    view.rows = count;
    return view;
  }
  /// Columns [first, first + count).
  Tensor col_range(std::int64_t first, std::int64_t count) const {
    Tensor view = *this;
    view.offset += first * bytes_of(dtype);
    view.cols = count;
    return view;
  }
};

/// A weight [rows, cols] = [out features, in features], row-major in `format`, n_experts of them one behind the
/// other. A product with it is `scale * (W x)`; `scale` holds one value, or one for each expert, or is absent.
struct WeightMatrix {
  const Buffer* buffer = nullptr;
  std::int64_t offset = 0;  // bytes
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t n_experts = 1;
  Format format = Format::f32;
  Tensor scale;
  /// Where a backend rounds the input of products to 8 bits, it shall keep about 16 here. For networks in which a
  /// small error can send a token another way (experts).
  bool precise = false;
  /// Rows that the backend has interleaved, so many together (Backend::arrange); 1: row after row. The last ones are
  /// filled up with zeros.
  std::int64_t tile_rows = 1;

  explicit operator bool() const { return buffer != nullptr; }
  std::int64_t expert_bytes() const { return (rows + tile_rows - 1) / tile_rows * tile_rows * row_bytes(format, cols); }
  /// Output rows [first, first + count), only for n_experts = 1 and tile_rows = 1.
  WeightMatrix row_range(std::int64_t first, std::int64_t count) const {
    WeightMatrix view = *this;
    view.offset += first * row_bytes(format, cols);
    view.rows = count;
    return view;
  }
};

}  // namespace foreword::gpu

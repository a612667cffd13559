#pragma once
// Device memory of our own for rows of a batch.

#include <memory>
#include <span>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/result.h"
#include "gpu/backend.h"

namespace foreword::engine {

/// A matrix with room for so many rows; a batch uses the first ones.
struct Scratch {
  std::unique_ptr<gpu::Buffer> buffer;
  gpu::Tensor all;

  /// Nothing where a side is 0.
  Result<void> make(gpu::Backend& backend, std::int64_t n_rows, std::int64_t cols, gpu::DType dtype = gpu::DType::f32) {
    if (n_rows == 0 || cols == 0) return {};
    FW_ASSIGN(buffer, backend.allocate(static_cast<std::size_t>(n_rows * cols * gpu::bytes_of(dtype))));
    all = {buffer.get(), 0, n_rows, cols, cols, dtype};
    return {};
  }
  gpu::Tensor rows(std::int64_t n) const { return all.row_range(0, n); }
  /// The first n * cols values as [n, cols], for data whose width changes from batch to batch.
  gpu::Tensor packed(std::int64_t n, std::int64_t cols) const {
    gpu::Tensor view = all;
    view.rows = n;
    view.cols = view.stride = cols;
    return view;
  }
  template <class T>
  gpu::Tensor write(gpu::Backend& backend, const std::vector<T>& values, std::int64_t n_rows, std::int64_t cols) const {
    check(n_rows * cols <= all.rows * all.cols, "a batch is larger than its working memory");
    const gpu::Tensor view = packed(n_rows, cols);
    backend.write(view, std::as_bytes(std::span(values)));
    return view;
  }
};

}  // namespace foreword::engine

#pragma once
// Host memory as device memory: buffers of the backends that run on the processor, and typed access to their views.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/base/result.h"
#include "gpu/backend.h"
#include "gpu/tensor.h"

namespace foreword::gpu {

/// 64-byte aligned, in huge pages where it is large and the system allows. `out_of_memory`.
Result<std::unique_ptr<Buffer>> allocate_host(std::size_t bytes);

/// A buffer that shows foreign bytes; they must outlive it and are never written.
std::unique_ptr<Buffer> wrap_host(std::span<const std::byte> bytes);

/// Start of row `row` of a view, as T (the view's dtype, or std::uint16_t for f16).
template <class T>
T* row_of(const Tensor& tensor, std::int64_t row) {
  return reinterpret_cast<T*>(tensor.buffer->host() + tensor.offset) + row * tensor.stride;
}

/// Start of the page of a block (of any pool) and a kv head; check().
std::byte* page_of(const KvLayer& layer, std::int32_t block, std::int64_t kv_head);

/// Copies key and value of one kv head from one slot of the open pool to another (slot = block * 64 + slot in it).
void copy_slot(const KvLayer& layer, std::int32_t from, std::int32_t to, std::int64_t kv_head);

/// Start of expert `expert` of a weight, in its format.
const std::byte* expert_of(const WeightMatrix& weight, std::int64_t expert);

}  // namespace foreword::gpu

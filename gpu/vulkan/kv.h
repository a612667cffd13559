#pragma once
// What the ops on KV pages share.

#include <bit>
#include <cmath>

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

/// The memory of a pool's pages; of one that is not there: the open pool's, for something has to be bound.
inline Range pool_range(const KvLayer& layer, std::int32_t index) {
  if (layer.pool(index).buffer == nullptr) index = 0;
  const KvPool pool = layer.pool(index);
  const auto bytes = static_cast<std::uint64_t>(pool.n_blocks * layer.n_kv_heads * layer.page_bytes(index));
  return Lowering::range_of(*pool.buffer).part(static_cast<std::uint64_t>(pool.offset), bytes);
}

/// KvFormat of the K and of the V tile of pool p: bits 8 p and 8 p + 4.
inline std::uint32_t packed_encodings(const KvLayer& layer) {
  std::uint32_t packed = 0;
  for (std::int32_t i = 0; i < KvLayer::kPools; ++i) {
    const KvEncoding encoding = layer.pool(i).encoding;
    packed |= (static_cast<std::uint32_t>(encoding.k) | static_cast<std::uint32_t>(encoding.v) << 4) << 8 * i;
  }
  return packed;
}

/// What rotate() multiplies runs of n by, as a specialisation constant.
inline std::uint32_t factor_bits(std::int64_t n) { return std::bit_cast<std::uint32_t>(1 / std::sqrt(static_cast<float>(n))); }

}  // namespace foreword::gpu::vulkan

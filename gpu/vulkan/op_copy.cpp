// write() of bytes that waited, copy_slots, and reading for its own sake.

#include <algorithm>

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

void lower(const WriteRecord& r, Lowering& to) {
  const auto row_bytes = static_cast<std::uint64_t>(r.to.cols * bytes_of(r.to.dtype));
  const bool packed = r.to.rows <= 1 || r.to.stride == r.to.cols;
  const std::int64_t n = packed ? std::min<std::int64_t>(1, r.to.rows) : r.to.rows;
  const std::uint64_t bytes = packed ? row_bytes * static_cast<std::uint64_t>(r.to.rows) : row_bytes;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto offset = static_cast<std::uint64_t>(r.to.row_range(i, 1).offset);
    to.copy(to.staged.part(r.staged + static_cast<std::uint64_t>(i) * row_bytes, bytes), Lowering::range_of(*r.to.buffer).part(offset, bytes));
  }
}

void lower(const CopySlotsRecord& r, Lowering& to) {
  struct Push {
    View pages, from, to;
    std::uint32_t n, n_heads, slot_bytes;
  } push;
  const std::int64_t slot_bytes = r.layer.head_dim * bytes_of(r.layer.dtype);
  const std::int64_t bytes = r.layer.n_blocks * r.layer.n_kv_heads * r.layer.page_bytes();
  constexpr std::int64_t kGroup = 64;
  to.use(ShaderId::copy_slots, {kGroup});
  push.pages = to.bind(Lowering::range_of(*r.layer.buffer).part(static_cast<std::uint64_t>(r.layer.offset), static_cast<std::uint64_t>(bytes)), 4);
  push.from = to.bind(r.from);
  push.to = to.bind(r.to);
  push.n = u32(r.from.rows);
  push.n_heads = u32(r.layer.n_kv_heads);
  push.slot_bytes = u32(slot_bytes);
  to.push(push);
  // Slots of an odd number of half words share words: one lane does those of a tile.
  const std::int64_t lanes = slot_bytes % 4 == 0 ? slot_bytes / 4 : 1;
  to.dispatch(divide_up(lanes, kGroup), 2, r.layer.n_kv_heads, {"copy_slots", {}, 4 * r.from.rows * r.layer.n_kv_heads * slot_bytes});
}

void lower_reading(const Range& range, Lowering& to) {
  struct Push {
    View from;
    std::uint32_t n_vectors;
  } push;
  constexpr std::int64_t kGroup = 256, kVectorsOfLane = 16;
  const auto n = static_cast<std::int64_t>(range.bytes / 16);
  const Range sum = to.scratch(4);
  to.use(ShaderId::read_through, {kGroup});
  push.from = to.bind(range, 16);
  to.bind(sum, 4);
  push.n_vectors = u32(n);
  to.push(push);
  to.dispatch(std::clamp<std::int64_t>(n / (kGroup * kVectorsOfLane), 1, 65535), 1, 1, {"read", {}, static_cast<std::int64_t>(range.bytes)});
}

}  // namespace foreword::gpu::vulkan

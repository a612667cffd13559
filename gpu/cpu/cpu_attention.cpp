// The ops of CpuBackend on the KV cache.

#include <cstring>

#include "gpu/cpu/attention.h"
#include "gpu/cpu/cpu_backend_impl.h"

namespace foreword::gpu {
namespace {

Extent pool_extent(const KvLayer& layer, std::int32_t index) {
  const KvPool pool = layer.pool(index);
  if (pool.buffer == nullptr) return {};
  return {pool.buffer->host() + pool.offset, pool.n_blocks * layer.n_kv_heads * layer.page_bytes(index)};
}

// All of the memory that a view lies in: what was decided for a pass holds for the next one, whose views have other widths.
Extent whole(const Tensor& view) {
  return view ? Extent(view.buffer->host(), static_cast<std::int64_t>(view.buffer->bytes())) : Extent();
}

}  // namespace

void CpuBackend::store_kv(const Tensor& k, const Tensor& v, const KvLayer& layer, const Tensor& slots) {
  shapes::store_kv(k, v, layer, slots);
  const std::int64_t dim = layer.head_dim, size = dim * bytes_of(layer.dtype);
  schedule_.need_scratch(static_cast<std::size_t>(dim) * sizeof(float));
  const Cut cut = cut_rows(k, kCheap);
  const OpCost cost{"store_kv", {}, 2 * k.rows * k.cols * (4 + bytes_of(layer.dtype))};
  record(cost, cut.count(), {Extent(k), Extent(v), Extent(slots)}, {pool_extent(layer, 0)},
         [=, &kernels = kernels_](std::int64_t unit, const Worker& worker) {
           const auto put = [&](const float* from, std::int64_t n_rotated, std::byte* to) {
             if (n_rotated > 1) {
               auto* turned = reinterpret_cast<float*>(worker.scratch);
               std::memcpy(turned, from, static_cast<std::size_t>(dim) * sizeof(float));
               kernels.rotate(turned, dim, n_rotated);
               from = turned;
             }
             if (layer.dtype == DType::f16) kernels.to_half(from, dim, reinterpret_cast<std::uint16_t*>(to));
             else std::memcpy(to, from, static_cast<std::size_t>(size));
           };
           for (std::int64_t r = cut.first(unit); r < cut.last(unit); ++r) {
             const std::int64_t slot = *row_of<std::int32_t>(slots, r);
             check(slot >= 0 && slot < layer.n_blocks * kPageSlots, "store_kv: slot in range");
             for (std::int64_t head = 0; head < layer.n_kv_heads; ++head) {
               std::byte* to = page_of(layer, static_cast<std::int32_t>(slot / kPageSlots), head) + slot % kPageSlots * size;
               put(row_of<float>(k, r) + head * dim, layer.basis.k, to);
               put(row_of<float>(v, r) + head * dim, layer.basis.v, to + kPageSlots * size);
             }
           }
         });
}

void CpuBackend::encode_pages(const KvLayer& layer, const Tensor& from, const Tensor& to) {
  shapes::encode_pages(layer, from, to);
  // Whoever reads or writes any page waits: which pools it concerns is known when it runs.
  record({"encode_pages", {}, from.rows * layer.n_kv_heads * layer.page_bytes()}, from.rows * layer.n_kv_heads,
         {Extent(from), Extent(to)},
         {pool_extent(layer, 0), pool_extent(layer, 1), pool_extent(layer, 2), pool_extent(layer, 3)},
         [=](std::int64_t unit, const Worker&) {
           const std::int64_t i = unit / layer.n_kv_heads, head = unit % layer.n_kv_heads;
           const std::int32_t source = *row_of<std::int32_t>(from, i), target = *row_of<std::int32_t>(to, i);
           encode_page(layer.head_dim, layer.pool(pool_of(source)).encoding, page_of(layer, source, head),
                       layer.pool(pool_of(target)).encoding, page_of(layer, target, head));
         });
}

void CpuBackend::copy_slots(const KvLayer& layer, const Tensor& from, const Tensor& to) {
  shapes::copy_slots(layer, from, to);
  record({"copy_slots", {}, 4 * from.rows * layer.n_kv_heads * layer.head_dim * bytes_of(layer.dtype)}, layer.n_kv_heads,
         {Extent(from), Extent(to)}, {pool_extent(layer, 0)}, [=](std::int64_t head, const Worker&) {
           for (std::int64_t i = 0; i < from.rows; ++i) {
             copy_slot(layer, *row_of<std::int32_t>(from, i), *row_of<std::int32_t>(to, i), head);
           }
         });
}

void CpuBackend::attention(const Tensor& q, const KvLayer& layer, const AttentionRows& rows,
                           const AttentionParams& params, const Tensor& out) {
  shapes::attention(q, layer, rows, params, out);
  AttentionTask task{&kernels_, q, out, layer, rows, params};
  schedule_.need_scratch(task.scratch_bytes());
  const Cut tiles{q.rows, task.tile_rows()};
  task.parts = task.parts_worth(pool_.size());
  const std::int64_t width = params.n_heads * layer.head_dim;
  const std::int32_t most = layer.pool(1).buffer != nullptr ? 1 : 0;  // where most pages of a long sequence lie
  const OpCost cost{"attention", {}, tiles.count() * rows.max_slots * layer.n_kv_heads * layer.page_bytes(most) / kPageSlots,
                    4 * q.rows * rows.max_slots * width};
  record(cost, tiles.count() * layer.n_kv_heads * task.parts,
         {Extent(q), pool_extent(layer, 0), pool_extent(layer, 1), pool_extent(layer, 2), pool_extent(layer, 3),
          whole(rows.table), whole(rows.sequence), whole(rows.position), whole(rows.prefix_slots),
          whole(rows.extra_begin), whole(rows.extra_slots), Extent(params.sinks), whole(rows.watch)},
         {Extent(out), whole(rows.shares)}, [=](std::int64_t unit, const Worker& worker) {
           const std::int64_t part = unit % task.parts, of_head = unit / task.parts, tile = of_head / layer.n_kv_heads;
           attend(task, of_head % layer.n_kv_heads, part, tiles.first(tile), tiles.last(tile), worker.scratch);
         });
}

}  // namespace foreword::gpu

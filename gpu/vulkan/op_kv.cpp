// store_kv and encode_pages.

#include <bit>

#include "gpu/vulkan/kv.h"
#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

void lower(const StoreKvRecord& r, Lowering& to) {
  struct Push {
    View k, v;
    std::uint32_t slots_at, pages_at;
  } push;
  if (r.rope.n > 0) lower(r.rope, to);
  if (r.k.rows == 0) return;
  const KvLayer& layer = r.layer;
  to.use(ShaderId::store_kv, {u32(layer.head_dim), u32(layer.n_kv_heads), u32(layer.basis.k), u32(layer.basis.v), factor_bits(layer.basis.k),
                              factor_bits(layer.basis.v), static_cast<std::uint32_t>(layer.pool(0).encoding.k)});
  push.k = to.bind(r.k);
  push.v = to.bind(r.v);
  push.slots_at = to.bind(r.slots).offset;
  push.pages_at = to.bind(pool_range(layer, 0), 4).offset;
  to.push(push);
  check(r.slots.stride == 1 || r.slots.rows == 1, "store_kv: slots one behind the other");
  to.dispatch(layer.n_kv_heads, 2, r.k.rows, {"store_kv", {}, 2 * r.k.rows * r.k.cols * (4 + bytes_of(layer.dtype))});
}

void lower(const EncodePagesRecord& r, Lowering& to) {
  struct Push {
    std::uint32_t pool_at[KvLayer::kPools], from_at, to_at;
  } push;
  if (r.from.rows == 0) return;
  const KvLayer& layer = r.layer;
  to.use(ShaderId::encode_pages, {u32(layer.head_dim), u32(layer.n_kv_heads), packed_encodings(layer)});
  for (std::int32_t i = 0; i < KvLayer::kPools; ++i) push.pool_at[i] = to.bind(pool_range(layer, i), 4).offset;
  push.from_at = to.bind(r.from).offset;
  push.to_at = to.bind(r.to).offset;
  to.push(push);
  to.dispatch(2 * layer.n_kv_heads, r.from.rows, 1, {"encode_pages", {}, r.from.rows * layer.n_kv_heads * layer.page_bytes()});
}

}  // namespace foreword::gpu::vulkan

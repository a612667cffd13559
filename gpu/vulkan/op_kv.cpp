// store_kv and encode_pages.

#include <bit>

#include "gpu/vulkan/kv.h"
#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

void lower(const StoreKvRecord& r, Lowering& to) {
  struct Push {
    View k, v;
    std::uint32_t slots_at, pages_at;
  };
  struct TurnedPush {
    Push store;
    View q, angles;
    std::uint32_t n_rot;
  };
  if (r.k.rows == 0) return;
  const KvLayer& layer = r.layer;
  check(r.slots.stride == 1 || r.slots.rows == 1, "store_kv: slots one behind the other");
  const std::uint32_t dim = u32(layer.head_dim), heads = u32(layer.n_kv_heads), basis_k = u32(layer.basis.k), basis_v = u32(layer.basis.v);
  const std::uint32_t factor_k = factor_bits(layer.basis.k), factor_v = factor_bits(layer.basis.v), format = static_cast<std::uint32_t>(layer.pool(0).encoding.k);
  const bool turned = r.rope.n > 0;
  if (!turned) to.use(ShaderId::store_kv, {dim, heads, basis_k, basis_v, factor_k, factor_v, format});
  else to.use(ShaderId::store_kv_turned, {dim, heads, basis_k, basis_v, factor_k, factor_v, format, r.rope.pairs == RopePairs::adjacent ? 1U : 0U});
  const View k = to.bind(r.k), v = to.bind(r.v), slots = to.bind(r.slots), pages = to.bind(pool_range(layer, 0), 4);
  const Push store{k, v, slots.offset, pages.offset};
  std::int64_t n_heads = 2 * layer.n_kv_heads;
  OpCost cost{"store_kv", {}, 2 * r.k.rows * r.k.cols * (4 + bytes_of(layer.dtype))};
  if (turned) {
    const Tensor& queries = r.rope.x[0];
    const View q = to.bind(queries), angles = to.bind(r.rope.cos_sin);
    to.push(TurnedPush{store, q, angles, u32(r.rope.n_rot)});
    n_heads += queries.cols / layer.head_dim;
    cost.bytes += 2 * value_bytes(queries) + value_bytes(r.k);
  } else {
    to.push(store);
  }
  to.dispatch(n_heads, r.k.rows, 1, cost);
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

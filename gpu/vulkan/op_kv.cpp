// store_kv and encode_pages.

#include <algorithm>
#include <bit>

#include "gpu/vulkan/kv.h"
#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

namespace {

struct StorePush {
  View k, v;
  std::uint32_t slots_at, pages_at;
};
struct TurnedPush {
  StorePush store;
  View q, angles;
  std::uint32_t n_rot;
};
struct NormedPush {
  TurnedPush turned;
  std::uint32_t n_q_heads, q_weight_at, k_weight_at, q_bias_at, k_bias_at, has_bias, whole_weight;
  float eps;
};

}  // namespace

void lower(const StoreKvRecord& r, Lowering& to) {
  const KvLayer& layer = r.layer;
  const NormRecord& norm = r.norm;
  check(r.slots.stride == 1 || r.slots.rows == 1, "store_kv: slots one behind the other");
  const bool turned = r.rope.n > 0 || norm.x, by_rows = norm.x && norm.group != layer.head_dim;
  constexpr std::uint32_t kHeadGroup = 64, kRowGroup = 256;  // invocations for a head, and for all heads of a row
  const std::uint32_t dim = u32(layer.head_dim), heads = u32(layer.n_kv_heads), basis_k = u32(layer.basis.k), basis_v = u32(layer.basis.v);
  const std::uint32_t factor_k = factor_bits(layer.basis.k), factor_v = factor_bits(layer.basis.v), format = static_cast<std::uint32_t>(layer.pool(0).encoding.k);
  const std::uint32_t adjacent = r.rope.pairs == RopePairs::adjacent ? 1 : 0, group = by_rows ? kRowGroup : kHeadGroup;
  if (norm.x) {
    to.use(ShaderId::store_kv_normed, {dim, heads, basis_k, basis_v, factor_k, factor_v, format, group, adjacent, norm_lanes(norm.group),
                                       norm_lanes(norm.second.group), norm.centre ? 1U : 0U, by_rows ? 1U : 0U,
                                       norm_at_once(std::max(norm.group, norm.second.group))});
  } else if (turned) {
    to.use(ShaderId::store_kv_turned, {dim, heads, basis_k, basis_v, factor_k, factor_v, format, group, adjacent});
  } else {
    to.use(ShaderId::store_kv, {dim, heads, basis_k, basis_v, factor_k, factor_v, format, group});
  }
  const View k = to.bind(r.k), v = to.bind(r.v), slots = to.bind(r.slots), pages = to.bind(pool_range(layer, 0), 4);
  const StorePush store{k, v, slots.offset, pages.offset};
  OpCost cost{"store_kv", {}, 2 * r.k.rows * r.k.cols * (4 + bytes_of(layer.dtype))};
  if (!turned) {
    to.push(store);
    return to.dispatch(2 * layer.n_kv_heads, r.k.rows, 1, cost);
  }
  const Tensor& queries = norm.x ? norm.x : r.rope.x[0];
  const std::int64_t n_q_heads = queries.cols / layer.head_dim;
  cost.bytes += 2 * value_bytes(queries) + value_bytes(r.k);
  const View q = to.bind(queries), angles = to.bind(r.rope.cos_sin);
  const TurnedPush turn{store, q, angles, r.rope.n > 0 ? u32(r.rope.n_rot) : 0};
  if (!norm.x) {
    to.push(turn);
  } else {
    const View q_weight = to.bind(norm.weight), k_weight = to.bind(norm.second.weight), q_bias = to.bind(norm.bias), k_bias = to.bind(norm.second.bias);
    to.push(NormedPush{turn, u32(n_q_heads), q_weight.offset, k_weight.offset, q_bias.offset, k_bias.offset, norm.bias ? 1U : 0U,
                       norm.weight.cols == norm.group ? 0U : 1U, norm.eps});
  }
  to.dispatch(by_rows ? 3 : n_q_heads + 2 * layer.n_kv_heads, r.k.rows, 1, cost);
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

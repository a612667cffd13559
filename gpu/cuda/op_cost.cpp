#include "gpu/cuda/op_cost.h"

#include <algorithm>

#include "gpu/format.h"
#include "gpu/kv_format.h"

namespace foreword::gpu::cuda {
namespace {

std::int64_t bytes_of_view(const View& v) { return v.data == nullptr ? 0 : v.rows * v.cols * 4; }

OpCost of_product(const LinearOp& op) {
  const auto format = static_cast<Format>(op.w.format);
  const std::int64_t touched = op.experts.data == nullptr ? 1 : std::min(op.w.n_experts, op.out.rows);
  return {op.experts.data == nullptr ? "linear" : "linear_experts", info(format).name,
          touched * op.w.rows * row_bytes(format, op.w.cols) + bytes_of_view(op.x) + bytes_of_view(op.out), 2 * op.w.rows * op.w.cols * op.out.rows};
}

OpCost of_products(const ProductsOp& op) {
  OpCost all = of_product(op.parts[0]);
  for (std::int64_t i = 1; i < op.n_parts; ++i) {
    const OpCost one = of_product(op.parts[i]);
    all.bytes += one.bytes;
    all.operations += one.operations;
  }
  for (const View& view : {op.residual, op.sum, op.outer, op.outer_sum, op.product, op.combined}) all.bytes += bytes_of_view(view);
  return all;
}

OpCost of_norm(const NormOp& op) {
  OpCost cost{op.centre != 0 ? "layer_norm" : "rms_norm", {}, 0};
  for (const View& view : {op.x, op.out, op.x2, op.out2, op.residual, op.sum, op.next_out}) cost.bytes += bytes_of_view(view);
  return cost;
}

std::int64_t page_bytes(const Cache& cache, const Pool& pool) {
  return KvEncoding{static_cast<KvFormat>(pool.k_format), static_cast<KvFormat>(pool.v_format)}.page_bytes(cache.head_dim);
}

OpCost of_attention(const AttentionOp& op) {
  std::int64_t page = 0;
  for (const Pool& pool : op.cache.pools) page = pool.pages == nullptr ? page : std::max(page, page_bytes(op.cache, pool));
  return {"attention", {}, op.max_slots / kPageSlots * op.cache.n_kv_heads * page + bytes_of_view(op.q) + bytes_of_view(op.out),
          4 * op.q.rows * op.max_slots * op.n_heads * op.cache.head_dim};
}

OpCost elementwise(const char* name, const ElementwiseOp& op) { return {name, {}, bytes_of_view(op.x) + bytes_of_view(op.y) + bytes_of_view(op.out)}; }

OpCost of_route(const RouteOp& op) {
  OpCost cost = op.router.w.data == nullptr ? OpCost{"route", {}, bytes_of_view(op.logits)} : of_product(op.router);
  cost.name = "route";
  cost.bytes += of_norm(op.norm).bytes;
  return cost;
}

}  // namespace

OpCost cost_of(const Op& op) {
  switch (op.kind) {
    case kOpWrite: return {"write", {}, op.write.rows * op.write.row_bytes};
    case kOpEmbed:
      return {"embed", info(static_cast<Format>(op.embed.table.format)).name,
              op.embed.out.rows * row_bytes(static_cast<Format>(op.embed.table.format), op.embed.table.cols) + bytes_of_view(op.embed.out)};
    case kOpNorm: return of_norm(op.norm);
    case kOpLinear: return of_products(op.linear);
    case kOpRope: return {"rope", {}, 2 * (bytes_of_view(op.rope.x[0]) + bytes_of_view(op.rope.x[1])) + bytes_of_view(op.rope.cos_sin)};
    case kOpStoreKv: return {"store_kv", {}, 3 * bytes_of_view(op.store_kv.k) + 2 * bytes_of_view(op.store_kv.q)};
    case kOpEncodePages:
      return {"encode_pages", {}, 2 * op.copy_kv.from.rows * op.copy_kv.cache.n_kv_heads * page_bytes(op.copy_kv.cache, op.copy_kv.cache.pools[0])};
    case kOpCopySlots:
      return {"copy_slots", {}, 2 * op.copy_kv.from.rows * op.copy_kv.cache.n_kv_heads * page_bytes(op.copy_kv.cache, op.copy_kv.cache.pools[0]) / kPageSlots};
    case kOpAttention: return of_attention(op.attention);
    case kOpGlu: return elementwise("glu", op.elementwise);
    case kOpActivate: return elementwise("activate", op.elementwise);
    case kOpAdd: return elementwise("add", op.elementwise);
    case kOpScale: return elementwise("scale", op.elementwise);
    case kOpSoftcap: return elementwise("softcap", op.elementwise);
    case kOpSigmoidGate: return elementwise("sigmoid_gate", op.elementwise);
    case kOpRoute: return of_route(op.route);
    case kOpCombine: return {"combine_experts", {}, bytes_of_view(op.combine.y) + bytes_of_view(op.combine.out)};
    case kOpTopK: return {"top_k", {}, bytes_of_view(op.top_k.x)};
    default: return {"gather_rows", {}, 2 * bytes_of_view(op.gather.out)};
  }
}

}  // namespace foreword::gpu::cuda

#include "gpu/cuda/ops.h"

#include <algorithm>
#include <cstring>

#include "gpu/cuda/device.h"

namespace foreword::gpu {
namespace {

using cuda::Op;

std::byte* address_of(const Buffer* buffer, std::int64_t offset) { return static_cast<const CudaBuffer*>(buffer)->address() + offset; }

cuda::View view_of(const Tensor& t) {
  if (!t) return {};
  return {address_of(t.buffer, t.offset), t.rows, t.cols, t.stride};
}
const float* floats_of(const Tensor& t) { return t ? reinterpret_cast<const float*>(address_of(t.buffer, t.offset)) : nullptr; }

cuda::Cache cache_of(const KvLayer& layer) {
  cuda::Cache cache{};
  for (std::int32_t i = 0; i < KvLayer::kPools; ++i) {
    const KvPool pool = layer.pool(i);
    if (pool.buffer == nullptr) continue;
    cache.pools[i] = {reinterpret_cast<std::uint8_t*>(address_of(pool.buffer, pool.offset)), static_cast<std::int32_t>(pool.encoding.k),
                      static_cast<std::int32_t>(pool.encoding.v)};
  }
  cache.n_kv_heads = layer.n_kv_heads;
  cache.head_dim = layer.head_dim;
  cache.basis_k = layer.basis.k;
  cache.basis_v = layer.basis.v;
  return cache;
}

// The op under construction. All of it was zero.
class Maker {
 public:
  explicit Maker(const FindWeight& find) : find_(find) { std::memset(static_cast<void*>(&op_), 0, sizeof op_); }

  std::optional<Op> made() const { return missing_ ? std::nullopt : std::optional(op_); }

  void operator()(const WriteRecord& r) { start(cuda::kOpWrite).write = rows_of(r.to, reinterpret_cast<std::byte*>(r.staged)); }
  void operator()(const EmbedRecord& r) { start(cuda::kOpEmbed).embed = {weight_of(r.table, WeightUse::table), view_of(r.ids), view_of(r.out)}; }
  void operator()(const NormRecord& r) { start(cuda::kOpNorm).norm = norm_of(r); }
  void operator()(const TopKRecord& r) { start(cuda::kOpTopK).top_k = {view_of(r.x), view_of(r.ids), view_of(r.values)}; }
  void operator()(const GatherRowsRecord& r) { start(cuda::kOpGather).gather = {view_of(r.x), view_of(r.rows), view_of(r.out)}; }
  void operator()(const CombineExpertsRecord& r) { start(cuda::kOpCombine).combine = {view_of(r.y), view_of(r.weights), view_of(r.out)}; }
  void operator()(const EncodePagesRecord& r) { start(cuda::kOpEncodePages).copy_kv = {view_of(r.from), view_of(r.to), cache_of(r.layer)}; }
  void operator()(const CopySlotsRecord& r) { start(cuda::kOpCopySlots).copy_kv = {view_of(r.from), view_of(r.to), cache_of(r.layer)}; }

  void operator()(const LinearRecord& r) {
    static constexpr cuda::After kAfter[] = {cuda::kAfterNone, cuda::kAfterAdd, cuda::kAfterGlu, cuda::kAfterActivate};
    cuda::ProductsOp& op = products(r, {}, kAfter[static_cast<std::size_t>(r.after)]);
    op.gate = view_of(r.gate);
    op.outer = view_of(r.outer);
    op.outer_sum = view_of(r.outer_sum);
    op.outer_factor = r.outer_scale;
  }

  void operator()(const LinearExpertsRecord& r) {
    static constexpr cuda::After kAfter[] = {cuda::kAfterNone, cuda::kAfterGlu, cuda::kAfterCombine};
    cuda::ProductsOp& op = products(r, r.experts, kAfter[static_cast<std::size_t>(r.after)]);
    op.weights = view_of(r.weights);
    op.combined = view_of(r.combined);
  }

  void operator()(const RopeRecord& r) {
    cuda::RopeOp& op = start(cuda::kOpRope).rope;
    for (int i = 0; i < r.n; ++i) op.x[i] = view_of(r.x[static_cast<std::size_t>(i)]);
    op.n = r.n;
    op.cos_sin = view_of(r.cos_sin);
    op.head_dim = r.head_dim;
    op.n_rot = r.n_rot;
    op.adjacent = r.pairs == RopePairs::adjacent;
  }

  void operator()(const StoreKvRecord& r) {
    cuda::StoreKvOp& op = start(cuda::kOpStoreKv).store_kv;
    op.k = view_of(r.k);
    op.v = view_of(r.v);
    op.slots = view_of(r.slots);
    op.cache = cache_of(r.layer);
    if (r.norm.x) op.norm = norm_of(r.norm);
    if (r.rope.n == 0) return;
    op.q = view_of(r.rope.x[0]);
    op.cos_sin = view_of(r.rope.cos_sin);
    op.n_rot = r.rope.n_rot;
    op.adjacent = r.rope.pairs == RopePairs::adjacent;
  }

  void operator()(const AttentionRecord& r) {
    // In steps, so that a growing text keeps the shape of its steps for a while; the first as long as what one launch takes.
    constexpr std::int64_t kFirst = 256, kSlotSteps = 1024;
    cuda::AttentionOp& op = start(cuda::kOpAttention).attention;
    op.q = view_of(r.q);
    op.out = view_of(r.out);
    op.table = view_of(r.rows.table);
    op.sequence = view_of(r.rows.sequence);
    op.position = view_of(r.rows.position);
    op.prefix_slots = view_of(r.rows.prefix_slots);
    op.extra_begin = view_of(r.rows.extra_begin);
    op.extra_slots = view_of(r.rows.extra_slots);
    op.watch = view_of(r.rows.watch);
    op.shares = view_of(r.rows.shares);
    op.cache = cache_of(r.layer);
    op.n_heads = r.params.n_heads;
    op.window = r.params.window;
    op.max_slots = r.rows.max_slots <= kFirst ? kFirst : (r.rows.max_slots + kSlotSteps - 1) / kSlotSteps * kSlotSteps;
    op.sinks = floats_of(r.params.sinks);
    op.scale = r.params.scale;
    op.softcap = r.params.softcap;
  }

  void operator()(const ElementwiseRecord& r) {
    struct Row {
      cuda::OpKind kind;
      Activation act;
    };
    static constexpr Row kRows[] = {{cuda::kOpAdd, {}},
                                    {cuda::kOpScale, {}},
                                    {cuda::kOpSoftcap, {}},
                                    {cuda::kOpSigmoidGate, {}},
                                    {cuda::kOpActivate, Activation::silu},
                                    {cuda::kOpActivate, Activation::gelu},
                                    {cuda::kOpGlu, Activation::silu},
                                    {cuda::kOpGlu, Activation::gelu},
                                    {cuda::kOpGlu, Activation::clamped_silu}};
    const Row& row = kRows[static_cast<std::size_t>(r.what)];
    start(row.kind).elementwise = {view_of(r.a), view_of(r.b), view_of(r.out), r.factor, static_cast<std::int32_t>(row.act)};
  }

  void operator()(const RouteRecord& r) {
    cuda::RouteOp& op = start(cuda::kOpRoute).route;
    op.logits = view_of(r.logits);
    op.experts = view_of(r.experts);
    op.weights = view_of(r.weights);
    op.routing = static_cast<std::int64_t>(r.routing);
    if (r.x) op.router = product_of(r.router, r.x, {});
    if (r.norm.x) op.norm = norm_of(r.norm);
  }

 private:
  Op& start(cuda::OpKind kind) {
    op_.kind = kind;
    return op_;
  }
  cuda::Weight weight_of(const WeightMatrix& w, WeightUse use) {
    const std::uint8_t* data = find_(w, use);
    missing_ = missing_ || data == nullptr;
    return {data, w.rows, w.cols, w.n_experts, static_cast<std::int32_t>(w.format), w.precise ? 1 : 0, floats_of(w.scale), w.scale.cols};
  }
  cuda::LinearOp product_of(const LinearRecord::Part& part, const Tensor& x, const Tensor& experts) {
    return {weight_of(part.weight, WeightUse::product), view_of(x), view_of(experts), view_of(part.bias), view_of(part.out)};
  }
  /// What products of one weight and of chosen experts have in common.
  template <class Record>
  cuda::ProductsOp& products(const Record& r, const Tensor& experts, cuda::After after) {
    cuda::ProductsOp& op = start(cuda::kOpLinear).linear;
    for (int i = 0; i < r.n_parts; ++i) op.parts[i] = product_of(r.parts[static_cast<std::size_t>(i)], r.x, experts);
    op.n_parts = r.n_parts;
    op.after = after;
    op.residual = view_of(r.residual);
    op.sum = view_of(r.sum);
    op.product = view_of(r.product);
    op.factor = r.residual_scale;
    op.activation = static_cast<std::int64_t>(r.act);
    return op;
  }
  static cuda::NormOp norm_of(const NormRecord& r) {
    return {view_of(r.x),
            view_of(r.weight),
            view_of(r.bias),
            view_of(r.out),
            r.group,
            r.eps,
            r.centre ? 1 : 0,
            view_of(r.second.x),
            view_of(r.second.weight),
            view_of(r.second.bias),
            view_of(r.second.out),
            r.second.group,
            view_of(r.residual),
            view_of(r.sum),
            view_of(r.next.weight),
            view_of(r.next.bias),
            view_of(r.next.out),
            r.residual_scale,
            r.next.eps};
  }

  const FindWeight& find_;
  Op op_;
  bool missing_ = false;
};

}  // namespace

cuda::Copy rows_of(const Tensor& tensor, std::byte* host) {
  const std::int64_t size = bytes_of(tensor.dtype);
  return {address_of(tensor.buffer, tensor.offset), host, tensor.rows, tensor.cols * size, tensor.stride * size};
}

std::optional<Op> op_of(const Record& record, const FindWeight& find) {
  Maker maker(find);
  std::visit(maker, record);
  return maker.made();
}

}  // namespace foreword::gpu

#include "gpu/cuda/lowering.h"

#include "gpu/codebooks.h"

namespace foreword::gpu::cuda {
namespace {

// Where a view lies in memory, gaps between its rows included.
bool overlap(const View& a, const View& b) {
  const auto begin = [](const View& v) { return reinterpret_cast<std::uintptr_t>(v.data); };
  const auto end = [&](const View& v) { return begin(v) + static_cast<std::uintptr_t>(((v.rows - 1) * v.stride + v.cols) * 4); };
  return a.data != nullptr && b.data != nullptr && a.rows > 0 && b.rows > 0 && begin(a) < end(b) && begin(b) < end(a);
}
bool same(const View& a, const View& b) { return a.data == b.data && a.rows == b.rows && a.cols == b.cols && a.stride == b.stride; }

// What products that follow may want rounded; nullptr: nothing that a kernel here can round on its way.
const View* made_by(const Op& op) {
  switch (op.kind) {
    case kOpNorm: return op.norm.x2.data == nullptr ? &made_by(op.norm) : nullptr;
    case kOpAttention: return &op.attention.out;
    case kOpGlu:
    case kOpActivate:
    case kOpAdd:
    case kOpScale:
    case kOpSoftcap: return &op.elementwise.out;
    default: return nullptr;
  }
}

// All that an op writes, of what products read.
template <class Each>
void for_all_written(const Op& op, Each each) {
  switch (op.kind) {
    case kOpEmbed: return each(op.embed.out);
    case kOpNorm: return each(op.norm.out), each(op.norm.out2), each(op.norm.sum), each(op.norm.next_out);
    case kOpLinear:
      for (std::int64_t i = 0; i < op.linear.n_parts; ++i) each(op.linear.parts[i].out);
      return each(op.linear.sum), each(op.linear.product), each(op.linear.combined);
    case kOpRope: return each(op.rope.x[0]), each(op.rope.x[1]);
    case kOpStoreKv: return each(op.store_kv.k), each(op.store_kv.q), each(op.store_kv.norm.out);
    case kOpAttention: return each(op.attention.out), each(op.attention.shares);
    case kOpRoute: return each(op.route.logits), each(op.route.experts), each(op.route.weights), each(op.route.norm.out);
    case kOpCombine: return each(op.combine.out);
    case kOpGather: return each(op.gather.out);
    case kOpTopK: return each(op.top_k.ids), each(op.top_k.values);
    case kOpWrite:
    case kOpEncodePages:
    case kOpCopySlots: return;
    default: return each(op.elementwise.out);
  }
}

// Terms in which the next op wants `made` rounded; 0: it has no product of it that rounds.
std::int64_t terms_wanted(const Op* next, const View& made) {
  if (next == nullptr || next->kind != kOpLinear || next->linear.parts[0].experts.data != nullptr || !same(next->linear.parts[0].x, made)) return 0;
  return rounded_terms(next->linear.parts[0]);
}

// Launches for products that round their input in one way; each of the others has one for itself.
void lower_products(Lowering& to, const ProductsOp& op) {
  const bool experts = op.parts[0].experts.data != nullptr;
  bool done[kMostParts] = {};
  for (std::int64_t i = 0; i < op.n_parts; ++i) {
    if (done[i]) continue;
    const std::int64_t terms = rounded_terms(op.parts[i]);
    Products products{{&op.parts[i]}, 1, op.after == kAfterAdd && terms > 0 ? &op : nullptr};
    for (std::int64_t k = i + 1; k < op.n_parts && terms > 0 && !experts; ++k) {
      if (done[k] || rounded_terms(op.parts[k]) != terms) continue;
      products.parts[products.n++] = &op.parts[k];
      done[k] = true;
    }
    lower(to, products);
  }
}

// What follows the products of an op.
void lower(Lowering& to, const ProductsOp& op, const Op* next) {
  lower_products(to, op);
  const View &first = op.parts[0].out, &second = op.parts[1].out;
  const std::int64_t terms = to.shares_rounding && op.product.data != nullptr ? terms_wanted(next, op.product) : 0;
  const auto add = [&](const View& y) { lower(to, ElementwiseOp{op.residual, y, op.sum, op.factor, 0}, kOpAdd, 0); };
  switch (op.after) {
    case kAfterAdd:
      if (rounded_terms(op.parts[0]) == 0) add(first);
      break;
    case kAfterGlu: return lower(to, ElementwiseOp{first, second, op.product, 0, op.activation}, kOpGlu, terms);
    case kAfterActivate: return lower(to, ElementwiseOp{first, {}, op.product, 0, op.activation}, kOpActivate, terms);
    case kAfterCombine:
      lower(to, CombineOp{first, op.weights, op.combined});
      if (op.sum.data != nullptr) add(op.combined);
      break;
    default: break;
  }
}

}  // namespace

void lower(Lowering& to, const Op& op, const Op* next) {
  to.scratch.used = 0;
  if (op.kind == kOpWrite) {
    to.input = {};  // writes come in front of a step's work: there is nothing to keep
    return;
  }
  for_all_written(op, [&](const View& written) {
    if (overlap(written, to.input.source)) to.input = {};
  });
  const View* made = made_by(op);
  const std::int64_t terms = to.shares_rounding && made != nullptr ? terms_wanted(next, *made) : 0;
  switch (op.kind) {
    case kOpEmbed: return lower(to, op.embed);
    case kOpNorm: return lower(to, op.norm, terms);
    case kOpLinear: return lower(to, op.linear, next);
    case kOpRope: return lower(to, op.rope);
    case kOpStoreKv: return lower(to, op.store_kv);
    case kOpEncodePages: return lower_encode_pages(to, op.copy_kv);
    case kOpCopySlots: return lower_copy_slots(to, op.copy_kv);
    case kOpAttention: return lower(to, op.attention, terms);
    case kOpRoute: return lower(to, op.route);
    case kOpCombine: return lower(to, op.combine);
    case kOpGather: return lower(to, op.gather);
    case kOpTopK: return lower(to, op.top_k);
    default: lower(to, op.elementwise, static_cast<OpKind>(op.kind), terms);
  }
}

void measure(Lowering& to, const Op* ops, std::int64_t n_ops) {
  to.measuring = true;
  to.input = {};
  to.rounded = to.scratch = Arena{};
  for (std::int64_t i = 0; i < n_ops; ++i) lower(to, ops[i], i + 1 < n_ops ? ops + i + 1 : nullptr);
  to.measuring = false;
  to.input = {};
  to.n_launches = 0;
}

Books books_at(const void* codebooks) {
  const auto* base = static_cast<const std::int8_t*>(codebooks);
  return {base + offsetof(Codebooks, iq2_xxs), base + offsetof(Codebooks, iq2_xs),  base + offsetof(Codebooks, iq2_s),
          base + offsetof(Codebooks, iq1),     base + offsetof(Codebooks, iq3_xxs), base + offsetof(Codebooks, iq3_s)};
}

}  // namespace foreword::gpu::cuda

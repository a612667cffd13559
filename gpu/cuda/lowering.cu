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

const View* written_by(const Op& op) {
  switch (op.kind) {
    case kOpEmbed: return &op.embed.out;
    case kOpNorm: return &op.norm.out;
    case kOpLinear: return &op.linear.out;
    case kOpRope: return &op.rope.x;
    case kOpAttention: return &op.attention.out;
    case kOpRoute: return &op.route.weights;
    case kOpCombine: return &op.combine.out;
    case kOpGather: return &op.gather.out;
    case kOpTopK: return &op.top_k.values;
    case kOpWrite:
    case kOpStoreKv:
    case kOpEncodePages:
    case kOpCopySlots: return nullptr;
    default: return &op.elementwise.out;
  }
}

// Terms in which the op wants `made` rounded; 0: it is no product of it that rounds.
std::int64_t terms_wanted(const Op& op, const View& made) {
  if (op.kind != kOpLinear || op.linear.experts.data != nullptr || !same(op.linear.x, made)) return 0;
  return rounded_terms(op.linear);
}

// The products that follow each other with one input, and the sum that takes the only one's result. Whoever is taken along must not
// read what another of them writes, nor write what another touches.
std::int64_t products_at(const Op* ops, std::int64_t n_ops, bool fuses, Products& products) {
  const LinearOp& first = ops[0].linear;
  products = {{&first}, 1, nullptr};
  if (!fuses || first.experts.data != nullptr || rounded_terms(first) == 0) return 1;
  const auto apart = [&](const LinearOp& next) {
    for (int i = 0; i < products.n; ++i) {
      const LinearOp& part = *products.parts[i];
      if (overlap(part.out, next.out) || overlap(part.out, next.bias) || overlap(part.bias, next.out)) return false;
    }
    return !overlap(next.out, first.x);
  };
  while (products.n < kMostParts && products.n < n_ops && !overlap(first.out, first.x)) {
    const Op& next = ops[products.n];
    if (terms_wanted(next, first.x) != rounded_terms(first) || !apart(next.linear)) break;
    products.parts[products.n++] = &next.linear;
  }
  if (products.n > 1 || n_ops < 2 || ops[1].kind != kOpAdd) return products.n;
  const ElementwiseOp& add = ops[1].elementwise;
  const bool fits = same(add.y, first.out) && !overlap(add.x, first.out) && !overlap(add.out, first.out) && !overlap(add.out, first.bias) &&
                    (same(add.out, add.x) || !overlap(add.out, add.x));
  if (!fits) return 1;
  products.add = &add;
  return 2;
}

// Queries and keys turned by the same angles, and the keys stored.
bool is_rope_and_store(const Op* ops, std::int64_t n_ops) {
  if (n_ops < 3 || ops[1].kind != kOpRope || ops[2].kind != kOpStoreKv) return false;
  const RopeOp &q = ops[0].rope, &k = ops[1].rope;
  const StoreKvOp& store = ops[2].store_kv;
  return same(q.cos_sin, k.cos_sin) && q.n_rot == k.n_rot && q.adjacent == k.adjacent && q.head_dim == k.head_dim && same(k.x, store.k) &&
         k.head_dim == store.cache.head_dim && q.x.rows > 0 && !overlap(q.x, k.x) && !overlap(q.x, store.v) && !overlap(k.x, store.v);
}

}  // namespace

std::int64_t lower(Lowering& to, const Op* ops, std::int64_t n_ops) {
  const Op& op = ops[0];
  to.scratch.used = 0;
  if (op.kind == kOpWrite) {
    to.input = {};  // writes come in front of a step's work: there is nothing to keep
    return 1;
  }
  std::int64_t n = 1;
  Products products{};
  if (op.kind == kOpLinear) n = products_at(ops, n_ops, to.fuses, products);
  const bool stores = to.fuses && op.kind == kOpRope && is_rope_and_store(ops, n_ops);
  if (stores) n = 3;
  for (std::int64_t i = 0; i < n; ++i) {
    const View* written = written_by(ops[i]);
    if (written != nullptr && overlap(*written, to.input.source)) to.input = {};
  }
  const View* made = written_by(op);
  const std::int64_t terms = to.fuses && made != nullptr && n_ops > 1 ? terms_wanted(ops[1], *made) : 0;
  switch (op.kind) {
    case kOpEmbed: lower(to, op.embed); break;
    case kOpNorm: lower(to, op.norm, op.norm.group == op.norm.x.cols ? terms : 0); break;
    case kOpLinear: lower(to, products); break;
    case kOpRope: stores ? lower(to, RopeAndStore{&op.rope, &ops[1].rope, &ops[2].store_kv}) : lower(to, op.rope); break;
    case kOpStoreKv: lower(to, op.store_kv); break;
    case kOpEncodePages: lower_encode_pages(to, op.copy_kv); break;
    case kOpCopySlots: lower_copy_slots(to, op.copy_kv); break;
    case kOpAttention: lower(to, op.attention, terms); break;
    case kOpRoute: lower(to, op.route); break;
    case kOpCombine: lower(to, op.combine); break;
    case kOpGather: lower(to, op.gather); break;
    case kOpTopK: lower(to, op.top_k); break;
    default: lower(to, op.elementwise, static_cast<OpKind>(op.kind), terms);
  }
  return n;
}

void measure(Lowering& to, const Op* ops, std::int64_t n_ops) {
  to.measuring = true;
  to.input = {};
  to.rounded = to.scratch = Arena{};
  for (std::int64_t i = 0; i < n_ops;) i += lower(to, ops + i, n_ops - i);
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

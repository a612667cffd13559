#include "gpu/cuda/lowering.h"

#include <algorithm>

#include "gpu/codebooks.h"
#include "gpu/cuda/packing.h"
#include "gpu/records/records.h"

namespace foreword::gpu::cuda {

// Where a view lies in memory, gaps between its rows included.
bool overlap(const View& a, const View& b) {
  const auto begin = [](const View& v) { return reinterpret_cast<std::uintptr_t>(v.data); };
  const auto end = [&](const View& v) { return begin(v) + static_cast<std::uintptr_t>(((v.rows - 1) * v.stride + v.cols) * 4); };
  return a.data != nullptr && b.data != nullptr && a.rows > 0 && b.rows > 0 && begin(a) < end(b) && begin(b) < end(a);
}

namespace {

bool same(const View& a, const View& b) { return a.data == b.data && a.rows == b.rows && a.cols == b.cols && a.stride == b.stride; }

// What products that follow may want rounded; nullptr: nothing that a kernel here can round on its way.
const View* made_by(const Op& op) {
  switch (op.kind) {
    case kOpNorm: return op.norm.x2.data == nullptr ? &made_by(op.norm) : nullptr;
    case kOpAttention: return &op.attention.out;
    case kOpRoute: return op.route.norm.x.data != nullptr ? &op.route.norm.out : nullptr;
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
      return each(op.linear.sum), each(op.linear.outer_sum), each(op.linear.product), each(op.linear.combined);
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

// Whether each row of the result has blocks of its own.
bool by_rows(const LinearOp& op) { return op.experts.data == nullptr ? op.out.rows == 1 : op.experts.rows == 1 || op.out.rows <= kFewExpertRows; }

// Terms in which the next op wants `made` rounded, in its own order; 0: it has no product of it that rounds.
std::int64_t terms_wanted(const Op* next, const View& made) {
  if (next == nullptr || next->kind != kOpLinear) return 0;
  const LinearOp& first = next->linear.parts[0];
  return same(first.x, made) && (first.experts.data == nullptr || by_rows(first)) ? rounded_terms(first) : 0;
}

// Where few rows come, whose products wait for memory.
Ahead ahead_of(const Lowering& to, const Op* next) {
  constexpr std::int64_t kFewRows = 64;
  Ahead ahead{};
  if (next == nullptr || next->kind != kOpLinear) return ahead;
  std::int64_t left = to.ahead_bytes;
  for (std::int64_t i = 0; i < next->linear.n_parts; ++i) {
    const LinearOp& op = next->linear.parts[i];
    if (op.experts.data != nullptr || op.out.rows > kFewRows) continue;
    ahead.from[i] = op.w.data;
    ahead.bytes[i] = std::min(left, packed_bytes(static_cast<Format>(op.w.format), op.w.rows, op.w.cols));
    left -= ahead.bytes[i];
  }
  ahead.blocks = left < to.ahead_bytes ? to.n_processors : 0;
  return ahead;
}

// Launches for those of an op's parts that round their input in the same way, and so on.
void lower_parts(Lowering& to, const ProductsOp& op, Way way) {
  bool done[kMostParts] = {};
  for (std::int64_t i = 0; i < op.n_parts; ++i) {
    if (done[i]) continue;
    Products products{{&op.parts[i]}, 1, way, &op, 0};
    const bool alone = op.parts[i].experts.data != nullptr;
    for (std::int64_t k = i + 1; k < op.n_parts && !alone; ++k) {
      if (done[k] || rounded_terms(op.parts[k]) != rounded_terms(op.parts[i])) continue;
      products.parts[products.n++] = &op.parts[k];
      done[k] = true;
    }
    lower(to, products);
  }
}

void lower(Lowering& to, const ProductsOp& op, const Op* next) {
  const LinearOp &first = op.parts[0], &second = op.parts[1];
  const std::int64_t terms = to.shares_rounding && op.product.data != nullptr ? terms_wanted(next, op.product) : 0;
  const std::int64_t made_terms = rounded_terms(first) > 0 ? terms : 0;
  const Way one = by_rows(first) ? Way::one : Way::by_slots;
  if (one == Way::one) {
    const bool alike = second.w.format == first.w.format && second.w.rows == first.w.rows && rounded_terms(second) == rounded_terms(first);
    const bool whole_tiles = first.w.rows / 2 % kRun == 0;  // of weights in units, a half begins with one
    if (op.after == kAfterGlu && op.n_parts == 1 && whole_tiles) return lower(to, Products{{&first}, 1, Way::gated, &op, made_terms});
    if (op.after == kAfterGlu && op.n_parts > 1 && alike) {
      ProductsOp third = op;
      third.product = {};
      if (op.n_parts == 3) lower(to, Products{{&op.parts[2]}, 1, Way::one, &third, 0});
      return lower(to, Products{{&first, &second}, 2, Way::gated, &op, made_terms});
    }
    if (op.after == kAfterActivate) return lower(to, Products{{&first}, 1, Way::one, &op, made_terms});
    if (op.after == kAfterCombine) return lower(to, Products{{&first}, 1, Way::combined, &op, 0});
  }
  ProductsOp plain = op;
  if (op.after != kAfterAdd) plain.product = {};
  lower_parts(to, plain, one);
  switch (op.after) {
    case kAfterGlu: {
      View gate = first.out, up = second.out;
      if (op.n_parts == 1) {
        gate.cols = op.product.cols;
        up = gate;
        up.data = static_cast<float*>(gate.data) + gate.cols;
      }
      return lower(to, ElementwiseOp{gate, up, op.product, 0, static_cast<std::int32_t>(op.activation)}, kOpGlu, terms);
    }
    case kAfterActivate: return lower(to, ElementwiseOp{first.out, {}, op.product, 0, static_cast<std::int32_t>(op.activation)}, kOpActivate, terms);
    case kAfterCombine:
      lower(to, CombineOp{first.out, op.weights, op.combined});
      if (op.sum.data != nullptr) lower(to, ElementwiseOp{op.residual, op.combined, op.sum, op.factor, 0}, kOpAdd, 0);
      return;
    default: return;
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
  to.ahead = ahead_of(to, next);
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
    case kOpRoute: return lower(to, op.route, terms);
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

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
    case kOpStoreKv:
    case kOpEncodePages:
    case kOpCopySlots: return nullptr;
    default: return &op.elementwise.out;
  }
}

}  // namespace

void lower(Lowering& to, const Op& op) {
  to.scratch.used = 0;
  switch (op.kind) {
    case kOpEmbed: lower(to, op.embed); break;
    case kOpNorm: lower(to, op.norm); break;
    case kOpLinear: lower(to, op.linear); break;
    case kOpRope: lower(to, op.rope); break;
    case kOpStoreKv: lower(to, op.store_kv); break;
    case kOpEncodePages: lower_encode_pages(to, op.copy_kv); break;
    case kOpCopySlots: lower_copy_slots(to, op.copy_kv); break;
    case kOpAttention: lower(to, op.attention); break;
    case kOpRoute: lower(to, op.route); break;
    case kOpCombine: lower(to, op.combine); break;
    case kOpGather: lower(to, op.gather); break;
    case kOpWrite: break;
    default: lower(to, op.elementwise, static_cast<OpKind>(op.kind));
  }
  if (op.kind == kOpWrite) {
    to.input = {};  // writes come in front of a step's work: there is nothing to keep
    return;
  }
  const View* written = written_by(op);
  if (written != nullptr && overlap(*written, to.input.source)) to.input = {};
}

void measure(Lowering& to, const Op* ops, std::int64_t n_ops) {
  to.measuring = true;
  to.input = {};
  auto* const nowhere = reinterpret_cast<std::byte*>(std::uintptr_t{256});  // so that a piece of it is not "none"
  to.rounded = to.scratch = Arena{nowhere};
  for (std::int64_t i = 0; i < n_ops; ++i) lower(to, ops[i]);
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

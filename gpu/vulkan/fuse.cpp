// The runs of ops that one dispatch does: products of one input, a product and the sum or the gated product that follows, norms of
// queries and keys, a norm and the sum that follows, the rotation of queries and keys and their way into the cache. At one row a layer is then eight dispatches.

#include <algorithm>

#include "gpu/vulkan/records.h"

namespace foreword::gpu::vulkan {
namespace {

bool same(const Tensor& a, const Tensor& b) {
  return a.buffer == b.buffer && a.offset == b.offset && a.rows == b.rows && a.cols == b.cols && a.stride == b.stride && a.dtype == b.dtype;
}

/// By their first and last byte.
bool overlap(const Tensor& a, const Tensor& b) {
  if (!a || !b || a.buffer != b.buffer || a.rows == 0 || b.rows == 0) return false;
  const auto end = [](const Tensor& t) { return t.offset + ((t.rows - 1) * t.stride + t.cols) * bytes_of(t.dtype); };
  return a.offset < end(b) && b.offset < end(a);
}

/// The earlier record takes the later one in, and everything stays as it was. False: it cannot.
bool take(LinearRecord& product, const LinearRecord& next) {
  if (product.after != LinearRecord::After::none || next.after != LinearRecord::After::none || next.n_parts != 1) return false;
  if (product.n_parts == std::ssize(product.parts) || !same(product.x, next.x)) return false;
  const LinearRecord::Part& part = next.parts[0];
  if (overlap(part.out, product.x)) return false;
  for (int i = 0; i < product.n_parts; ++i) {
    const Tensor& out = product.parts[static_cast<std::size_t>(i)].out;
    if (overlap(out, part.out) || overlap(out, part.bias) || overlap(out, product.x) || overlap(part.out, product.parts[static_cast<std::size_t>(i)].bias)) return false;
  }
  product.parts[static_cast<std::size_t>(product.n_parts++)] = part;
  return true;
}

bool take(LinearRecord& product, const ElementwiseRecord& next) {
  if (product.after != LinearRecord::After::none || overlap(next.out, product.x)) return false;
  const Tensor& first = product.parts[0].out;
  if (next.what == Elementwise::add && product.n_parts == 1) {
    if (!same(next.b, first) || overlap(next.a, first) || (overlap(next.out, first) || (overlap(next.out, next.a) && !same(next.out, next.a)))) return false;
    product.after = LinearRecord::After::add;
    product.residual = next.a;
    product.residual_scale = next.factor;
    product.sum = next.out;
    return true;
  }
  if (next.what >= Elementwise::silu_glu && product.n_parts == 2) {
    const Tensor& second = product.parts[1].out;
    if (!same(next.a, first) || !same(next.b, second) || overlap(next.out, first) || (overlap(next.out, second) && !same(next.out, second))) return false;
    product.after = LinearRecord::After::glu;
    product.act = static_cast<Activation>(static_cast<std::uint32_t>(next.what) - static_cast<std::uint32_t>(Elementwise::silu_glu));
    product.product = next.out;
    return true;
  }
  return false;
}

bool take(NormRecord& norm, const NormRecord& next) {
  const bool plain = !norm.sum && !norm.x2 && !next.sum && !next.x2;
  const bool alike = norm.centre == next.centre && norm.eps == next.eps && norm.group == next.group && norm.x.rows == next.x.rows &&
                     (norm.weight.cols == norm.group) == (next.weight.cols == next.group) && bool(norm.bias) == bool(next.bias);
  if (!plain || !alike || overlap(norm.out, next.x) || overlap(norm.out, next.weight) || overlap(norm.out, next.bias)) return false;
  if (overlap(next.out, norm.x) || overlap(next.out, norm.out) || overlap(next.out, norm.weight) || overlap(next.out, norm.bias)) return false;
  norm.x2 = next.x, norm.weight2 = next.weight, norm.bias2 = next.bias, norm.out2 = next.out;
  return true;
}

bool take(NormRecord& norm, const ElementwiseRecord& next) {
  if (next.what != Elementwise::add || norm.sum || norm.x2 || !same(next.b, norm.out) || overlap(next.a, norm.out)) return false;
  for (const Tensor& used : {norm.x, norm.weight, norm.bias, norm.out}) {
    if (overlap(next.out, used)) return false;
  }
  if (overlap(next.out, next.a) && !same(next.out, next.a)) return false;
  norm.residual = next.a, norm.residual_scale = next.factor, norm.sum = next.out;
  return true;
}

bool take(RopeRecord& rope, const RopeRecord& next) {
  if (rope.n != 1 || next.n != 1 || rope.head_dim != next.head_dim || rope.n_rot != next.n_rot || rope.pairs != next.pairs ||
      !same(rope.cos_sin, next.cos_sin) || overlap(rope.x[0], next.x[0])) {
    return false;
  }
  rope.x[static_cast<std::size_t>(rope.n++)] = next.x[0];
  return true;
}

/// A rotation of queries and keys goes before the keys are stored: the later record takes the earlier one in.
bool take_before(StoreKvRecord& store, const RopeRecord& rope) {
  if (rope.n != 2 || !same(rope.x[1], store.k) || overlap(rope.x[0], store.v) || overlap(rope.x[1], store.v) || rope.head_dim != store.layer.head_dim) return false;
  store.rope = rope;
  return true;
}

bool take(Record& before, const Record& next) {
  if (auto* product = std::get_if<LinearRecord>(&before)) {
    if (const auto* other = std::get_if<LinearRecord>(&next)) return take(*product, *other);
    if (const auto* after = std::get_if<ElementwiseRecord>(&next)) return take(*product, *after);
  }
  if (auto* norm = std::get_if<NormRecord>(&before)) {
    if (const auto* other = std::get_if<NormRecord>(&next)) return take(*norm, *other);
    if (const auto* after = std::get_if<ElementwiseRecord>(&next)) return take(*norm, *after);
  }
  if (auto* rope = std::get_if<RopeRecord>(&before)) {
    if (const auto* other = std::get_if<RopeRecord>(&next)) return take(*rope, *other);
    if (const auto* store = std::get_if<StoreKvRecord>(&next)) {
      StoreKvRecord both = *store;
      if (!take_before(both, *rope)) return false;
      before = both;
      return true;
    }
  }
  return false;
}

}  // namespace

void fuse(std::vector<Record>& records) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (kept > 0 && take(records[kept - 1], records[i])) continue;
    if (kept != i) records[kept] = std::move(records[i]);
    ++kept;
  }
  records.erase(records.begin() + static_cast<std::ptrdiff_t>(kept), records.end());
}

}  // namespace foreword::gpu::vulkan

#include "gpu/records/fuse.h"

#include <algorithm>

namespace foreword::gpu {
namespace {

// Of a router that one workgroup multiplies with.
constexpr std::int64_t kMostRouterWeights = std::int64_t{1} << 18;

bool same(const Tensor& a, const Tensor& b) {
  return a.buffer == b.buffer && a.offset == b.offset && a.rows == b.rows && a.cols == b.cols && a.stride == b.stride && a.dtype == b.dtype;
}

/// By their first and last byte.
bool overlap(const Tensor& a, const Tensor& b) {
  if (!a || !b || a.buffer != b.buffer || a.rows == 0 || b.rows == 0) return false;
  const auto end = [](const Tensor& t) { return t.offset + ((t.rows - 1) * t.stride + t.cols) * bytes_of(t.dtype); };
  return a.offset < end(b) && b.offset < end(a);
}

using Views = std::initializer_list<Tensor>;
/// Nothing that `a` writes is touched by one of the others.
bool apart(const Tensor& a, Views others) {
  return std::ranges::none_of(others, [&](const Tensor& other) { return overlap(a, other); });
}
bool same_or_apart(const Tensor& a, const Tensor& b) { return same(a, b) || !overlap(a, b); }

bool whole_rows(const NormRecord& norm) { return norm.group == norm.x.cols; }
bool plain(const NormRecord& norm) { return !norm.second.x && !norm.sum; }

// ---- products

bool several_products(LinearRecord& product, const LinearRecord& next) {
  if (product.after != LinearRecord::After::none || next.after != LinearRecord::After::none || next.n_parts != 1) return false;
  if (product.n_parts == std::ssize(product.parts) || !same(product.x, next.x) || product.gate || next.gate) return false;
  const LinearRecord::Part& part = next.parts[0];
  if (!apart(part.out, {product.x, product.norm.x, product.norm.weight}) || !apart(product.norm.out, {part.bias})) return false;
  for (int i = 0; i < product.n_parts; ++i) {
    const LinearRecord::Part& first = product.parts[static_cast<std::size_t>(i)];
    if (!apart(first.out, {part.out, part.bias, product.x}) || !apart(part.out, {first.bias})) return false;
  }
  product.parts[static_cast<std::size_t>(product.n_parts++)] = part;
  return true;
}

bool product_and_sum(LinearRecord& product, const ElementwiseRecord& next) {
  const auto& [weight, bias, out] = product.parts[0];
  if (product.after != LinearRecord::After::none || product.n_parts != 1 || next.what != Elementwise::add || !same(next.b, out)) return false;
  if (!apart(out, {next.a, next.out}) || !apart(next.out, {product.x, bias, product.gate}) || !same_or_apart(next.out, next.a)) return false;
  product.after = LinearRecord::After::add;
  product.residual = next.a;
  product.residual_scale = next.factor;
  product.sum = next.out;
  return true;
}

bool product_and_its_gate(LinearRecord& product, const ElementwiseRecord& next) {
  const auto& [weight, bias, out] = product.parts[0];
  if (product.after != LinearRecord::After::none || product.n_parts != 1 || product.gate || next.what != Elementwise::sigmoid_gate) return false;
  if (!same(next.a, out) || !same(next.out, out) || !apart(out, {next.b, product.x, bias})) return false;
  product.gate = next.b;
  return true;
}

bool sum_and_outer_sum(LinearRecord& product, const ElementwiseRecord& next) {
  const LinearRecord::Part& part = product.parts[0];
  if (product.after != LinearRecord::After::add || product.outer_sum || next.what != Elementwise::add || !same(next.b, product.sum)) return false;
  if (!apart(product.sum, {next.a, next.out}) || !apart(part.out, {next.a}) || !same_or_apart(next.out, next.a)) return false;
  if (!apart(next.out, {product.x, part.bias, part.out, product.residual, product.gate})) return false;
  product.outer = next.a;
  product.outer_scale = next.factor;
  product.outer_sum = next.out;
  return true;
}

// Every group of a product norms its row for itself, while others write what comes out.
bool norm_and_products(const NormRecord& norm, LinearRecord& product) {
  const auto& [weight, bias, out] = product.parts[0];
  if (product.norm.x || !plain(norm) || !whole_rows(norm) || norm.bias || norm.x.rows != 1 || !same(norm.out, product.x)) return false;
  if (product.n_parts != 1 || product.after != LinearRecord::After::none || product.gate) return false;
  if (!apart(norm.out, {norm.x, norm.weight, bias}) || !apart(out, {norm.x, norm.weight})) return false;
  product.norm = norm;
  return true;
}

// Into `act` what an elementwise op does, if it is a glu.
bool is_glu(const ElementwiseRecord& op, Activation& act) {
  for (const Activation one : {Activation::silu, Activation::gelu, Activation::clamped_silu}) {
    if (op.what == glu_of(one)) return act = one, true;
  }
  return false;
}

bool gate_and_up(LinearRecord& product, const ElementwiseRecord& next) {
  const auto& [gate, up, third] = product.parts;
  Activation act{};
  if (product.after != LinearRecord::After::none || product.n_parts < 2 || !is_glu(next, act) || !same(next.a, gate.out) || !same(next.b, up.out)) return false;
  if (!apart(next.out, {product.x, product.norm.x, product.norm.weight, gate.bias, up.bias, third.out, third.bias}) || !same_or_apart(next.out, up.out) || !same_or_apart(next.out, gate.out)) return false;
  product.after = LinearRecord::After::glu;
  product.act = act;
  product.product = next.out;
  return true;
}

bool product_and_activation(LinearRecord& product, const ElementwiseRecord& next) {
  const auto& [weight, bias, out] = product.parts[0];
  if (product.after != LinearRecord::After::none || product.n_parts != 1 || product.gate || (next.what != Elementwise::silu && next.what != Elementwise::gelu)) return false;
  if (!same(next.a, out) || !apart(next.out, {product.x, product.norm.x, product.norm.weight, bias}) || !same_or_apart(next.out, out)) return false;
  product.after = LinearRecord::After::activate;
  product.act = next.what == Elementwise::silu ? Activation::silu : Activation::gelu;
  product.product = next.out;
  return true;
}

// ---- norms

bool two_norms(NormRecord& norm, const NormRecord& next) {
  const bool groups = norm.group == next.group || (whole_rows(norm) && whole_rows(next));
  const bool alike = norm.centre == next.centre && norm.eps == next.eps && groups && norm.x.rows == next.x.rows &&
                     (norm.weight.cols == norm.group) == (next.weight.cols == next.group) && bool(norm.bias) == bool(next.bias);
  if (!plain(norm) || !plain(next) || !alike || !apart(norm.out, {next.x, next.weight, next.bias})) return false;
  if (!apart(next.out, {norm.x, norm.out, norm.weight, norm.bias})) return false;
  norm.second = {next.x, next.weight, next.bias, next.group, next.out};
  return true;
}

bool norm_and_sum(NormRecord& norm, const ElementwiseRecord& next) {
  if (next.what != Elementwise::add || !plain(norm) || !same(next.b, norm.out) || !apart(norm.out, {next.a})) return false;
  if (!apart(next.out, {norm.x, norm.weight, norm.bias, norm.out}) || !same_or_apart(next.out, next.a)) return false;
  norm.residual = next.a, norm.residual_scale = next.factor, norm.sum = next.out;
  return true;
}

bool sum_and_its_norm(NormRecord& norm, const NormRecord& next) {
  if (!norm.sum || norm.next.out || !plain(next) || norm.centre != next.centre || !same(next.x, norm.sum)) return false;
  if (!whole_rows(norm) || !whole_rows(next) || !apart(norm.sum, {next.weight, next.bias}) || !apart(norm.out, {next.weight, next.bias})) return false;
  if (!apart(next.out, {norm.x, norm.weight, norm.bias, norm.out, norm.residual, norm.sum})) return false;
  norm.next = {next.weight, next.bias, next.eps, next.out};
  return true;
}

// ---- into the cache

bool two_rotations(RopeRecord& rope, const RopeRecord& next) {
  if (rope.n != 1 || next.n != 1 || rope.head_dim != next.head_dim || rope.n_rot != next.n_rot || rope.pairs != next.pairs ||
      !same(rope.cos_sin, next.cos_sin) || overlap(rope.x[0], next.x[0])) {
    return false;
  }
  rope.x[static_cast<std::size_t>(rope.n++)] = next.x[0];
  return true;
}

bool rotation_and_store(const RopeRecord& rope, StoreKvRecord& store) {
  if (store.rope.n != 0 || store.norm.x || rope.n != 2 || !same(rope.x[1], store.k) || rope.head_dim != store.layer.head_dim) return false;
  if (!apart(rope.x[0], {store.v, store.k}) || !apart(rope.x[1], {store.v})) return false;
  store.rope = rope;
  return true;
}

bool norms_and_store(const NormRecord& norm, StoreKvRecord& store) {
  const NormRecord::Second& keys = norm.second;
  if (store.norm.x || !keys.x || !same(norm.x, norm.out) || !same(keys.x, keys.out) || !same(keys.x, store.k)) return false;
  if (store.rope.n != 0 && !same(norm.x, store.rope.x[0])) return false;
  const std::int64_t dim = store.layer.head_dim;
  const bool by_heads = norm.group == dim && keys.group == dim, by_rows = whole_rows(norm) && keys.group == keys.x.cols;
  if ((!by_heads && !by_rows) || norm.x.cols % dim != 0 || !apart(norm.x, {store.v, store.k}) || !apart(keys.x, {store.v})) return false;
  store.norm = norm;
  return true;
}

// ---- experts

bool norm_and_choice(const NormRecord& norm, RouteRecord& route) {
  if (!route.x || route.norm.x || !plain(norm) || !whole_rows(norm) || !same(norm.out, route.x)) return false;
  for (const Tensor& written : {route.logits, route.experts, route.weights}) {
    if (!apart(written, {norm.x, norm.weight, norm.bias})) return false;
  }
  if (!apart(norm.out, {norm.x, norm.weight, norm.bias, route.router.bias})) return false;
  route.norm = norm;
  return true;
}

bool router_and_choice(const LinearRecord& router, RouteRecord& route) {
  const auto& [weight, bias, out] = router.parts[0];
  if (route.x || router.after != LinearRecord::After::none || router.n_parts != 1 || router.gate || !same(out, route.logits) || out.rows > kFewExpertRows) return false;
  // Plain numbers, as routers are in all files: no device rounds what it multiplies them with.
  if (weight.format != Format::f32 && weight.format != Format::f16 && weight.format != Format::bf16) return false;
  if (weight.scale || weight.rows * weight.cols > kMostRouterWeights) return false;
  if (!apart(out, {router.x, bias}) || !apart(route.experts, {router.x, bias, out}) || !apart(route.weights, {router.x, bias, out})) return false;
  route.x = router.x;
  route.router = router.parts[0];
  return !router.norm.x || norm_and_choice(router.norm, route);
}

bool gates_and_ups(LinearExpertsRecord& product, const LinearExpertsRecord& next) {
  const LinearRecord::Part &gate = product.parts[0], &up = next.parts[0];
  if (product.after != LinearExpertsRecord::After::none || product.n_parts != 1 || next.n_parts != 1 || next.after != LinearExpertsRecord::After::none) return false;
  if (!same(product.x, next.x) || !same(product.experts, next.experts) || gate.weight.rows != up.weight.rows || gate.out.rows > kFewExpertRows) return false;
  if (!apart(gate.out, {product.x, product.experts, up.out, up.bias}) || !apart(up.out, {product.x, product.experts, gate.bias})) return false;
  product.parts[1] = up;
  product.n_parts = 2;
  return true;
}

bool gates_times_ups(LinearExpertsRecord& product, const ElementwiseRecord& next) {
  const auto& [gate, up] = product.parts;
  const std::int64_t width = next.out.cols;
  Activation act{};
  if (product.after != LinearExpertsRecord::After::none || gate.out.rows > kFewExpertRows || !is_glu(next, act)) return false;
  if (!apart(next.out, {product.x, product.experts, gate.out, gate.bias, up.bias})) return false;
  const bool halves = product.n_parts == 1 && gate.out.cols == 2 * width && apart(gate.out, {product.x, product.experts}) &&
                      same(next.a, gate.out.col_range(0, width)) && same(next.b, gate.out.col_range(width, width));
  const bool both = product.n_parts == 2 && same(next.a, gate.out) && same(next.b, up.out) && same_or_apart(next.out, up.out);
  if (!halves && !both) return false;
  product.after = LinearExpertsRecord::After::glu;
  product.act = act;
  product.product = next.out;
  return true;
}

bool experts_and_their_sum(LinearExpertsRecord& product, const CombineExpertsRecord& next) {
  const auto& [weight, bias, out] = product.parts[0];
  if (product.after != LinearExpertsRecord::After::none || product.n_parts != 1 || !same(out, next.y) || out.rows > kFewExpertRows) return false;
  if (!apart(out, {product.x, product.experts, next.weights, next.out}) || !apart(next.out, {product.x, product.experts, bias, next.weights})) return false;
  product.after = LinearExpertsRecord::After::combine;
  product.weights = next.weights;
  product.combined = next.out;
  return true;
}

bool experts_and_residual(LinearExpertsRecord& product, const ElementwiseRecord& next) {
  const LinearRecord::Part& part = product.parts[0];
  if (product.after != LinearExpertsRecord::After::combine || product.sum || next.what != Elementwise::add || !same(next.b, product.combined)) return false;
  if (!apart(product.combined, {next.a, next.out}) || !apart(part.out, {next.a, next.out}) || !same_or_apart(next.out, next.a)) return false;
  if (!apart(next.out, {product.x, product.experts, product.weights, part.bias})) return false;
  product.residual = next.a;
  product.residual_scale = next.factor;
  product.sum = next.out;
  return true;
}

// ---- the table

/// The earlier record takes the later one in.
template <class Before, class Next, bool (*kTake)(Before&, const Next&)>
bool earlier(Record& before, const Record& next) {
  auto* mine = std::get_if<Before>(&before);
  const auto* other = std::get_if<Next>(&next);
  return mine != nullptr && other != nullptr && kTake(*mine, *other);
}
/// The later record takes the earlier one in.
template <class Before, class Next, bool (*kTake)(const Before&, Next&)>
bool later(Record& before, const Record& next) {
  const auto* other = std::get_if<Before>(&before);
  if (other == nullptr || !std::holds_alternative<Next>(next)) return false;
  Next both = std::get<Next>(next);
  if (!kTake(*other, both)) return false;
  before = std::move(both);
  return true;
}

/// True: `before` now does what both did. False: nothing has changed.
using Rule = bool (*)(Record& before, const Record& next);
constexpr Rule kRules[] = {
    earlier<LinearRecord, LinearRecord, several_products>,
    earlier<LinearRecord, ElementwiseRecord, product_and_its_gate>,
    earlier<LinearRecord, ElementwiseRecord, product_and_sum>,
    earlier<LinearRecord, ElementwiseRecord, sum_and_outer_sum>,
    earlier<LinearRecord, ElementwiseRecord, gate_and_up>,
    earlier<LinearRecord, ElementwiseRecord, product_and_activation>,
    earlier<NormRecord, NormRecord, two_norms>,
    earlier<NormRecord, ElementwiseRecord, norm_and_sum>,
    earlier<NormRecord, NormRecord, sum_and_its_norm>,
    earlier<RopeRecord, RopeRecord, two_rotations>,
    later<RopeRecord, StoreKvRecord, rotation_and_store>,
    later<NormRecord, StoreKvRecord, norms_and_store>,
    later<LinearRecord, RouteRecord, router_and_choice>,
    later<NormRecord, RouteRecord, norm_and_choice>,
    earlier<LinearExpertsRecord, LinearExpertsRecord, gates_and_ups>,
    earlier<LinearExpertsRecord, ElementwiseRecord, gates_times_ups>,
    earlier<LinearExpertsRecord, CombineExpertsRecord, experts_and_their_sum>,
    earlier<LinearExpertsRecord, ElementwiseRecord, experts_and_residual>,
};

constexpr Rule kNormAndProducts = later<NormRecord, LinearRecord, norm_and_products>;

bool join(Record& before, const Record& next, bool norms_into_products) {
  return std::ranges::any_of(kRules, [&](Rule rule) { return rule(before, next); }) || (norms_into_products && kNormAndProducts(before, next));
}

}  // namespace

void fuse(std::vector<Record>& records, bool norms_into_products) {
  std::vector<Record> kept;
  kept.reserve(records.size());
  for (Record& record : records) {
    kept.push_back(std::move(record));
    // What two have become may go with what was before them.
    while (kept.size() > 1 && join(kept[kept.size() - 2], kept.back(), norms_into_products)) kept.pop_back();
  }
  records = std::move(kept);
}

}  // namespace foreword::gpu

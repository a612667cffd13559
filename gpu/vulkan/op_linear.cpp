// Products of dense weights: product_rows for few rows of x, several weights at once where they fit, product_tiles for many.
// Which one it is changes no bit.

#include <algorithm>
#include <array>
#include <span>

#include "gpu/vulkan/codebook_words.h"
#include "gpu/vulkan/lowering.h"
#include "gpu/vulkan/products.h"

namespace foreword::gpu::vulkan {
namespace {

constexpr std::int64_t kFewRows = 16;   // of x, for which product_tiles does not pay

OpCost cost_of(const WeightMatrix& w, std::int64_t w_rows, std::int64_t x_rows) {
  return {"linear", info(w.format).name, w_rows * row_bytes(w.format, w.cols) + 4 * x_rows * (w.cols + w_rows), 2 * w_rows * w.cols * x_rows};
}

bool few(const Tensor& x) { return x.rows <= kFewRows; }

Tensor rows_of(const Tensor& tensor, std::int64_t first, std::int64_t n) { return tensor ? tensor.row_range(first, n) : Tensor{}; }

// normed_input.glsl: behind the other push constants of shaders that can norm x themselves.
struct NormPush {
  std::uint32_t weight_at, out_at;
  float eps;
};
template <class Products>
struct WithNorm {
  Products products;
  NormPush norm;
};

std::uint32_t normed(const LinearRecord& r) { return !r.norm.x ? 0 : r.norm.centre ? 2 : 1; }
/// What is multiplied, or normed before that.
const Tensor& input_of(const LinearRecord& r) { return r.norm.x ? r.norm.x : r.x; }
// `product` is written anyway: without a norm it stands for what nothing is written to.
NormPush bind_norm(const LinearRecord& r, const Tensor& product, Lowering& to) {
  const View weight = to.bind(r.norm.weight), out = to.bind(r.norm.x ? r.norm.out : product);
  return {weight.offset, out.offset, r.norm.eps};
}
std::uint32_t inputs_in_fours(const LinearRecord& r, const WeightMatrix& w) { return r.norm.weight.offset % 16 == 0 ? in_fours(input_of(r), w) : 0; }

// Whether more than a plain sum follows the product.
bool has_more(const LinearRecord& r) { return r.gate || r.outer_sum; }

struct RowsShaders {
  ShaderId none, add, add_2, activate, two, three, glu, glu_3;
};
constexpr RowsShaders kByValues{ShaderId::product_rows_1, ShaderId::product_rows_add, ShaderId::product_rows_add_2, ShaderId::product_rows_activate,
                                ShaderId::product_rows_2, ShaderId::product_rows_3, ShaderId::product_rows_glu, ShaderId::product_rows_glu_3};
constexpr RowsShaders kByCodes{ShaderId::product_codes_1, ShaderId::product_codes_add, ShaderId::product_codes_add_2, ShaderId::product_codes_activate,
                               ShaderId::product_codes_2, ShaderId::product_codes_3, ShaderId::product_codes_glu, ShaderId::product_codes_glu_3};

// One weight, window by window, and what is to be done after it. `rounded`: x, for product_code_tiles.
void multiply(const LinearRecord& r, const LinearRecord::Part& part, const Range& rounded, LinearRecord::After after, Lowering& to) {
  using After = LinearRecord::After;
  struct Push {
    PartPush part;
    InputPush x;
  };
  struct AddPush {
    Push product;
    View residual, sum;
    float residual_scale;
  };
  struct OuterPush {
    AddPush add;
    View gate, outer, outer_sum;
    float outer_scale;
  };
  struct ActivatePush {
    Push product;
    View activated;
  };
  const WeightMatrix& w = part.weight;
  const double operations = 2.0 * static_cast<double>(w.rows) * static_cast<double>(w.cols);
  const Tile tile = tile_for(w.rows, r.x.rows, 1, to.features());
  const std::int64_t most = std::max(tile.x_rows(), static_cast<std::int64_t>(to.features().max_operations / operations) / tile.x_rows() * tile.x_rows());
  const Range codebooks = to.constant_table("codebooks", codebook_words());
  const bool codes = by_codes(w, to.features());
  const RowsShaders& shaders = codes ? kByCodes : kByValues;
  const bool more = has_more(r);
  const ShaderId rows_shader = after == After::add && more ? shaders.add_2 : after == After::add ? shaders.add : after == After::activate ? shaders.activate : shaders.none;
  for (const WeightWindow& window : to.windows(w)) {
    for (std::int64_t first = 0; first < r.x.rows; first += most) {
      const Tensor x = input_of(r).row_range(first, std::min(most, r.x.rows - first)), out = part.out.row_range(first, x.rows);
      if (!few(r.x)) use_tiles(codes ? ShaderId::product_code_tiles : ShaderId::product_tiles, x, w, tile, to);
      else if (after == After::activate) to.use(rows_shader, {inputs_in_fours(r, w), format_id(w), rows_at_once(x.rows), weights_in_fours(w), normed(r), 0, 0, static_cast<std::uint32_t>(r.act)});
      else if (after == After::add) to.use(rows_shader, {in_fours(x, w), format_id(w), rows_at_once(x.rows), weights_in_fours(w)});
      else to.use(rows_shader, {inputs_in_fours(r, w), format_id(w), rows_at_once(x.rows), weights_in_fours(w), normed(r)});
      to.bind(codebooks, 4);
      const View input = codes && !few(r.x) ? View{to.bind(rounded, 16).offset + u32(first), u32(r.x.rows)} : to.bind(x);
      const PartPush product = bind_part(w, window, part.bias, out, to);
      Push push{product, {u32(w.cols), input, u32(x.rows)}};
      if (few(r.x) && after == After::add) {
        const View residual = to.bind(rows_of(r.residual, first, x.rows)), sum = to.bind(rows_of(r.sum, first, x.rows));
        const AddPush add{push, residual, sum, r.residual_scale};
        if (!more) {
          to.push(add);
        } else {
          View gate = to.bind(rows_of(r.gate, first, x.rows)), outer = to.bind(rows_of(r.outer, first, x.rows));
          View outer_sum = to.bind(rows_of(r.outer_sum ? r.outer_sum : r.sum, first, x.rows));
          if (!r.gate) gate.offset = kAbsent;
          if (!r.outer_sum) outer_sum.offset = kAbsent;
          to.push(OuterPush{add, gate, outer, outer_sum, r.outer_scale});
        }
      } else if (few(r.x) && after == After::activate) {
        if (same_place(part.out, r.product)) push.part.out_at = kAbsent;
        const ActivatePush activate{push, to.bind(rows_of(r.product, first, x.rows))};
        to.push(WithNorm<ActivatePush>{activate, bind_norm(r, out, to)});
      } else if (few(r.x)) {
        to.push(WithNorm<Push>{push, bind_norm(r, out, to)});
      } else {
        to.push(push);
      }
      const std::int64_t w_group = few(r.x) ? kGroupRows : tile.w_rows(), x_group = few(r.x) ? rows_at_once(x.rows) : tile.x_rows();
      to.dispatch(divide_up(window.n_rows, w_group), divide_up(x.rows, x_group), 1, cost_of(w, window.n_rows, x.rows));
    }
  }
}

std::span<const LinearRecord::Part> parts_of(const LinearRecord& r) { return std::span(r.parts).first(static_cast<std::size_t>(r.n_parts)); }
bool any_by_codes(const LinearRecord& r, const Lowering& to) {
  return std::ranges::any_of(parts_of(r), [&](const LinearRecord::Part& part) { return by_codes(part.weight, to.features()); });
}

using Windows = std::array<WeightWindow, 3>;
// Of each part, where one dispatch can do all. False: it cannot.
bool fit_one(const LinearRecord& r, Windows& windows, Lowering& to) {
  if (!few(r.x)) return false;
  const bool codes = any_by_codes(r, to);
  for (std::size_t i = 0; i < parts_of(r).size(); ++i) {
    const WeightMatrix& w = r.parts[i].weight;
    const auto all = to.windows(w);
    if (all.size() != 1 || (codes && has_codes(w.format) && !by_codes(w, to.features()))) return false;
    windows[i] = all.front();
  }
  return true;
}

// Whether the products norm their input themselves.
bool norms_itself(const LinearRecord& r, Lowering& to) {
  using After = LinearRecord::After;
  Windows windows;
  return !r.gate && r.after != After::add && !(r.after == After::glu && r.n_parts == 3) && fit_one(r, windows, to);
}

// All weights in one dispatch, and the gated product after them if that is wanted. False: they do not fit one.
bool multiply_together(const LinearRecord& r, bool glu, Lowering& to) {
  Windows windows;
  if (r.n_parts == 1 || !fit_one(r, windows, to)) return false;
  const RowsShaders& shaders = any_by_codes(r, to) ? kByCodes : kByValues;
  const auto format = [&](std::size_t i) { return format_id(r.parts[i].weight); };
  const std::uint32_t at_once = rows_at_once(r.x.rows);
  const auto act = static_cast<std::uint32_t>(r.act);
  std::uint32_t fours = 1, w_fours = 1;
  for (const LinearRecord::Part& part : parts_of(r)) fours &= inputs_in_fours(r, part.weight), w_fours &= weights_in_fours(part.weight);
  if (r.n_parts == 3 && glu) to.use(shaders.glu_3, {fours, format(0), at_once, w_fours, 0, format(1), format(2), act});
  else if (r.n_parts == 3) to.use(shaders.three, {fours, format(0), at_once, w_fours, normed(r), format(1), format(2)});
  else if (glu) to.use(shaders.glu, {fours, format(0), at_once, w_fours, normed(r), format(1), 0, act});
  else to.use(shaders.two, {fours, format(0), at_once, w_fours, normed(r), format(1)});
  to.bind(to.constant_table("codebooks", codebook_words()), 4);
  const InputPush x{u32(r.x.cols), to.bind(input_of(r)), u32(r.x.rows)};
  std::array<PartPush, 3> parts{};
  std::int64_t groups = 0;
  OpCost cost{"linear", info(r.parts[0].weight.format).name};
  for (std::size_t i = 0; i < static_cast<std::size_t>(r.n_parts); ++i) {
    const LinearRecord::Part& part = r.parts[i];
    parts[i] = bind_part(part.weight, windows[i], part.bias, part.out, to);
    if (!glu || i != 1) groups += divide_up(part.weight.rows, kGroupRows);  // gate and up go together
    const OpCost one = cost_of(part.weight, part.weight.rows, r.x.rows);
    cost.bytes += one.bytes;
    cost.operations += one.operations;
  }
  struct TwoPush {
    PartPush parts[2];
    InputPush x;
  };
  struct GluPush {
    TwoPush product;
    View gated;
  };
  struct ThreePush {
    PartPush parts[3];
    InputPush x;
  };
  struct GluThreePush {
    ThreePush product;
    View gated;
  };
  for (std::size_t i = 0; glu && i < 2; ++i) {
    if (same_place(r.parts[i].out, r.product)) parts[i].out_at = kAbsent;
  }
  const TwoPush two{{parts[0], parts[1]}, x};
  const ThreePush three{{parts[0], parts[1], parts[2]}, x};
  const auto push_glu = [&] {
    const GluPush gated{two, to.bind(r.product)};
    to.push(WithNorm<GluPush>{gated, bind_norm(r, r.parts[0].out, to)});
  };
  if (r.n_parts == 3 && glu) to.push(GluThreePush{three, to.bind(r.product)});
  else if (r.n_parts == 3) to.push(WithNorm<ThreePush>{three, bind_norm(r, r.parts[0].out, to)});
  else if (!glu) to.push(WithNorm<TwoPush>{two, bind_norm(r, r.parts[0].out, to)});
  else push_glu();
  to.dispatch(groups, divide_up(r.x.rows, rows_at_once(r.x.rows)), 1, cost);
  return true;
}

}  // namespace

void lower(const LinearRecord& r, Lowering& to) {
  using After = LinearRecord::After;
  if (r.norm.x && !norms_itself(r, to)) {
    lower(r.norm, to);
    LinearRecord rest = r;
    rest.norm = {};
    return lower(rest, to);
  }
  const bool glu = r.after == After::glu, same_shape = glu && r.parts[0].weight.rows == r.parts[1].weight.rows;
  // What the dispatches of the products do themselves.
  const bool too_much = has_more(r) && r.after != After::add;
  const After within = too_much || glu ? After::none : r.after;
  if (multiply_together(r, same_shape, to)) {
    if (!glu || same_shape) return;
  } else {
    const Range rounded = any_by_codes(r, to) && !few(r.x) ? round_input(r.x, to) : Range{};
    for (const LinearRecord::Part& part : parts_of(r)) multiply(r, part, rounded, within, to);
    if (!glu && !too_much && few(r.x)) return;
  }
  const Tensor& out = r.parts[0].out;
  if (r.gate) lower(ElementwiseRecord{Elementwise::sigmoid_gate, out, r.gate, 1, out}, to);
  if (r.after == After::add) lower(ElementwiseRecord{Elementwise::add, r.residual, out, r.residual_scale, r.sum}, to);
  if (r.outer_sum) lower(ElementwiseRecord{Elementwise::add, r.outer, r.sum, r.outer_scale, r.outer_sum}, to);
  if (r.after == After::activate) lower(ElementwiseRecord{activation_of(r.act), out, {}, 1, r.product}, to);
  if (glu) lower(ElementwiseRecord{glu_of(r.act), out, r.parts[1].out, 1, r.product}, to);
}

}  // namespace foreword::gpu::vulkan

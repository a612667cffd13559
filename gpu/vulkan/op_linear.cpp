// Products of dense weights: product_rows for few rows of x, several weights at once where they fit, product_tiles for many.
// Which one it is changes no bit.

#include <algorithm>

#include "gpu/vulkan/codebook_words.h"
#include "gpu/vulkan/lowering.h"
#include "gpu/vulkan/products.h"

namespace foreword::gpu::vulkan {
namespace {

constexpr std::int64_t kFewRows = 16;   // of x, for which product_tiles does not pay
constexpr double kMostOperations = 4e9;  // of a dispatch

OpCost cost_of(const WeightMatrix& w, std::int64_t w_rows, std::int64_t x_rows) {
  return {"linear", info(w.format).name, w_rows * row_bytes(w.format, w.cols) + 4 * x_rows * (w.cols + w_rows), 2 * w_rows * w.cols * x_rows};
}

Elementwise glu_of(Activation act) {
  return static_cast<Elementwise>(static_cast<std::uint32_t>(Elementwise::silu_glu) + static_cast<std::uint32_t>(act));
}
static_assert(static_cast<int>(Elementwise::clamped_silu_glu) - static_cast<int>(Elementwise::silu_glu) == static_cast<int>(Activation::clamped_silu));

// One weight, window by window.
void multiply(const LinearRecord& r, const LinearRecord::Part& part, Lowering& to) {
  struct Push {
    PartPush part;
    InputPush x;
    std::uint32_t scale_at;
  };
  const WeightMatrix& w = part.weight;
  const bool few = r.x.rows <= kFewRows;
  const std::int64_t most = std::max(kTileRows, static_cast<std::int64_t>(kMostOperations / (2.0 * static_cast<double>(w.rows * w.cols))) / kTileRows * kTileRows);
  for (const WeightWindow& window : to.windows(w, kFileLayout)) {
    for (std::int64_t first = 0; first < r.x.rows; first += most) {
      const Tensor x = r.x.row_range(first, std::min(most, r.x.rows - first)), out = part.out.row_range(first, x.rows);
      if (few) to.use(ShaderId::product_rows_1, {in_fours(x), id_of(w.format), rows_at_once(x.rows)});
      else to.use(ShaderId::product_tiles, {in_fours(x), id_of(w.format)});
      const View books = to.bind(to.constant_table("codebooks", codebook_words()), 4), input = to.bind(x);
      check(books.offset == 0, "the codebooks begin where their binding does");
      const PartPush push_part = bind_part(w, window, part.bias, out, to);
      const Push push{push_part, {u32(w.cols), input, u32(x.rows)}, place_of(w.scale, to.bind(w.scale))};
      to.push(push);
      to.dispatch(divide_up(window.n_rows, few ? kGroupRows : kTileRows), divide_up(x.rows, few ? rows_at_once(x.rows) : kTileRows), 1,
                  cost_of(w, window.n_rows, x.rows));
    }
  }
}

// All weights in one dispatch. False: they do not fit one.
bool multiply_together(const LinearRecord& r, Lowering& to) {
  if (r.n_parts == 1 || r.x.rows > kFewRows) return false;
  std::array<WeightWindow, 3> windows;
  for (int i = 0; i < r.n_parts; ++i) {
    const WeightMatrix& w = r.parts[static_cast<std::size_t>(i)].weight;
    const auto all = to.windows(w, kFileLayout);
    if (all.size() != 1 || w.scale) return false;
    windows[static_cast<std::size_t>(i)] = all.front();
  }
  const auto format = [&](std::size_t i) { return id_of(r.parts[i].weight.format); };
  if (r.n_parts == 2) to.use(ShaderId::product_rows_2, {in_fours(r.x), format(0), rows_at_once(r.x.rows), format(1)});
  else to.use(ShaderId::product_rows_3, {in_fours(r.x), format(0), rows_at_once(r.x.rows), format(1), format(2)});
  to.bind(to.constant_table("codebooks", codebook_words()), 4);
  const InputPush x{u32(r.x.cols), to.bind(r.x), u32(r.x.rows)};
  std::array<PartPush, 3> parts{};
  std::int64_t groups = 0;
  OpCost cost{"linear", info(r.parts[0].weight.format).name};
  for (int i = 0; i < r.n_parts; ++i) {
    const LinearRecord::Part& part = r.parts[static_cast<std::size_t>(i)];
    parts[static_cast<std::size_t>(i)] = bind_part(part.weight, windows[static_cast<std::size_t>(i)], part.bias, part.out, to);
    groups += divide_up(part.weight.rows, kGroupRows);
    const OpCost one = cost_of(part.weight, part.weight.rows, r.x.rows);
    cost.bytes += one.bytes;
    cost.operations += one.operations;
  }
  struct Push2 {
    PartPush parts[2];
    InputPush x;
  };
  struct Push3 {
    PartPush parts[3];
    InputPush x;
  };
  if (r.n_parts == 2) to.push(Push2{{parts[0], parts[1]}, x});
  else to.push(Push3{{parts[0], parts[1], parts[2]}, x});
  to.dispatch(groups, divide_up(r.x.rows, rows_at_once(r.x.rows)), 1, cost);
  return true;
}

}  // namespace

const WeightLayout& product_layout(const WeightMatrix&, const Features&) { return kFileLayout; }

void lower(const LinearRecord& r, Lowering& to) {
  if (r.x.rows == 0) return;
  if (!multiply_together(r, to)) {
    for (int i = 0; i < r.n_parts; ++i) multiply(r, r.parts[static_cast<std::size_t>(i)], to);
  }
  if (r.after == LinearRecord::After::add) lower(ElementwiseRecord{Elementwise::add, r.residual, r.parts[0].out, r.residual_scale, r.sum}, to);
  if (r.after == LinearRecord::After::glu) lower(ElementwiseRecord{glu_of(r.act), r.parts[0].out, r.parts[1].out, 1, r.product}, to);
}

}  // namespace foreword::gpu::vulkan

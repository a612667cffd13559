// Products of experts: row by row of the result for few, with what follows them; sorted by expert, in tiles, for many.

#include <algorithm>
#include <bit>

#include "gpu/vulkan/codebook_words.h"
#include "gpu/vulkan/lowering.h"
#include "gpu/vulkan/products.h"

namespace foreword::gpu::vulkan {
namespace {

using Part = LinearRecord::Part;
using After = LinearExpertsRecord::After;

OpCost cost_of(const WeightMatrix& w, std::int64_t rows) {
  const std::int64_t n_read = std::min(w.n_experts, rows);
  return {"linear_experts", info(w.format).name, n_read * w.rows * row_bytes(w.format, w.cols), 2 * w.rows * w.cols * rows};
}

std::uint32_t rows_per_id(const LinearExpertsRecord& r) { return r.x.rows == r.experts.rows ? u32(r.experts.cols) : 1; }
std::uint32_t scale_stride(const WeightMatrix& w) { return w.scale && w.scale.cols > 1 ? 1 : 0; }

// The rows of the result listed by expert (experts_collect.comp).
Range collect(const LinearExpertsRecord& r, const WeightMatrix& w, std::int64_t rows, Lowering& to) {
  struct Push {
    View ids;
    std::uint32_t chosen, n_rows, lists_at, n_experts;
  };
  const Range lists = to.scratch(static_cast<std::uint64_t>(w.n_experts + 1 + rows) * 4);
  to.use(ShaderId::experts_collect, {});
  const View ids = to.bind(r.experts), at = to.bind(lists, 4);
  to.push(Push{ids, u32(r.experts.cols), u32(rows), at.offset, u32(w.n_experts)});
  to.dispatch(1, 1, 1, {"collect", {}, 4 * rows});
  return lists;
}

void multiply_piece(const LinearExpertsRecord& r, const Part& part, bool few, Lowering& to) {
  struct Push {
    PartPush part;
    InputPush x;
    std::uint32_t list_at, list_extent;  // ids and their stride, or the lists and the number of experts
    std::uint32_t chosen, expert_rows, expert_height, bias_stride, scale_stride, rows_per_id;
  };
  const WeightMatrix& w = part.weight;
  const std::int64_t rows = part.out.rows;
  const bool codes = by_codes(w, to.features());
  const Range lists = few ? Range{} : collect(r, w, rows, to), rounded = codes && !few ? round_input(r.x, to) : Range{};
  const Tile tile = tile_for(w.rows, divide_up(rows, w.n_experts), w.n_experts, to.features());
  for (const WeightWindow& window : to.windows(w)) {
    if (few) to.use(codes ? ShaderId::product_codes_experts : ShaderId::product_rows_experts, {in_fours(r.x, w), format_id(w), 1, weights_in_fours(w)});
    else use_tiles(codes ? ShaderId::product_code_tiles_experts : ShaderId::product_tiles_experts, r.x, w, tile, to);
    to.bind(to.constant_table("codebooks", codebook_words()), 4);
    const View input = codes && !few ? View{to.bind(rounded, 16).offset, u32(r.x.rows)} : to.bind(r.x);
    const InputPush x{u32(w.cols), input, u32(r.x.rows)};
    const PartPush product = bind_part(w, window, part.bias, part.out, to);
    const View list = few ? to.bind(r.experts) : to.bind(lists, 4);
    to.push(Push{product, x, list.offset, few ? list.stride : u32(w.n_experts), u32(r.experts.cols), u32(w.rows), u32(w.rows), u32(part.bias.stride),
                 scale_stride(w), rows_per_id(r)});
    if (few) to.dispatch(divide_up(w.rows, kGroupRows), rows, 1, cost_of(w, rows));
    else to.dispatch(divide_up(w.rows, tile.w_rows()), divide_up(rows, tile.x_rows()), w.n_experts, cost_of(w, rows));
  }
}

// No more at once than a slow device does in the time of a picture or two.
void multiply(const LinearExpertsRecord& r, const Part& part, Lowering& to) {
  const std::int64_t tokens = r.experts.rows, chosen = r.experts.cols, inputs = r.x.rows / tokens;
  const bool few = part.out.rows <= kFewExpertRows;
  const double operations = 2.0 * static_cast<double>(part.weight.rows) * static_cast<double>(part.weight.cols * chosen);
  const std::int64_t most = few ? tokens : std::max<std::int64_t>(32, static_cast<std::int64_t>(to.features().max_operations / operations));
  for (std::int64_t first = 0; first < tokens; first += most) {
    const std::int64_t n = std::min(most, tokens - first);
    LinearExpertsRecord piece = r;
    piece.experts = r.experts.row_range(first, n);
    piece.x = r.x.row_range(first * inputs, n * inputs);
    Part its = part;
    its.out = part.out.row_range(first * chosen, n * chosen);
    multiply_piece(piece, its, few, to);
  }
}

// The window of a weight that one dispatch can have with what follows it. False: it takes more.
bool whole(const WeightMatrix& w, WeightWindow& window, Lowering& to) {
  const auto all = to.windows(w);
  if (all.size() != 1 || by_codes(w, to.features())) return false;
  window = all.front();
  return true;
}

bool multiply_gated(const LinearExpertsRecord& r, Lowering& to) {
  struct Push {
    PartPush gate, up;
    InputPush x;
    View gated;
    std::uint32_t ids_at, ids_stride, chosen, expert_rows, expert_height, bias_strides[2], scale_strides[2], rows_per_id;
  };
  const bool merged = r.n_parts == 1;  // gate and up are halves of one weight
  const Part &gate = r.parts[0], &up = r.parts[merged ? 0 : 1];
  const std::int64_t rows = r.product.cols;
  WeightWindow gate_window, up_window;
  if (!whole(gate.weight, gate_window, to) || !whole(up.weight, up_window, to)) return false;
  to.use(ShaderId::product_rows_experts_glu, {in_fours(r.x, gate.weight) & in_fours(r.x, up.weight), format_id(gate.weight), 1,
                                              weights_in_fours(gate.weight) & weights_in_fours(up.weight), 0, format_id(up.weight), 0,
                                              static_cast<std::uint32_t>(r.act)});
  to.bind(to.constant_table("codebooks", codebook_words()), 4);
  const InputPush x{u32(gate.weight.cols), to.bind(r.x), u32(r.x.rows)};
  const PartPush first = bind_part(gate.weight, gate_window, gate.bias, gate.out, to);
  PartPush second = bind_part(up.weight, up_window, up.bias, up.out, to);
  if (merged) {
    second.weights_at += u32(rows) * second.row_bytes;
    second.out_at += u32(rows);
    if (up.bias) second.bias_at += u32(rows);
  }
  if (same_place(up.out, r.product)) second.out_at = kAbsent;
  const View gated = to.bind(r.product), ids = to.bind(r.experts);
  to.push(Push{first, second, x, gated, ids.offset, ids.stride, u32(r.experts.cols), u32(rows), u32(gate.weight.rows),
               {u32(gate.bias.stride), u32(up.bias.stride)}, {scale_stride(gate.weight), scale_stride(up.weight)}, rows_per_id(r)});
  OpCost cost = cost_of(gate.weight, gate.out.rows);
  if (!merged) {
    const OpCost more = cost_of(up.weight, up.out.rows);
    cost.bytes += more.bytes;
    cost.operations += more.operations;
  }
  to.dispatch(divide_up(rows, kGroupRows), gate.out.rows, 1, cost);
  return true;
}

bool multiply_and_combine(const LinearExpertsRecord& r, Lowering& to) {
  struct Push {
    PartPush part;
    InputPush x;
    std::uint32_t ids_at, ids_stride, chosen, expert_rows, expert_height, bias_stride, scale_stride, rows_per_id;
    View weights, combined, residual, sum;
    float residual_scale;
  };
  const Part& part = r.parts[0];
  const WeightMatrix& w = part.weight;
  WeightWindow window;
  if (!whole(w, window, to)) return false;
  const auto at_once = std::bit_floor(static_cast<std::uint32_t>(std::min<std::int64_t>(r.experts.cols, 8)));
  to.use(ShaderId::product_rows_experts_combine, {in_fours(r.x, w), format_id(w), 1, weights_in_fours(w), 0, 0, 0, 0, at_once});
  to.bind(to.constant_table("codebooks", codebook_words()), 4);
  const InputPush x{u32(w.cols), to.bind(r.x), u32(r.x.rows)};
  const PartPush product = bind_part(w, window, part.bias, part.out, to);
  const View weights = to.bind(r.weights), ids = to.bind(r.experts), combined = to.bind(r.combined), residual = to.bind(r.residual);
  View sum = to.bind(r.sum ? r.sum : r.combined);
  if (!r.sum) sum.offset = kAbsent;
  to.push(Push{product, x, ids.offset, ids.stride, u32(r.experts.cols), u32(w.rows), u32(w.rows), u32(part.bias.stride), scale_stride(w), rows_per_id(r),
               weights, combined, residual, sum, r.residual_scale});
  to.dispatch(divide_up(w.rows, kGroupRows / at_once), r.combined.rows, 1, cost_of(w, part.out.rows));
  return true;
}

}  // namespace

void lower(const LinearExpertsRecord& r, Lowering& to) {
  const Part& part = r.parts[0];
  if (r.after == After::glu && multiply_gated(r, to)) return;
  if (r.after == After::combine && multiply_and_combine(r, to)) return;
  for (int i = 0; i < r.n_parts; ++i) multiply(r, r.parts[static_cast<std::size_t>(i)], to);
  if (r.after == After::glu) {
    const std::int64_t width = r.product.cols;
    const bool merged = r.n_parts == 1;
    const Tensor gate = merged ? part.out.col_range(0, width) : part.out, up = merged ? part.out.col_range(width, width) : r.parts[1].out;
    lower(ElementwiseRecord{glu_of(r.act), gate, up, 1, r.product}, to);
  }
  if (r.after == After::combine) lower(CombineExpertsRecord{part.out, r.weights, r.combined}, to);
  if (r.sum) lower(ElementwiseRecord{Elementwise::add, r.residual, r.combined, r.residual_scale, r.sum}, to);
}

}  // namespace foreword::gpu::vulkan

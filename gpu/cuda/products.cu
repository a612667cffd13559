// From products to launches, and the formats whose inputs are rounded as on the processor.

#include <array>

#include "gpu/cuda/product_launch.cuh"

namespace foreword::gpu::cuda {
namespace {

__global__ void round_input(const float* x, std::int64_t stride, std::int64_t rows_per_input, const int* slot_row, std::int64_t n_slots, Rounded out) {
  const std::int64_t column = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x, slot = blockIdx.y;
  std::int64_t row = slot < n_slots ? slot : -1;
  if (slot_row != nullptr && row >= 0) row = slot_row[slot];
  const float value = row < 0 || column >= out.runs * kRun ? 0 : x[row / rows_per_input * stride + column];
  round_run(value, blockIdx.y, static_cast<unsigned>(column) / kRun, out);
}

const ProductRow* row_of(const LinearOp& op) {
  const auto format = static_cast<Format>(op.w.format);
  const ProductRow* row = product_row(format);
  return row != nullptr ? row : more_product_row(format);
}

// One or two of the formats whose inputs the processor rounds too (gpu/cpu/activations.h); three, which leave nothing that could be
// told from the input, of the others.
std::int64_t terms_of(const LinearOp& op) {
  if (product_row(static_cast<Format>(op.w.format)) == nullptr) return 3;
  return op.w.two_terms != 0 ? 2 : 1;
}

Rounded round(Lowering& to, const LinearOp& op, const Grouping& grouping) {
  const std::int64_t terms = terms_of(op);
  if (!grouping.by_expert && has_rounded(to, op.x, terms)) return to.input.rounded;
  const Rounded x = room_for_rounded(to, op.x, op.w.cols, terms, grouping.n_slots);
  if (grouping.by_expert) to.input = {};  // in the order of experts: of no use to others
  to.launch({blocks_for(x.runs * kRun, 256), static_cast<unsigned>(slots_in_tiles(grouping.n_slots))}, 256, 0, round_input, static_cast<const float*>(op.x.data), op.x.stride,
            grouping.by_expert ? op.out.rows / op.x.rows : 1, grouping.slot_row, grouping.n_slots, x);
  return x;
}

Part part_for(const LinearOp& op) {
  Part part{};
  part.weight = op.w.data;
  part.rows = part.height = op.w.rows;
  part.scale = op.w.scale;
  part.n_scales = op.w.n_scales;
  part.bias = static_cast<const float*>(op.bias.data);
  part.bias_stride = op.bias.stride;
  part.out = static_cast<float*>(op.out.data);
  part.out_stride = op.out.stride;
  part.format = static_cast<Format>(op.w.format);
  return part;
}

// Gate and up are the halves of one weight.
void halve(Target& p) {
  Part &gate = p.parts[0], &up = p.parts[1];
  gate.rows /= 2;
  up = gate;
  up.first_row = gate.rows;
  up.out += gate.rows;
  if (up.bias != nullptr) up.bias += gate.rows;
}

// Two formats that the queries, keys and values of one layer often have, for one row.
struct MixedRow {
  Format first, second;
  void (*kernel)(Product p);
};
constexpr MixedRow kMixed[] = {
    {Format::q4_k, Format::q6_k, multiply_mixed<Format::q4_k, Format::q6_k>},
    {Format::q5_k, Format::q6_k, multiply_mixed<Format::q5_k, Format::q6_k>},
    {Format::q4_k, Format::q5_k, multiply_mixed<Format::q4_k, Format::q5_k>},
    {Format::q4_0, Format::q8_0, multiply_mixed<Format::q4_0, Format::q8_0>},
    {Format::q5_0, Format::q8_0, multiply_mixed<Format::q5_0, Format::q8_0>},
};

bool launch_mixed(Lowering& to, const Products& products, Product p) {
  if (products.way != Way::one || products.n < 2 || products.op->after != kAfterNone) return false;
  for (int i = 0; i < products.n; ++i) p.parts[i] = part_for(*products.parts[i]);
  for (const MixedRow& row : kMixed) {
    int n_first = 0, n_second = 0;
    for (const Part& part : p.parts) n_first += part.weight != nullptr && part.format == row.first, n_second += part.weight != nullptr && part.format == row.second;
    if (n_first == 0 || n_second == 0 || n_first + n_second != products.n) continue;
    const unsigned n_blocks = place_blocks(p, Way::one, kTileRows);
    to.launch({n_blocks, 1}, kOneThreads, 0, row.kernel, p);
    return true;
  }
  return false;
}

}  // namespace

const ProductRow* product_row(Format format) {
  static constexpr ProductRow kRows[] = {
      {Format::q4_0, launch_product<Format::q4_0>}, {Format::q5_0, launch_product<Format::q5_0>}, {Format::q8_0, launch_product<Format::q8_0>},
      {Format::q4_k, launch_product<Format::q4_k>}, {Format::q5_k, launch_product<Format::q5_k>}, {Format::q6_k, launch_product<Format::q6_k>},
  };
  for (const ProductRow& row : kRows) {
    if (row.format == format) return &row;
  }
  return nullptr;
}

std::int64_t rounded_terms(const LinearOp& op) { return row_of(op) == nullptr ? 0 : terms_of(op); }

bool has_rounded(const Lowering& to, const View& x, std::int64_t terms) {
  const View& source = to.input.source;
  return source.data == x.data && source.rows == x.rows && source.cols == x.cols && source.stride == x.stride && to.input.rounded.terms == terms;
}

Rounded room_for_rounded(Lowering& to, const View& x, std::int64_t cols, std::int64_t terms, std::int64_t n_slots, bool beside) {
  Rounded rounded{nullptr, nullptr, nullptr, cols / kRun, static_cast<int>(terms)};
  // A block of a kernel takes whole groups of tiles; what it reads behind the last slot is never stored.
  const std::int64_t places = rounded.place(blocks_for(n_slots, kBlockColumns * kTile) * kBlockColumns, 0, 0, 0);
  if (!beside) to.rounded.used = 0;
  rounded.codes = reinterpret_cast<unsigned*>(to.rounded.take(places * kInChunk * kRun));
  rounded.steps = reinterpret_cast<float*>(to.rounded.take(places * kInChunk * 4));
  rounded.sums = reinterpret_cast<float*>(to.rounded.take(places * kInChunk * 4));
  to.input = {x, rounded};
  return rounded;
}

void lower(Lowering& to, const Products& products) {
  const LinearOp& first = *products.parts[0];
  const ProductsOp& op = *products.op;
  const bool experts = first.experts.data != nullptr, by_slots = products.way == Way::by_slots;
  const std::int64_t terms = rounded_terms(first);
  const Grouping grouping = experts && by_slots ? group_by_expert(to, first, kTile) : Grouping{by_slots ? first.out.rows : first.x.rows, kTile, false, nullptr, nullptr};
  Product p{};
  p.n_slots = grouping.n_slots;
  p.slot_row = grouping.slot_row;
  p.tile_expert = grouping.tile_expert;
  p.experts = static_cast<const int*>(first.experts.data);
  p.experts_stride = first.experts.stride;
  p.per_row = experts ? first.experts.cols : 1;
  p.results_per_input = first.out.rows / first.x.rows;
  p.gate = static_cast<const float*>(op.gate.data);
  p.gate_stride = op.gate.stride;
  p.residual = static_cast<const float*>(op.residual.data);
  p.residual_stride = op.residual.stride;
  p.sum = op.after == kAfterAdd || products.way == Way::combined ? static_cast<float*>(op.sum.data) : nullptr;
  p.sum_stride = op.sum.stride;
  p.factor = op.factor;
  p.outer = static_cast<const float*>(op.outer.data);
  p.outer_stride = op.outer.stride;
  p.outer_sum = static_cast<float*>(op.outer_sum.data);
  p.outer_sum_stride = op.outer_sum.stride;
  p.outer_factor = op.outer_factor;
  p.activation = static_cast<int>(op.activation);
  p.product = by_slots ? nullptr : static_cast<float*>(op.product.data);
  p.product_stride = op.product.stride;
  p.weights = static_cast<const float*>(op.weights.data);
  p.weights_stride = op.weights.stride;
  p.combined = static_cast<float*>(op.combined.data);
  p.combined_stride = op.combined.stride;
  if (terms > 0) p.x = round(to, first, grouping);
  if (products.made_terms > 0) p.made = room_for_rounded(to, op.product, op.product.cols, products.made_terms, op.product.rows, true);
  if (terms > 0 && launch_mixed(to, products, p)) return;
  const std::int64_t n_rows = products.way == Way::combined ? op.combined.rows : first.out.rows;
  std::array<bool, kMostParts> launched{};
  for (int i = 0; i < products.n; ++i) {  // a launch for each format among the parts
    if (launched[static_cast<std::size_t>(i)]) continue;
    const LinearOp& one = *products.parts[i];
    int n = 0;
    for (Part& part : p.parts) part = {};
    for (int j = i; j < products.n; ++j) {
      if (products.parts[j]->w.format != one.w.format) continue;
      p.parts[n++] = part_for(*products.parts[j]);
      launched[static_cast<std::size_t>(j)] = true;
    }
    if (products.way == Way::gated && products.n == 1) halve(p);
    if (terms > 0) row_of(one)->launch(to, p, products.way, n_rows);
    else launch_floats(to, p, one, products.way, n_rows, grouping.tile);
  }
}

}  // namespace foreword::gpu::cuda

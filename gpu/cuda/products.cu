// From products to launches, and the formats whose inputs are rounded as on the processor.

#include <array>

#include "gpu/cuda/products.cuh"

namespace foreword::gpu::cuda {
namespace {

__global__ void round_input(const float* x, std::int64_t stride, std::int64_t rows_per_input, const int* slot_row, std::int64_t n_slots, Rounded out) {
  const std::int64_t at = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x, run = at % out.runs, slot = at / out.runs;
  if (slot >= slots_in_tiles(n_slots)) return;
  std::int64_t row = slot < n_slots ? slot : -1;
  if (slot_row != nullptr && row >= 0) row = slot_row[slot];
  float values[kRun];
  for (int i = 0; i < kRun; ++i) values[i] = row < 0 ? 0 : x[row / rows_per_input * stride + run * kRun + i];
  round_run(values, slot, run, out);
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
  if (grouping.slot_row == nullptr && has_rounded(to, op.x, terms)) return to.input.rounded;
  const Rounded x = room_for_rounded(to, op.x, op.w.cols, terms, grouping.n_slots);
  if (grouping.slot_row != nullptr) to.input = {};  // in the order of experts: of no use to others
  to.launch({blocks_for(slots_in_tiles(grouping.n_slots) * x.runs, 128)}, 128, 0, round_input, static_cast<const float*>(op.x.data), op.x.stride,
            op.out.rows / op.x.rows, grouping.slot_row, grouping.n_slots, x);
  return x;
}

Part part_for(const LinearOp& op) {
  Part part{};
  part.weight = op.w.data;
  part.rows = op.w.rows;
  part.scale = op.w.scale;
  part.n_scales = op.w.n_scales;
  part.bias = static_cast<const float*>(op.bias.data);
  part.bias_stride = op.bias.stride;
  part.out = static_cast<float*>(op.out.data);
  part.out_stride = op.out.stride;
  return part;
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

Rounded room_for_rounded(Lowering& to, const View& x, std::int64_t cols, std::int64_t terms, std::int64_t n_slots) {
  Rounded rounded{nullptr, nullptr, nullptr, cols / kRun, static_cast<int>(terms)};
  // A block of a kernel takes whole groups of tiles; what it reads behind the last slot is never stored.
  const std::int64_t places = rounded.place((n_slots + 63) / 64 * (64 / kTile), 0, 0, 0);
  to.rounded.used = 0;
  rounded.codes = reinterpret_cast<unsigned*>(to.rounded.take(places * kGroup * kRun));
  rounded.steps = reinterpret_cast<float*>(to.rounded.take(places * kGroup * 4));
  rounded.sums = reinterpret_cast<float*>(to.rounded.take(places * kGroup * 4));
  to.input = {x, rounded};
  return rounded;
}

void lower(Lowering& to, const Products& products) {
  const LinearOp& first = *products.parts[0];
  if (first.out.rows == 0) return;
  const bool experts = first.experts.data != nullptr;
  const std::int64_t tile = rounded_terms(first) > 0 ? kTile : first.x.rows == 1 ? 1 : kTile;
  const Grouping grouping = experts ? group_by_expert(to, first, tile) : Grouping{first.out.rows, tile, nullptr, nullptr};
  if (rounded_terms(first) == 0) return lower_float_product(to, first, grouping);
  Product p{};
  p.x = round(to, first, grouping);
  p.n_slots = grouping.n_slots;
  p.slot_row = grouping.slot_row;
  p.tile_expert = grouping.tile_expert;
  if (products.add != nullptr) {
    p.residual = static_cast<const float*>(products.add->residual.data);
    p.residual_stride = products.add->residual.stride;
    p.sum = static_cast<float*>(products.add->sum.data);
    p.sum_stride = products.add->sum.stride;
    p.factor = products.add->factor;
  }
  std::array<bool, kMostParts> launched{};
  for (int i = 0; i < products.n; ++i) {  // a launch for each format among the parts
    if (launched[static_cast<std::size_t>(i)]) continue;
    const ProductRow* row = row_of(*products.parts[i]);
    int n = 0;
    for (Part& part : p.parts) part = {};
    for (int j = i; j < products.n; ++j) {
      if (row_of(*products.parts[j]) != row) continue;
      p.parts[n++] = part_for(*products.parts[j]);
      launched[static_cast<std::size_t>(j)] = true;
    }
    row->launch(to, p);
  }
}

}  // namespace foreword::gpu::cuda

// Ops that make each value of the result by itself: sums, activations and their like, one shader, the formula a constant; rows by
// number; the weighted sum of experts.

#include <bit>

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {
namespace {

// A dispatch over the columns of `out`. All of these shaders have the same bindings and push constants; `number` is their own.
void over_columns(Lowering& to, const Tensor& a, const Tensor& b, const Tensor& out, std::uint32_t number, const OpCost& cost) {
  struct Push {
    View a, b, out;
    std::uint32_t cols, number;
  } push;
  push.a = to.bind(a);
  push.b = to.bind(b);
  push.out = to.bind(out);
  push.cols = u32(out.cols);
  push.number = number;
  to.push(push);
  to.dispatch(divide_up(out.cols, kColumnGroup), out.rows, 1, cost);
}

}  // namespace

void lower(const ElementwiseRecord& r, Lowering& to) {
  to.use(ShaderId::elementwise, {kColumnGroup, static_cast<std::uint32_t>(r.what)});
  over_columns(to, r.a, r.b, r.out, std::bit_cast<std::uint32_t>(r.factor), {"elementwise", {}, value_bytes(r.a) + value_bytes(r.b) + value_bytes(r.out)});
}

void lower(const GatherRowsRecord& r, Lowering& to) {
  to.use(ShaderId::gather_rows, {kColumnGroup});
  over_columns(to, r.x, r.rows, r.out, u32(r.x.rows), {"gather_rows", {}, 2 * value_bytes(r.out)});
}

void lower(const CombineExpertsRecord& r, Lowering& to) {
  to.use(ShaderId::combine_experts, {kColumnGroup});
  over_columns(to, r.y, r.weights, r.out, u32(r.weights.cols), {"combine_experts", {}, value_bytes(r.y) + value_bytes(r.out)});
}

}  // namespace foreword::gpu::vulkan

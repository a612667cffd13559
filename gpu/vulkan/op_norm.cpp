// rms_norm and layer_norm: a workgroup a group of columns.

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

void lower(const NormRecord& r, Lowering& to) {
  struct Push {
    View x, weight, bias, out, residual, sum, x2, weight2, bias2, out2;
    std::uint32_t group, n_groups;  // of the first tensor
    std::uint32_t whole_weight, has_bias;
    float eps, residual_scale;
  } push;
  // By the width alone, so that a row's sums go the same way whatever is beside it.
  const std::uint32_t lanes = r.group <= 64 ? 32 : 256;
  to.use(ShaderId::norm, {lanes, r.centre ? 1U : 0U, r.sum ? 1U : 0U});
  push.x = to.bind(r.x);
  push.weight = to.bind(r.weight);
  push.bias = to.bind(r.bias);
  push.out = to.bind(r.out);
  push.residual = to.bind(r.residual);
  push.sum = to.bind(r.sum ? r.sum : r.out);
  push.x2 = to.bind(r.x2);
  push.weight2 = to.bind(r.weight2);
  push.bias2 = to.bind(r.bias2);
  push.out2 = to.bind(r.x2 ? r.out2 : r.out);
  push.group = u32(r.group);
  push.n_groups = u32(r.x.cols / r.group);
  push.whole_weight = r.weight.cols == r.group ? 0 : 1;
  push.has_bias = r.bias ? 1 : 0;
  push.eps = r.eps;
  push.residual_scale = r.residual_scale;
  to.push(push);
  const std::int64_t bytes = 2 * (value_bytes(r.x) + value_bytes(r.x2) + value_bytes(r.sum)) + value_bytes(r.weight) + value_bytes(r.weight2);
  to.dispatch((r.x.cols + r.x2.cols) / r.group, r.x.rows, 1, {r.centre ? "layer_norm" : "rms_norm", {}, bytes});
}

}  // namespace foreword::gpu::vulkan

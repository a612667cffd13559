// rms_norm and layer_norm: a workgroup a group of columns.

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

void lower(const NormRecord& r, Lowering& to) {
  struct Push {
    View x, weight, bias, out;
    std::uint32_t group, whole_weight, has_bias;
    float eps;
  } push;
  // By the width alone, so that a row's sums go the same way whatever is beside it.
  const std::uint32_t lanes = r.group <= 64 ? 32 : 256;
  to.use(ShaderId::norm, {lanes, r.centre ? 1U : 0U});
  push.x = to.bind(r.x);
  push.weight = to.bind(r.weight);
  push.bias = to.bind(r.bias);
  push.out = to.bind(r.out);
  push.group = u32(r.group);
  push.whole_weight = r.weight.cols == r.group ? 0 : 1;
  push.has_bias = r.bias ? 1 : 0;
  push.eps = r.eps;
  to.push(push);
  to.dispatch(r.x.cols / r.group, r.x.rows, 1, {r.centre ? "layer_norm" : "rms_norm", {}, 2 * value_bytes(r.x) + value_bytes(r.weight)});
}

}  // namespace foreword::gpu::vulkan

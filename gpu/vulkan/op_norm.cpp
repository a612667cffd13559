// rms_norm and layer_norm: a workgroup a group of columns.

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {
namespace {

struct Push {
  View x, weight, bias, out, residual, sum, weight_2, bias_2, out_2;
  std::uint32_t group, n_groups;  // of the first tensor
  std::uint32_t whole_weight, has_bias;
  float eps, residual_scale;
};
struct SecondPush {
  Push norm;
  View x_2;
};
struct NextPush {
  Push norm;
  std::uint32_t has_bias;
  float eps;
};

}  // namespace

void lower(const NormRecord& r, Lowering& to) {
  if (r.second.x && r.second.group != r.group) {  // whole rows of two widths
    NormRecord first = r, second = r;
    first.second = second.second = {};
    second.x = r.second.x, second.weight = r.second.weight, second.bias = r.second.bias, second.group = r.second.group, second.out = r.second.out;
    lower(first, to);
    return lower(second, to);
  }
  const bool next = bool(r.next.out);
  to.use(next ? ShaderId::norm_next : ShaderId::norm, {norm_lanes(r.group), r.centre ? 1U : 0U, r.sum ? 1U : 0U, norm_at_once(r.group)});
  Push push{};
  push.x = to.bind(r.x);
  push.weight = to.bind(r.weight);
  push.bias = to.bind(r.bias);
  push.out = to.bind(r.out);
  push.residual = to.bind(r.residual);
  push.sum = to.bind(r.sum ? r.sum : r.out);
  push.weight_2 = to.bind(next ? r.next.weight : r.second.weight);
  push.bias_2 = to.bind(next ? r.next.bias : r.second.bias);
  push.out_2 = to.bind(next ? r.next.out : r.second.x ? r.second.out : r.out);
  push.group = u32(r.group);
  push.n_groups = u32(r.x.cols / r.group);
  push.whole_weight = r.weight.cols == r.group ? 0 : 1;
  push.has_bias = r.bias ? 1 : 0;
  push.eps = r.eps;
  push.residual_scale = r.residual_scale;
  if (next) to.push(NextPush{push, r.next.bias ? 1U : 0U, r.next.eps});
  else to.push(SecondPush{push, to.bind(r.second.x)});
  const std::int64_t bytes = 2 * (value_bytes(r.x) + value_bytes(r.second.x) + value_bytes(r.sum)) + value_bytes(r.next.out) + value_bytes(r.weight) +
                             value_bytes(r.second.weight) + value_bytes(r.next.weight);
  to.dispatch((r.x.cols + r.second.x.cols) / r.group, r.x.rows, 1, {r.centre ? "layer_norm" : "rms_norm", {}, bytes});
}

}  // namespace foreword::gpu::vulkan

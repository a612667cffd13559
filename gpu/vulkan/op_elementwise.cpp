// add, scale, softcap, sigmoid_gate, activate, glu: one shader, the formula a constant.

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

void lower(const ElementwiseRecord& r, Lowering& to) {
  struct Push {
    View a, b, out;
    std::uint32_t cols;
    float factor;
  } push;
  constexpr std::int64_t kGroup = 64;
  to.use(ShaderId::elementwise, {kGroup, static_cast<std::uint32_t>(r.what)});
  push.a = to.bind(r.a);
  push.b = to.bind(r.b);
  push.out = to.bind(r.out);
  push.cols = u32(r.out.cols);
  push.factor = r.factor;
  to.push(push);
  to.dispatch(divide_up(r.out.cols, kGroup), r.out.rows, 1, {"elementwise", {}, value_bytes(r.a) + value_bytes(r.b) + value_bytes(r.out)});
}

}  // namespace foreword::gpu::vulkan

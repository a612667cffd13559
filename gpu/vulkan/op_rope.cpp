// rope by itself. The rotation that goes with store_kv is in op_kv.cpp.

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

void lower(const RopeRecord& r, Lowering& to) {
  struct Push {
    View x, angles;
    std::uint32_t head_dim, n_rot, n_pairs;  // pairs of a row
  } push;
  constexpr std::int64_t kGroup = 64;
  for (int i = 0; i < r.n; ++i) {
    const Tensor& x = r.x[static_cast<std::size_t>(i)];
    to.use(ShaderId::rope, {kGroup, r.pairs == RopePairs::adjacent ? 1U : 0U});
    push.x = to.bind(x);
    push.angles = to.bind(r.cos_sin);
    push.head_dim = u32(r.head_dim);
    push.n_rot = u32(r.n_rot);
    push.n_pairs = u32(x.cols / r.head_dim * (r.n_rot / 2));
    to.push(push);
    to.dispatch(divide_up(push.n_pairs, kGroup), x.rows, 1, {"rope", {}, 2 * value_bytes(x) + value_bytes(r.cos_sin)});
  }
}

}  // namespace foreword::gpu::vulkan

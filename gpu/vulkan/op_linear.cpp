// Products of dense weights.

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

const WeightLayout& product_layout(const WeightMatrix&, const Features&) { return kFileLayout; }

void lower(const LinearRecord&, Lowering& to) { to.fail({ErrorCode::unsupported, "The Vulkan backend cannot multiply yet; choose --device cpu."}); }

}  // namespace foreword::gpu::vulkan

// Products of experts, their choice and their sum.

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

void lower(const LinearExpertsRecord&, Lowering& to) { to.fail({ErrorCode::unsupported, "The Vulkan backend has no experts yet; choose --device cpu."}); }
void lower(const RouteRecord&, Lowering& to) { to.fail({ErrorCode::unsupported, "The Vulkan backend has no experts yet; choose --device cpu."}); }
void lower(const CombineExpertsRecord&, Lowering& to) { to.fail({ErrorCode::unsupported, "The Vulkan backend has no experts yet; choose --device cpu."}); }

}  // namespace foreword::gpu::vulkan

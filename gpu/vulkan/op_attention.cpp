// Attention over KV pages.

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

void lower(const AttentionRecord&, Lowering& to) { to.fail({ErrorCode::unsupported, "The Vulkan backend has no attention yet; choose --device cpu."}); }

}  // namespace foreword::gpu::vulkan

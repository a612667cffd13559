// store_kv and encode_pages.

#include "gpu/vulkan/lowering.h"

namespace foreword::gpu::vulkan {

void lower(const StoreKvRecord&, Lowering& to) { to.fail({ErrorCode::unsupported, "The Vulkan backend has no attention yet; choose --device cpu."}); }
void lower(const EncodePagesRecord&, Lowering& to) { to.fail({ErrorCode::unsupported, "The Vulkan backend has no attention yet; choose --device cpu."}); }

}  // namespace foreword::gpu::vulkan

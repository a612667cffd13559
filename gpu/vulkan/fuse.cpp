#include "gpu/vulkan/records.h"

namespace foreword::gpu::vulkan {

void fuse(std::vector<Record>&) {}

}  // namespace foreword::gpu::vulkan

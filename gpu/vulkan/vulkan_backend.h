#pragma once
// The backend for graphics processors through Vulkan 1.2. The loader is opened at run time: a machine without Vulkan has no
// such devices, and that is all. How an op is made: lowering.h.

#include <memory>
#include <string_view>
#include <vector>

#include "gpu/backend.h"
#include "gpu/vulkan/options.h"

namespace foreword::gpu {

/// Without a graphics card the loader is not even opened, software drivers aside. Devices that can compute, "vulkan:0", "vulkan:1", .. in the driver's order; empty where there is no Vulkan.
std::vector<DeviceInfo> list_vulkan(const VulkanOptions& options);

/// `id` from list_vulkan(). `not_found`, `unsupported`, `out_of_memory`, `device_lost`.
Result<std::unique_ptr<Backend>> make_vulkan_backend(std::string_view id, const VulkanOptions& options);

}  // namespace foreword::gpu

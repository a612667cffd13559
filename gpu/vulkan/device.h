#pragma once
// A Vulkan device that is open: its queue, what it can do, and the functions of its driver.

#include <volk.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "gpu/backend.h"
#include "gpu/vulkan/options.h"

namespace foreword::gpu::vulkan {

/// Vulkan's loader and what it knows about this machine.
class Instance {
 public:
  /// `unsupported` where there is no Vulkan 1.2.
  static Result<std::shared_ptr<Instance>> open(const VulkanOptions& options);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance();

  /// Those with a queue that computes, Vulkan 1.2 and the limits that the kernels need, in the driver's order; processors only if asked for.
  std::vector<VkPhysicalDevice> devices() const;

 private:
  explicit Instance(const VulkanOptions& options) : options_(options) {}

  VulkanOptions options_;
  VkInstance instance_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
};

/// What kernels may choose by. Everything else is the portable baseline: 128 bytes of push constants, 16 KiB of shared memory,
/// 256 invocations, 16 storage buffers, any subgroup size, storage in 32-bit words.
struct Features {
  bool float16_storage = false;       // 16-bit values in storage buffers
  bool integer_dot = false;           // SPV_KHR_integer_dot_product of packed bytes, in hardware
  bool subgroup_arithmetic = false;   // subgroupAdd() and its like
  bool fixed_subgroup = false;        // the subgroup size can be pinned
  bool unified = false;               // the device's memory is the host's
  std::uint32_t subgroup_size = 0;
  std::uint64_t max_range = 0;        // bytes of one binding
  std::uint64_t max_allocation = 0;   // bytes
  std::uint32_t max_allocations = 0;  // at a time
  std::uint64_t range_alignment = 0;  // of the start of a binding
  std::uint32_t max_groups = 0;       // in each direction
  double max_operations = 0;          // of a dispatch, which nothing interrupts
  bool memory_budget = false;
};

class Device {
 public:
  static Result<std::unique_ptr<Device>> open(std::shared_ptr<Instance> instance, VkPhysicalDevice physical, const VulkanOptions& options);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device();

  VkDevice handle() const { return device_; }
  VkPhysicalDevice physical() const { return physical_; }
  const Features& features() const { return features_; }
  const VulkanOptions& options() const { return options_; }
  std::uint32_t family() const { return family_; }

  /// Runs a command buffer and waits for it. `device_lost`, `out_of_memory`; once lost, always lost.
  Result<void> run(VkCommandBuffer commands);
  /// Hands command buffers to the queue one by one and waits for the last.
  Result<void> run(const std::vector<VkCommandBuffer>& commands);

  VolkDeviceTable vk{};

 private:
  Device(std::shared_ptr<Instance> instance, VkPhysicalDevice physical, const VulkanOptions& options)
      : options_(options), instance_(std::move(instance)), physical_(physical) {}

  VulkanOptions options_;
  std::shared_ptr<Instance> instance_;
  VkPhysicalDevice physical_;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkFence fence_ = VK_NULL_HANDLE;
  std::uint32_t family_ = 0;
  Features features_;
  std::int64_t n_submits_ = 0;
  bool lost_ = false;
};

/// What --device and `foreword devices` say about it, opened with these options.
DeviceInfo describe(VkPhysicalDevice physical, std::size_t index, const VulkanOptions& options);
bool is_processor(VkPhysicalDevice physical);
/// Whether the system has a device file of one: without it a look through all drivers, some tenths of a second, finds nothing.
bool has_graphics_card();
Features features_of(VkPhysicalDevice physical, const VulkanOptions& options);

/// A sentence about a failed call.
Error error_of(VkResult result, const char* doing);

}  // namespace foreword::gpu::vulkan

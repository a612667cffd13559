#include "gpu/vulkan/device.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <mutex>

namespace foreword::gpu::vulkan {
namespace {

constexpr const char* kValidation = "VK_LAYER_KHRONOS_validation";
// Of a dispatch: a tenth of a second or less on slow devices, integrated and not.
constexpr double kMostOperations = 4e9, kMostOfACard = 6.4e10;

VkBool32 VKAPI_PTR pass_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                const VkDebugUtilsMessengerCallbackDataEXT* data, void* options) {
  const auto* to = static_cast<const VulkanOptions*>(options);
  if (to->on_message) to->on_message(data->pMessage);
  return VK_FALSE;
}

/// All that a function lists which is first asked how many there are: fewer, or none, where something has gone in between.
template <class T, class List>
std::vector<T> listed(List list) {
  std::uint32_t n = 0;
  if (list(&n, nullptr) < 0) return {};
  std::vector<T> all(n);
  if (list(&n, all.data()) < 0) return {};
  all.resize(n);
  return all;
}

bool has_extension(VkPhysicalDevice physical, const char* name) {
  const auto all = listed<VkExtensionProperties>(
      [physical](std::uint32_t* n, VkExtensionProperties* to) { return vkEnumerateDeviceExtensionProperties(physical, nullptr, n, to); });
  return std::ranges::any_of(all, [&](const VkExtensionProperties& e) { return std::strcmp(e.extensionName, name) == 0; });
}

/// The queue family that computes, best one that does nothing else; -1: none.
int computing_family(VkPhysicalDevice physical) {
  std::uint32_t n = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &n, nullptr);
  std::vector<VkQueueFamilyProperties> families(n);
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &n, families.data());
  int best = -1;
  for (std::uint32_t i = 0; i < n; ++i) {
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) == 0) continue;
    if (best < 0 || (families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT) == 0) best = static_cast<int>(i);
  }
  return best;
}

VkPhysicalDeviceProperties properties_of(VkPhysicalDevice physical) {
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(physical, &properties);
  return properties;
}

/// What the kernels take for granted.
bool suffices(VkPhysicalDevice physical) {
  const VkPhysicalDeviceLimits limits = properties_of(physical).limits;
  return limits.maxPerStageDescriptorStorageBuffers >= 16 && limits.maxDescriptorSetStorageBuffers >= 16 && limits.maxPerStageResources >= 16 &&
         limits.maxComputeWorkGroupInvocations >= 256 && limits.maxComputeWorkGroupSize[0] >= 256 && limits.maxComputeSharedMemorySize >= 16384 &&
         limits.maxPushConstantsSize >= 128;
}

std::string version_text(std::uint32_t version) {
  return std::to_string(VK_API_VERSION_MAJOR(version)) + "." + std::to_string(VK_API_VERSION_MINOR(version));
}

}  // namespace

Error error_of(VkResult result, const char* doing) {
  constexpr VkResult kFull[] = {VK_ERROR_OUT_OF_DEVICE_MEMORY, VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_TOO_MANY_OBJECTS, VK_ERROR_MEMORY_MAP_FAILED,
                                VK_ERROR_OUT_OF_POOL_MEMORY,   VK_ERROR_FRAGMENTED_POOL};
  if (std::ranges::find(kFull, result) != std::end(kFull)) {
    return {ErrorCode::out_of_memory, std::string("The graphics processor's memory is full (") + doing +
                                          "); choose a smaller context or model, or --device cpu."};
  }
  if (result == VK_ERROR_DEVICE_LOST) {
    return {ErrorCode::device_lost, std::string("The graphics processor stopped answering (") + doing +
                                        "); start again, or choose --device cpu."};
  }
  return {ErrorCode::unsupported, std::string("The graphics driver refused (") + doing + ", Vulkan error " + std::to_string(result) +
                                      "); choose --device cpu."};
}

Result<std::shared_ptr<Instance>> Instance::open(const VulkanOptions& options) {
  static std::once_flag once;
  static bool present = false;
  std::call_once(once, [] { present = volkInitialize() == VK_SUCCESS; });
  if (!present || vkEnumerateInstanceVersion == nullptr || volkGetInstanceVersion() < VK_API_VERSION_1_2) {
    return Error{ErrorCode::unsupported, "This machine has no Vulkan 1.2; install the driver of the graphics card."};
  }
  std::shared_ptr<Instance> instance(new Instance(options));
  const VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO, nullptr, "Foreword", 1, "Foreword", 1, VK_API_VERSION_1_3};
  static constexpr VkValidationFeatureEnableEXT kSynchronisation[] = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  const VkValidationFeaturesEXT validation{VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT, nullptr, 1, kSynchronisation, 0, nullptr};
  static constexpr const char* kExtensions[] = {VK_EXT_DEBUG_UTILS_EXTENSION_NAME, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME};
  VkInstanceCreateInfo create{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, nullptr, 0, &application, 0, nullptr, 0, nullptr};
  if (options.validate) {
    create.pNext = &validation;
    create.enabledLayerCount = 1;
    create.ppEnabledLayerNames = &kValidation;
    create.enabledExtensionCount = 2;
    create.ppEnabledExtensionNames = kExtensions;
  }
  if (const VkResult result = vkCreateInstance(&create, nullptr, &instance->instance_); result != VK_SUCCESS) {
    return error_of(result, "starting Vulkan");
  }
  // What volk loads here are the loader's own doors, the same for every instance.
  static std::once_flag loaded;
  std::call_once(loaded, [&] { volkLoadInstanceOnly(instance->instance_); });
  if (options.validate) {
    const auto create_messenger = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
        vkGetInstanceProcAddr(instance->instance_, "vkCreateDebugUtilsMessengerEXT"));
    const VkDebugUtilsMessengerCreateInfoEXT messenger{
        VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT, nullptr, 0,
        VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT, pass_message, &instance->options_};
    create_messenger(instance->instance_, &messenger, nullptr, &instance->messenger_);
  }
  return instance;
}

Instance::~Instance() {
  if (messenger_ != VK_NULL_HANDLE) {
    reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(vkGetInstanceProcAddr(instance_, "vkDestroyDebugUtilsMessengerEXT"))(
        instance_, messenger_, nullptr);
  }
  if (instance_ != VK_NULL_HANDLE) vkDestroyInstance(instance_, nullptr);
}

std::vector<VkPhysicalDevice> Instance::devices() const {
  auto all = listed<VkPhysicalDevice>([this](std::uint32_t* n, VkPhysicalDevice* to) { return vkEnumeratePhysicalDevices(instance_, n, to); });
  std::erase_if(all, [this](VkPhysicalDevice physical) {
    return computing_family(physical) < 0 || properties_of(physical).apiVersion < VK_API_VERSION_1_2 ||
           (is_processor(physical) && !options_.software) || !suffices(physical);
  });
  return all;
}

bool is_processor(VkPhysicalDevice physical) { return properties_of(physical).deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU; }

bool has_graphics_card() {
  std::error_code ignored;
  for (const char* node : {"/dev/nvidiactl", "/dev/dxg", "/dev/mali0", "/dev/kgsl-3d0"}) {
    if (std::filesystem::exists(node, ignored)) return true;
  }
  for (const auto& node : std::filesystem::directory_iterator("/dev/dri", ignored)) {
    if (node.path().filename().string().starts_with("renderD")) return true;
  }
  return false;
}

Features features_of(VkPhysicalDevice physical, const VulkanOptions& options) {
  const VkPhysicalDeviceProperties base = properties_of(physical);
  const bool v13 = base.apiVersion >= VK_API_VERSION_1_3;
  const bool dot = v13 || has_extension(physical, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
  const bool sizes = v13 || has_extension(physical, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);

  VkPhysicalDeviceSubgroupSizeControlProperties size_properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
  VkPhysicalDeviceShaderIntegerDotProductProperties dot_properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES};
  VkPhysicalDeviceVulkan11Properties properties11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES};
  VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &properties11, {}};
  if (dot) properties11.pNext = &dot_properties;
  if (sizes) size_properties.pNext = properties11.pNext, properties11.pNext = &size_properties;
  vkGetPhysicalDeviceProperties2(physical, &properties);

  VkPhysicalDeviceSubgroupSizeControlFeatures size_features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot_features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES};
  VkPhysicalDeviceVulkan11Features features11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceVulkan12Features features12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &features11, {}};
  features11.pNext = &features12;
  if (dot) features12.pNext = &dot_features;
  if (sizes) size_features.pNext = features12.pNext, features12.pNext = &size_features;
  vkGetPhysicalDeviceFeatures2(physical, &features);

  const bool software = base.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  Features f;
  f.float16_storage = features11.storageBuffer16BitAccess && features12.shaderFloat16 && !options.no_float16;
  f.integer_dot = dot && dot_features.shaderIntegerDotProduct && !options.no_integer_dot &&
                  (options.integer_dot || dot_properties.integerDotProduct4x8BitPackedSignedAccelerated);
  f.subgroup_arithmetic = (properties11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT) != 0 &&
                          (properties11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 && !options.no_subgroups;
  f.fixed_subgroup = sizes && size_features.subgroupSizeControl && size_features.computeFullSubgroups &&
                     (size_properties.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 && !options.no_subgroups;
  f.subgroup_size = properties11.subgroupSize;
  f.max_range = base.limits.maxStorageBufferRange;
  if (options.max_range > 0) f.max_range = std::min(f.max_range, static_cast<std::uint64_t>(options.max_range));
  f.max_allocation = properties11.maxMemoryAllocationSize;
  f.max_allocations = base.limits.maxMemoryAllocationCount;
  f.range_alignment = std::max<std::uint64_t>(16, base.limits.minStorageBufferOffsetAlignment);
  f.max_groups = *std::min_element(base.limits.maxComputeWorkGroupCount, base.limits.maxComputeWorkGroupCount + 3);
  f.max_operations = base.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU ? kMostOfACard : kMostOperations;
  if (options.max_operations > 0) f.max_operations = static_cast<double>(options.max_operations);
  f.unified = (base.deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU || software) && !options.staging;
  f.memory_budget = has_extension(physical, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  return f;
}

DeviceInfo describe(VkPhysicalDevice physical, std::size_t index, const VulkanOptions& options) {
  const VkPhysicalDeviceProperties base = properties_of(physical);
  const Features f = features_of(physical, options);
  DeviceInfo device;
  device.id = "vulkan:" + std::to_string(index);
  device.name = base.deviceName;
  device.backend = "vulkan";
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
  VkPhysicalDeviceMemoryProperties2 memory{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, f.memory_budget ? &budget : nullptr, {}};
  vkGetPhysicalDeviceMemoryProperties2(physical, &memory);
  for (std::uint32_t i = 0; i < memory.memoryProperties.memoryHeapCount; ++i) {
    const VkMemoryHeap& heap = memory.memoryProperties.memoryHeaps[i];
    if ((heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) == 0 || static_cast<std::int64_t>(heap.size) <= device.memory_bytes) continue;
    device.memory_bytes = static_cast<std::int64_t>(heap.size);
    const std::uint64_t free = f.memory_budget ? budget.heapBudget[i] - std::min(budget.heapUsage[i], budget.heapBudget[i]) : heap.size;
    device.memory_free_bytes = static_cast<std::int64_t>(std::min(free, heap.size));
  }
  device.features.push_back("vulkan " + version_text(base.apiVersion));
  device.features.push_back("subgroup " + std::to_string(f.subgroup_size));
  if (f.float16_storage) device.features.push_back("f16");
  if (f.integer_dot) device.features.push_back("int8dot");
  if (base.deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU) device.features.push_back("integrated");
  if (base.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU) device.features.push_back(std::string(kSoftware));
  return device;
}

Result<std::unique_ptr<Device>> Device::open(std::shared_ptr<Instance> instance, VkPhysicalDevice physical, const VulkanOptions& options) {
  std::unique_ptr<Device> device(new Device(std::move(instance), physical, options));
  device->features_ = features_of(physical, options);
  const Features& f = device->features_;
  device->family_ = static_cast<std::uint32_t>(computing_family(physical));
  const bool v13 = properties_of(physical).apiVersion >= VK_API_VERSION_1_3;

  VkPhysicalDeviceSubgroupSizeControlFeatures sizes{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES, nullptr, VK_TRUE, VK_TRUE};
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES, nullptr, VK_TRUE};
  VkPhysicalDeviceVulkan11Features features11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceVulkan12Features features12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  features11.pNext = &features12;
  features11.storageBuffer16BitAccess = f.float16_storage;
  features12.shaderFloat16 = f.float16_storage;
  std::vector<const char*> extensions;
  if (f.integer_dot) {
    dot.pNext = features12.pNext, features12.pNext = &dot;
    if (!v13) extensions.push_back(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
  }
  if (f.fixed_subgroup) {
    sizes.pNext = features12.pNext, features12.pNext = &sizes;
    if (!v13) extensions.push_back(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  }
  if (f.memory_budget) extensions.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);

  const float priority = 1;
  const VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, nullptr, 0, device->family_, 1, &priority};
  const VkDeviceCreateInfo create{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &features11, 0, 1, &queue, 0, nullptr,
                                  static_cast<std::uint32_t>(extensions.size()), extensions.data(), nullptr};
  if (const VkResult result = vkCreateDevice(physical, &create, nullptr, &device->device_); result != VK_SUCCESS) {
    return error_of(result, "opening the device");
  }
  volkLoadDeviceTable(&device->vk, device->device_);
  device->vk.vkGetDeviceQueue(device->device_, device->family_, 0, &device->queue_);
  const VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, nullptr, 0};
  if (const VkResult result = device->vk.vkCreateFence(device->device_, &fence, nullptr, &device->fence_); result != VK_SUCCESS) {
    return error_of(result, "opening the device");
  }
  return device;
}

Device::~Device() {
  if (device_ == VK_NULL_HANDLE) return;
  if (fence_ != VK_NULL_HANDLE) vk.vkDestroyFence(device_, fence_, nullptr);
  vk.vkDestroyDevice(device_, nullptr);
}

Result<void> Device::run(VkCommandBuffer commands) { return run(std::vector<VkCommandBuffer>{commands}); }

Result<void> Device::run(const std::vector<VkCommandBuffer>& commands) {
  if (n_submits_++ == options_.lose_at_submit) lost_ = true;
  if (lost_) return error_of(VK_ERROR_DEVICE_LOST, "computing");
  const auto failed = [this](VkResult result) {
    lost_ = lost_ || result == VK_ERROR_DEVICE_LOST;
    return error_of(result, "computing");
  };
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO, nullptr, 0, nullptr, nullptr, 1, &commands[i], 0, nullptr};
    const VkFence fence = i + 1 == commands.size() ? fence_ : VK_NULL_HANDLE;
    if (const VkResult result = vk.vkQueueSubmit(queue_, 1, &submit, fence); result != VK_SUCCESS) {
      if (i > 0) vk.vkQueueWaitIdle(queue_);
      return failed(result);
    }
  }
  if (const VkResult result = vk.vkWaitForFences(device_, 1, &fence_, VK_TRUE, UINT64_MAX); result != VK_SUCCESS) {
    // What runs may still read the memory that the caller is about to reuse: this device is not used any more.
    if (result != VK_ERROR_DEVICE_LOST) vk.vkQueueWaitIdle(queue_);
    lost_ = true;
    return error_of(VK_ERROR_DEVICE_LOST, "computing");
  }
  if (const VkResult result = vk.vkResetFences(device_, 1, &fence_); result != VK_SUCCESS) return failed(result);
  return {};
}

}  // namespace foreword::gpu::vulkan

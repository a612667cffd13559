#include "gpu/registry.h"

#include <charconv>
#include <cstdlib>

#include "gpu/cpu/cpu_backend.h"
#include "gpu/cuda/cuda_backend.h"
#include "gpu/cuda/plugin_loader.h"
#include "gpu/device_choice.h"
#if defined(FOREWORD_VULKAN)
#include "gpu/vulkan/vulkan_backend.h"
#endif

namespace foreword::gpu {
namespace {

struct Row {
  std::string_view backend;  // before the colon of its ids
  std::vector<DeviceInfo> (*list)();
  Result<std::unique_ptr<Backend>> (*open)(std::string_view id, const BackendOptions& options);
};

std::vector<DeviceInfo> list_cpu() { return {describe_cpu()}; }

Result<std::unique_ptr<Backend>> open_cpu(std::string_view, const BackendOptions& options) {
  return make_cpu_backend({options.n_threads, isa_from_environment(best_isa())});
}

#if defined(FOREWORD_VULKAN)
VulkanOptions vulkan_options() {
  const char* words = std::getenv("FOREWORD_VULKAN");
  return vulkan_options_from_words(words == nullptr ? "" : words);
}

std::vector<DeviceInfo> list_graphics() { return list_vulkan(vulkan_options()); }

Result<std::unique_ptr<Backend>> open_graphics(std::string_view id, const BackendOptions& options) {
  VulkanOptions all = vulkan_options();
  all.cache_folder = options.cache_folder;
  return make_vulkan_backend(id, all);
}
#endif

CudaDevices cuda_devices() {
  const CudaPlugin& plugin = cuda_plugin();
  return plugin.api == nullptr ? CudaDevices{{}, plugin.why_none} : list_cuda_devices(*plugin.api);
}

std::vector<DeviceInfo> list_cuda() { return cuda_devices().devices; }

Result<std::unique_ptr<Backend>> open_cuda(std::string_view id, const BackendOptions&) {
  std::int32_t index = 0;
  const std::string_view number = id.substr(id.find(':') + 1);
  std::from_chars(number.data(), number.data() + number.size(), index);
  return make_cuda_backend(*cuda_plugin().api, index);
}

// In the order of list_devices().
constexpr Row kBackends[] = {
    {"cuda", list_cuda, open_cuda},
#if defined(FOREWORD_VULKAN)
    {"vulkan", list_graphics, open_graphics},
#endif
    {"cpu", list_cpu, open_cpu},
};

/// "vulkan" is "vulkan:0".
bool means(std::string_view wish, std::string_view id) { return wish == id || (id.starts_with(wish) && id.substr(wish.size()) == ":0"); }

}  // namespace

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> devices;
  for (const Row& row : kBackends) {
    for (DeviceInfo& device : row.list()) devices.push_back(std::move(device));
  }
  return devices;
}

DeviceInfo processor_info() { return list_cpu().front(); }

std::vector<MissingDevices> missing_devices() {
  const CudaDevices cuda = cuda_devices();
  if (!cuda.devices.empty()) return {};
  return {{"cuda", cuda.why_none}};
}

Result<std::unique_ptr<Backend>> open_device(std::string_view id, const BackendOptions& options) {
  if (id == "auto") return open_device(choose_device(options).id, options);
  // Only this backend is looked through: who wants the processor, perhaps since a graphics driver hangs, should not have to wait for it.
  for (const Row& row : kBackends) {
    if (row.backend != id.substr(0, id.find(':'))) continue;
    for (const DeviceInfo& device : row.list()) {
      if (means(id, device.id)) return row.open(device.id, options);
    }
  }
  std::string known;
  for (const DeviceInfo& device : list_devices()) known += (known.empty() ? "" : ", ") + device.id;
  std::string reason;
  for (const MissingDevices& missing : missing_devices()) {
    if (id.starts_with(missing.backend)) reason = " " + missing.why;
  }
  return Error{ErrorCode::not_found,
               "There is no device \"" + std::string(id) + "\" on this machine; choose auto or one of: " + known + "." + reason};
}

}  // namespace foreword::gpu

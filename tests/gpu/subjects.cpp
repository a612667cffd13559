#include <cstdlib>
#include <string_view>

#include "gpu/cpu/cpu_backend.h"
#include "gpu/cuda/cuda_backend.h"
#include "gpu/cuda/emulated/plugin.h"
#include "gpu/cuda/plugin_loader.h"
#include "tests/gpu/harness.h"
#if defined(FOREWORD_VULKAN)
#include "tests/gpu/vulkan_device.h"
#endif

namespace foreword::gpu {
namespace {

std::vector<std::string>& messages() {
  static std::vector<std::string> all;
  return all;
}

std::string text_of(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

std::vector<Subject> processors() {
  std::vector<Subject> all;
  for (const Isa isa : kIsas) {
    if (!supported(isa)) continue;
    all.push_back({std::string(name_of(isa)), true, true, [isa](int n_threads) -> std::shared_ptr<Backend> {
                     return make_cpu_backend({.n_threads = n_threads, .isa = isa});
                   }});
  }
  return all;
}

// One backend for the whole program: opening a device takes longer than most cases.
std::vector<Subject> vulkan_devices() {
  std::vector<Subject> all;
#if defined(FOREWORD_VULKAN)
  const VulkanOptions options = options_for_tests(messages());
  const std::vector<DeviceInfo> devices = list_vulkan(options);
  if (devices.empty()) return all;
  auto backend = make_vulkan_backend(devices.front().id, options);
  EXPECT_TRUE(backend.has_value()) << backend.error().message;
  if (!backend) return all;
  const std::shared_ptr<Backend> shared = std::move(*backend);
  all.push_back({devices.front().name, rounds_inputs(*shared), false, [shared](int) { return shared; }, false});
#endif
  return all;
}

// The kernels' own source on the emulator.
std::vector<Subject> emulated_cuda() {
  return {{"cuda emulated", true, false, [](int) -> std::shared_ptr<Backend> { return std::move(*make_cuda_backend(cuda::emulated_plugin(), 0)); }}};
}

// The first GPU of NVIDIA's, by the plugin that FOREWORD_CUDA_PLUGIN names.
std::vector<Subject> cuda_device() {
  const CudaPlugin& plugin = cuda_plugin();
  const CudaDevices found = plugin.api == nullptr ? CudaDevices{} : list_cuda_devices(*plugin.api);
  if (found.devices.empty()) return {};
  auto backend = make_cuda_backend(*plugin.api, 0);
  EXPECT_TRUE(backend.has_value()) << backend.error().message;
  if (!backend) return {};
  const std::shared_ptr<Backend> shared = std::move(*backend);
  return {{found.devices.front().name, true, false, [shared](int) { return shared; }}};
}

struct DeviceRow {
  std::string_view name;
  std::vector<Subject> (*open)();
};
constexpr DeviceRow kDevices[] = {{"", processors}, {"vulkan", vulkan_devices}, {"cuda-emulated", emulated_cuda}, {"cuda", cuda_device}};

class NeedsADevice : public testing::Environment {
 public:
  void SetUp() override {
    // So that a broken driver cannot look like none.
    ASSERT_TRUE(!subjects().empty() || text_of("FOREWORD_NEED_DEVICE").empty()) << "FOREWORD_NEED_DEVICE is set, and there is none";
    if (subjects().empty()) GTEST_SKIP() << "this machine has no such device, or this build no backend for it";
  }
};
const testing::Environment* const kEnvironment = testing::AddGlobalTestEnvironment(new NeedsADevice);

}  // namespace

const std::vector<Subject>& subjects() {
  static const std::vector<Subject> all = [] {
    const std::string wish = text_of("FOREWORD_TEST_DEVICE");
    const auto* row = std::ranges::find(kDevices, std::string_view(wish), &DeviceRow::name);
    return row == std::end(kDevices) ? std::vector<Subject>() : row->open();
  }();
  return all;
}

void expect_silence() {
  for (const std::string& message : messages()) ADD_FAILURE() << message;
  messages().clear();
}

}  // namespace foreword::gpu

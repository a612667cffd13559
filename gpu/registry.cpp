#include "gpu/registry.h"

#include "gpu/cpu/cpu_backend.h"

namespace foreword::gpu {
namespace {

struct Row {
  std::vector<DeviceInfo> (*list)();
  Result<std::unique_ptr<Backend>> (*open)(std::string_view id, const BackendOptions& options);
};

std::vector<DeviceInfo> list_cpu() { return {describe_cpu()}; }

Result<std::unique_ptr<Backend>> open_cpu(std::string_view, const BackendOptions& options) {
  return make_cpu_backend({options.n_threads, isa_from_environment(best_isa())});
}

// Best first.
constexpr Row kBackends[] = {{list_cpu, open_cpu}};

}  // namespace

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> devices;
  for (const Row& row : kBackends) {
    for (DeviceInfo& device : row.list()) devices.push_back(std::move(device));
  }
  return devices;
}

Result<std::unique_ptr<Backend>> open_device(std::string_view id, const BackendOptions& options) {
  std::string known;
  for (const Row& row : kBackends) {
    for (const DeviceInfo& device : row.list()) {
      if (id == "auto" || id == device.id) return row.open(device.id, options);
      known += (known.empty() ? "" : ", ") + device.id;
    }
  }
  return Error{ErrorCode::not_found,
               "There is no device \"" + std::string(id) + "\" on this machine; choose auto or one of: " + known + "."};
}

}  // namespace foreword::gpu

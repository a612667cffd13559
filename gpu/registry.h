#pragma once
// The list of compute devices and the way to open one. A new backend is one row in registry.cpp.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/backend.h"

namespace foreword::gpu {

struct BackendOptions {
  int n_threads = 0;  // cpu: 0 = as many as the machine and the cgroup allow
  std::string cache_folder = {};  // of what devices compile; empty: nothing is kept
};

/// Every device that would open now, the processor last; it is always in it.
std::vector<DeviceInfo> list_devices();
/// The processor alone; no other device is asked, which may take its time or never answer.
DeviceInfo processor_info();

/// A kind of device of which there is none, and a sentence that says why.
struct MissingDevices {
  std::string_view backend;
  std::string why;
};
std::vector<MissingDevices> missing_devices();

/// `id` from list_devices(), or "auto" (device_choice.h says which). `not_found` names the ids that exist.
Result<std::unique_ptr<Backend>> open_device(std::string_view id, const BackendOptions& options);

}  // namespace foreword::gpu

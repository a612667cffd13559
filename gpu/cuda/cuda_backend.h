#pragma once
// The backend of NVIDIA's GPUs: hands a step of records, as plain structs, to the plugin (abi.h), which holds the kernels.

#include <memory>
#include <string_view>

#include "engine/base/result.h"
#include "gpu/backend.h"
#include "gpu/cuda/abi.h"

namespace foreword::gpu {

struct CudaOptions {
  bool no_fusion = false;  // every op for itself, with the same result to the bit
};

/// Device `index` of a plugin. `api` outlives the backend. `out_of_memory`, `device_lost`.
Result<std::unique_ptr<Backend>> make_cuda_backend(const cuda::Api& api, std::int32_t index, const CudaOptions& options = {});

/// What a plugin can open, best first; `why_none` says in a sentence why there is nothing.
struct CudaDevices {
  std::vector<DeviceInfo> devices;
  std::string why_none;
};
CudaDevices list_cuda_devices(const cuda::Api& api);

}  // namespace foreword::gpu

#pragma once
// Finds the plugin with CUDA's kernels beside the program. It needs nothing of NVIDIA's to load; it says itself what is missing.

#include <filesystem>
#include <string>

#include "gpu/cuda/abi.h"

namespace foreword::gpu {

struct CudaPlugin {
  const cuda::Api* api = nullptr;  // lives as long as the program
  std::string why_none;            // a sentence, where there is no plugin that fits
};

/// Why there is no plugin where no driver is.
inline constexpr const char* kNoDriverHere = "No driver of NVIDIA is installed.";

/// Looks once: at the file that FOREWORD_CUDA_PLUGIN names, else at foreword_cuda.so where plugins lie (engine/base/plugin.h). That one is not opened
/// where no driver is: the runtime in it registers its kernels while it is loaded, and dies where it is refused memory.
const CudaPlugin& cuda_plugin();

/// The same for one file, whose name counts from the working folder.
CudaPlugin load_cuda_plugin(const std::filesystem::path& file);

}  // namespace foreword::gpu

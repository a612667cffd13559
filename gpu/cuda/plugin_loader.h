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

/// Looks once: at the file that FOREWORD_CUDA_PLUGIN names, else at lib/foreword/plugins/foreword_cuda.so
/// in the program's folder (as built) or beside it (as installed).
const CudaPlugin& cuda_plugin();

/// The same for one file, whose name counts from the working folder.
CudaPlugin load_cuda_plugin(const std::filesystem::path& file);

/// The plugin's file for a program in this one; empty if nobody knows the program's, for then it would be looked for where the user stands.
std::filesystem::path plugin_of(const std::filesystem::path& program);

}  // namespace foreword::gpu

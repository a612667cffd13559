#include "gpu/cuda/plugin_loader.h"

#include <dlfcn.h>

#include <cstdlib>

#include "engine/base/plugin.h"

namespace foreword::gpu {
namespace {

constexpr Plugin kPlugin{"FOREWORD_CUDA_PLUGIN", "foreword_cuda.so", cuda::kEntryName, "The CUDA plugin", "This build of Foreword has no CUDA plugin", "it is made where NVIDIA's CUDA Toolkit is installed"};

/// Stays open: the plugin needs it.
bool has_driver() { return dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL) != nullptr; }

CudaPlugin find_cuda_plugin() {
  const char* named = std::getenv(kPlugin.named_by);
  if ((named == nullptr || *named == '\0') && !has_driver()) return {nullptr, kNoDriverHere};
  return load_cuda_plugin(plugin_place(kPlugin.named_by, kPlugin.name));
}

}  // namespace

CudaPlugin load_cuda_plugin(const std::filesystem::path& file) {
  const auto plugin = open_plugin(kPlugin, file);
  if (!plugin) return {nullptr, plugin.error().message};
  const cuda::Api* api = reinterpret_cast<cuda::Entry>(plugin->entry)();
  if (api == nullptr || api->version != cuda::kAbiVersion || api->op_bytes != sizeof(cuda::Op)) return {nullptr, plugin_of_another_version(plugin->file).message};
  return {api, ""};
}

const CudaPlugin& cuda_plugin() {
  static const CudaPlugin plugin = find_cuda_plugin();
  return plugin;
}

}  // namespace foreword::gpu

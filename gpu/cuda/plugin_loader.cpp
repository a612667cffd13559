#include "gpu/cuda/plugin_loader.h"

#include <dlfcn.h>

#include <system_error>

#include "engine/base/plugin.h"

namespace foreword::gpu {

CudaPlugin load_cuda_plugin(const std::filesystem::path& named) {
  if (named.empty()) return {nullptr, "Foreword does not know its own folder, where the CUDA plugin lies; name the file in FOREWORD_CUDA_PLUGIN."};
  std::error_code error;
  // A name without a folder would be looked for among the system's libraries.
  const std::string file = std::filesystem::absolute(named, error).string();
  if (!std::filesystem::is_regular_file(file, error)) {
    return {nullptr, "This build of Foreword has no CUDA plugin (" + file + " is not there); it is made where NVIDIA's CUDA Toolkit is installed."};
  }
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    return {nullptr, "The CUDA plugin cannot be loaded (" + std::string(reason == nullptr ? file : reason) + "); install Foreword anew."};
  }
  const auto entry = reinterpret_cast<cuda::Entry>(dlsym(library, cuda::kEntryName));
  const cuda::Api* api = entry == nullptr ? nullptr : entry();
  if (api == nullptr || api->version != cuda::kAbiVersion || api->op_bytes != sizeof(cuda::Op)) {
    dlclose(library);
    return {nullptr, "The CUDA plugin " + file + " belongs to another version of Foreword; install both from one package."};
  }
  return {api, ""};
}

const CudaPlugin& cuda_plugin() {
  static const CudaPlugin plugin = load_cuda_plugin(plugin_place("FOREWORD_CUDA_PLUGIN", "foreword_cuda.so"));
  return plugin;
}

}  // namespace foreword::gpu

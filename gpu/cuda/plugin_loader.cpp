#include "gpu/cuda/plugin_loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace foreword::gpu {
namespace {

// Where it is installed, else where it is built.
std::filesystem::path beside_the_program() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  const std::filesystem::path file = "lib/foreword/plugins/foreword_cuda.so";
  const std::filesystem::path installed = folder.parent_path() / file, built = folder / file;
  return std::filesystem::exists(built, error) ? built : installed;
}

}  // namespace

CudaPlugin load_cuda_plugin(const std::string& file) {
  std::error_code error;
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
  static const CudaPlugin plugin = [] {
    const char* named = std::getenv("FOREWORD_CUDA_PLUGIN");
    return load_cuda_plugin(named != nullptr && *named != '\0' ? std::string(named) : beside_the_program().string());
  }();
  return plugin;
}

}  // namespace foreword::gpu

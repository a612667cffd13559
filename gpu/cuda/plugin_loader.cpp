#include "gpu/cuda/plugin_loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <system_error>

namespace foreword::gpu {

// Where it is built, else where it is installed.
std::filesystem::path plugin_of(const std::filesystem::path& program) {
  if (program.empty()) return {};
  std::error_code error;
  const std::filesystem::path folder = program.parent_path(), file = "lib/foreword/plugins/foreword_cuda.so";
  const std::filesystem::path installed = folder.parent_path() / file, built = folder / file;
  return std::filesystem::exists(built, error) ? built : installed;
}

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
  static const CudaPlugin plugin = [] {
    const char* named = std::getenv("FOREWORD_CUDA_PLUGIN");
    std::error_code error;
    return load_cuda_plugin(named != nullptr && *named != '\0' ? named : plugin_of(std::filesystem::read_symlink("/proc/self/exe", error)));
  }();
  return plugin;
}

}  // namespace foreword::gpu

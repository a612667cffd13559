#pragma once
// Compiled shaders: one pipeline for each shader and choice of its specialisation constants, made at the first use and kept in
// a file between runs (the driver's own cache, checked by the driver).

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "gpu/vulkan/device.h"
#include "gpu/vulkan/shaders.h"

namespace foreword::gpu::vulkan {

struct Pipeline {
  VkPipeline handle = VK_NULL_HANDLE;
  VkPipelineLayout layout = VK_NULL_HANDLE;
  VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
  const ShaderFacts* facts = nullptr;
};

class Pipelines {
 public:
  explicit Pipelines(std::shared_ptr<Device> device);
  Pipelines(const Pipelines&) = delete;
  Pipelines& operator=(const Pipelines&) = delete;
  /// Writes the cache file.
  ~Pipelines();

  /// As many constants as the shader has. Stays valid as long as this object.
  Result<const Pipeline*> get(ShaderId id, const std::vector<std::uint32_t>& constants);
  const ShaderFacts& facts(ShaderId id);

 private:
  struct Shader {
    ShaderFacts facts;
    VkShaderModule module = VK_NULL_HANDLE;
    VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
    VkPipelineLayout layout = VK_NULL_HANDLE;
    std::map<std::vector<std::uint32_t>, Pipeline> pipelines;
  };

  Shader& shader(ShaderId id);
  Result<void> prepare(ShaderId id, Shader& shader);
  std::filesystem::path cache_file() const;
  void load_cache();
  void save_cache() const;

  std::shared_ptr<Device> device_;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::map<ShaderId, Shader> shaders_;
  std::size_t n_compiled_ = 0;
};

}  // namespace foreword::gpu::vulkan

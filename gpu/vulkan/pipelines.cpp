#include "gpu/vulkan/pipelines.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>

#include "engine/base/cache_file.h"
#include "engine/base/check.h"

namespace foreword::gpu::vulkan {
namespace {

// In front of the driver's bytes, since drivers look at their own header and no further: a damaged file is not for them to parse.
struct CacheHead {
  char magic[8];
  std::uint64_t bytes, hash;
};
constexpr char kMagic[8] = {'F', 'W', 'P', 'I', 'P', 'E', 'S', '1'};

/// FNV-1a.
std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

/// The driver's part of a file, or nothing.
std::string_view unwrapped(std::string_view file) {
  CacheHead head;
  if (file.size() < sizeof head) return {};
  std::memcpy(&head, file.data(), sizeof head);
  const std::string_view bytes = file.substr(sizeof head);
  const bool whole = std::memcmp(head.magic, kMagic, sizeof kMagic) == 0 && head.bytes == bytes.size() && head.hash == hash_of(bytes);
  return whole ? bytes : std::string_view();
}

}  // namespace

Pipelines::Pipelines(std::shared_ptr<Device> device) : device_(std::move(device)) { load_cache(); }

Pipelines::~Pipelines() {
  if (n_compiled_ > 0) save_cache();
  const VolkDeviceTable& vk = device_->vk;
  for (auto& [id, shader] : shaders_) {
    for (auto& [constants, pipeline] : shader.pipelines) vk.vkDestroyPipeline(device_->handle(), pipeline.handle, nullptr);
    vk.vkDestroyPipelineLayout(device_->handle(), shader.layout, nullptr);
    vk.vkDestroyDescriptorSetLayout(device_->handle(), shader.set_layout, nullptr);
    vk.vkDestroyShaderModule(device_->handle(), shader.module, nullptr);
  }
  vk.vkDestroyPipelineCache(device_->handle(), cache_, nullptr);
}

const ShaderFacts& Pipelines::facts(ShaderId id) { return shader(id).facts; }

Pipelines::Shader& Pipelines::shader(ShaderId id) {
  const auto [it, fresh] = shaders_.try_emplace(id);
  if (fresh) {
    it->second.facts = read_facts(code_of(id));
    check(it->second.facts.push_bytes <= 128, "push constants of at most 128 bytes");
  }
  return it->second;
}

Result<void> Pipelines::prepare(ShaderId id, Shader& shader) {
  if (shader.layout != VK_NULL_HANDLE) return {};
  const VolkDeviceTable& vk = device_->vk;
  const auto code = code_of(id);
  const auto must = [](VkResult result) -> Result<void> {
    if (result != VK_SUCCESS) return error_of(result, "preparing a kernel");
    return {};
  };
  if (shader.module == VK_NULL_HANDLE) {
    const VkShaderModuleCreateInfo create{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, nullptr, 0, code.size_bytes(), code.data()};
    FW_TRY(must(vk.vkCreateShaderModule(device_->handle(), &create, nullptr, &shader.module)));
  }
  if (shader.set_layout == VK_NULL_HANDLE) {
    std::vector<VkDescriptorSetLayoutBinding> bindings;
    for (std::uint32_t i = 0; i < shader.facts.bindings.size(); ++i) {
      bindings.push_back({i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
    }
    const VkDescriptorSetLayoutCreateInfo create{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, nullptr, 0,
                                                 static_cast<std::uint32_t>(bindings.size()), bindings.data()};
    FW_TRY(must(vk.vkCreateDescriptorSetLayout(device_->handle(), &create, nullptr, &shader.set_layout)));
  }
  const VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, shader.facts.push_bytes};
  const VkPipelineLayoutCreateInfo create{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, nullptr, 0, 1, &shader.set_layout,
                                          push.size > 0 ? 1U : 0U, &push};
  return must(vk.vkCreatePipelineLayout(device_->handle(), &create, nullptr, &shader.layout));
}

Result<const Pipeline*> Pipelines::get(ShaderId id, const std::vector<std::uint32_t>& constants) {
  Shader& s = shader(id);
  if (const auto it = s.pipelines.find(constants); it != s.pipelines.end()) return &it->second;
  check(constants.size() == s.facts.n_constants, "a value for each specialisation constant");
  FW_TRY(prepare(id, s));
  std::vector<VkSpecializationMapEntry> entries;
  for (std::uint32_t i = 0; i < constants.size(); ++i) entries.push_back({i, i * 4, 4});
  const VkSpecializationInfo special{static_cast<std::uint32_t>(entries.size()), entries.data(), constants.size() * 4, constants.data()};
  const VkComputePipelineCreateInfo create{
      VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, nullptr, 0,
      {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, nullptr, 0, VK_SHADER_STAGE_COMPUTE_BIT, s.module, "main", &special},
      s.layout, VK_NULL_HANDLE, -1};
  Pipeline pipeline{VK_NULL_HANDLE, s.layout, s.set_layout, &s.facts};
  const VkResult result = device_->vk.vkCreateComputePipelines(device_->handle(), cache_, 1, &create, nullptr, &pipeline.handle);
  if (result != VK_SUCCESS) return error_of(result, "preparing a kernel");
  ++n_compiled_;
  return &s.pipelines.emplace(constants, pipeline).first->second;
}

std::filesystem::path Pipelines::cache_file() const {
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(device_->physical(), &properties);
  std::string name = "vulkan-";
  for (const std::uint8_t byte : properties.pipelineCacheUUID) {
    constexpr char kDigits[] = "0123456789abcdef";
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  return std::filesystem::path(device_->options().cache_folder) / (name + ".pipelines");
}

void Pipelines::load_cache() {
  std::string all;
  if (!device_->options().cache_folder.empty()) {
    std::ifstream file(cache_file(), std::ios::binary);
    all.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  const std::string_view bytes = unwrapped(all);
  // A cache of another driver is the driver's to refuse: it begins empty then.
  const VkPipelineCacheCreateInfo create{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, nullptr, 0, bytes.size(), bytes.data()};
  if (device_->vk.vkCreatePipelineCache(device_->handle(), &create, nullptr, &cache_) == VK_SUCCESS) return;
  const VkPipelineCacheCreateInfo empty{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, nullptr, 0, 0, nullptr};
  if (device_->vk.vkCreatePipelineCache(device_->handle(), &empty, nullptr, &cache_) != VK_SUCCESS) cache_ = VK_NULL_HANDLE;
}

// Written beside, each program to a file of its own, and renamed, so that two at once leave one whole file.
void Pipelines::save_cache() const {
  if (device_->options().cache_folder.empty() || cache_ == VK_NULL_HANDLE) return;
  std::size_t n = 0;
  if (device_->vk.vkGetPipelineCacheData(device_->handle(), cache_, &n, nullptr) != VK_SUCCESS || n == 0) return;
  std::string bytes(n, '\0');
  if (device_->vk.vkGetPipelineCacheData(device_->handle(), cache_, &n, bytes.data()) != VK_SUCCESS) return;
  bytes.resize(n);
  CacheHead head{{}, n, hash_of(bytes)};
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  write_cache_file(cache_file(), std::string(reinterpret_cast<const char*>(&head), sizeof head) + bytes);
}

}  // namespace foreword::gpu::vulkan

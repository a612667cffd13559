#include "gpu/vulkan/commands.h"

#include <algorithm>
#include <map>

#include "engine/base/check.h"

namespace foreword::gpu::vulkan {
namespace {

constexpr std::size_t kPrograms = 12;

// A slow device: an old integrated one. Only for cutting command buffers.
constexpr double kBytesPerSecond = 15e9, kOperationsPerSecond = 300e9, kLongest = 0.05;

constexpr VkPipelineStageFlags kStages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr VkAccessFlags kWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
constexpr VkAccessFlags kReads = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT;

}  // namespace

void CommandList::add(Command command, const OpCost& cost) {
  std::array<Use, kMaxBindings> uses;
  std::size_t n = 0;
  if (command.pipeline == nullptr) {
    uses[n++] = {command.ranges[0], false};
    uses[n++] = {command.ranges[1], true};
  } else {
    for (const ShaderFacts::Binding& binding : command.pipeline->facts->bindings) {
      uses[n] = {command.ranges[n], binding.written};
      ++n;
    }
  }
  const auto blocked = [&](const Use& before) {
    return std::any_of(uses.begin(), uses.begin() + static_cast<std::ptrdiff_t>(n),
                       [&](const Use& use) { return (use.written || before.written) && overlap(use.range, before.range); });
  };
  command.barrier = std::ranges::any_of(uses_, blocked);
  if (command.barrier) uses_.clear();
  uses_.insert(uses_.end(), uses.begin(), uses.begin() + static_cast<std::ptrdiff_t>(n));

  const double seconds = std::max(static_cast<double>(cost.bytes) / kBytesPerSecond, static_cast<double>(cost.operations) / kOperationsPerSecond);
  command.cut = !commands_.empty() && seconds_ + seconds > kLongest;
  seconds_ = command.cut ? seconds : seconds_ + seconds;
  bytes_ += cost.bytes;
  commands_.push_back(command);
  costs_.push_back(cost);
}

void CommandList::clear() {
  commands_.clear();
  costs_.clear();
  uses_.clear();
  bytes_ = 0;
  seconds_ = 0;
}

CommandRunner::~CommandRunner() {
  for (Program& program : programs_) destroy(program);
  device_->vk.vkDestroyCommandPool(device_->handle(), pool_, nullptr);
}

void CommandRunner::destroy(Program& program) {
  if (!program.buffers.empty()) {
    device_->vk.vkFreeCommandBuffers(device_->handle(), pool_, static_cast<std::uint32_t>(program.buffers.size()), program.buffers.data());
  }
  device_->vk.vkDestroyDescriptorPool(device_->handle(), program.pool, nullptr);
}

Result<void> CommandRunner::run(const CommandList& list) {
  if (list.empty()) return {};
  auto it = std::ranges::find_if(programs_, [&](const Program& program) { return program.commands == list.commands(); });
  if (it != programs_.end()) {
    programs_.splice(programs_.begin(), programs_, it);
    ++counts_.reused;
  } else {
    Program fresh{list.commands(), VK_NULL_HANDLE, {}};
    if (auto made = make(fresh); !made) {
      destroy(fresh);
      return made;
    }
    programs_.push_front(std::move(fresh));
    if (programs_.size() > kPrograms) {
      destroy(programs_.back());
      programs_.pop_back();
    }
  }
  for (const Command& command : list.commands()) {
    ++(command.pipeline == nullptr ? counts_.copies : counts_.dispatches);
    counts_.barriers += command.barrier ? 1 : 0;
  }
  ++counts_.submissions;
  counts_.bytes += list.bytes();
  return device_->run(programs_.front().buffers);
}

Result<void> CommandRunner::make_pool(Program& program) {
  std::uint32_t n_sets = 0, n_buffers = 0;
  for (const Command& command : program.commands) {
    if (command.pipeline == nullptr) continue;
    ++n_sets;
    n_buffers += static_cast<std::uint32_t>(command.pipeline->facts->bindings.size());
  }
  if (n_sets == 0) return {};
  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, std::max(1U, n_buffers)};
  const VkDescriptorPoolCreateInfo create{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, nullptr, 0, n_sets, 1, &size};
  const VkResult result = device_->vk.vkCreateDescriptorPool(device_->handle(), &create, nullptr, &program.pool);
  if (result != VK_SUCCESS) return error_of(result, "preparing commands");
  return {};
}

Result<VkCommandBuffer> CommandRunner::begin(Program& program) {
  const VolkDeviceTable& vk = device_->vk;
  if (pool_ == VK_NULL_HANDLE) {
    const VkCommandPoolCreateInfo create{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, nullptr, 0, device_->family()};
    if (const VkResult result = vk.vkCreateCommandPool(device_->handle(), &create, nullptr, &pool_); result != VK_SUCCESS) {
      return error_of(result, "preparing commands");
    }
  }
  const VkCommandBufferAllocateInfo allocate{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, nullptr, pool_, VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1};
  VkCommandBuffer buffer = VK_NULL_HANDLE;
  if (const VkResult result = vk.vkAllocateCommandBuffers(device_->handle(), &allocate, &buffer); result != VK_SUCCESS) {
    return error_of(result, "preparing commands");
  }
  program.buffers.push_back(buffer);
  const VkCommandBufferBeginInfo begin_info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, nullptr, 0, nullptr};
  if (const VkResult result = vk.vkBeginCommandBuffer(buffer, &begin_info); result != VK_SUCCESS) return error_of(result, "preparing commands");
  return buffer;
}

Result<void> CommandRunner::make(Program& program) {
  const VolkDeviceTable& vk = device_->vk;
  FW_TRY(make_pool(program));
  std::map<std::pair<VkDescriptorSetLayout, std::vector<std::uint64_t>>, VkDescriptorSet> sets;
  const auto barrier = [&](VkCommandBuffer buffer, VkPipelineStageFlags to_stages, VkAccessFlags to_access) {
    const VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, kWrites, to_access};
    vk.vkCmdPipelineBarrier(buffer, kStages, to_stages, 0, 1, &memory, 0, nullptr, 0, nullptr);
  };
  // Between dispatches alone. Copies wait for all, and all for copies, with the one above.
  const auto narrow_barrier = [&](VkCommandBuffer buffer) {
    const VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_SHADER_WRITE_BIT, VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT};
    vk.vkCmdPipelineBarrier(buffer, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &memory, 0, nullptr, 0, nullptr);
  };
  bool copied = false;  // since the last barrier
  FW_ASSIGN(VkCommandBuffer buffer, begin(program));
  barrier(buffer, kStages, kReads | kWrites);  // what earlier submissions wrote
  const Pipeline* bound = nullptr;
  for (const Command& command : program.commands) {
    if (command.cut) {
      if (const VkResult result = vk.vkEndCommandBuffer(buffer); result != VK_SUCCESS) return error_of(result, "preparing commands");
      FW_ASSIGN(buffer, begin(program));
      bound = nullptr;
    }
    const bool copies = command.pipeline == nullptr;
    if (command.barrier && (copies || copied)) barrier(buffer, kStages, kReads | kWrites);
    else if (command.barrier) narrow_barrier(buffer);
    copied = copies || (copied && !command.barrier);
    if (copies) {
      const VkBufferCopy copy{command.ranges[0].offset, command.ranges[1].offset, command.ranges[1].bytes};
      vk.vkCmdCopyBuffer(buffer, command.ranges[0].buffer, command.ranges[1].buffer, 1, &copy);
      continue;
    }
    const Pipeline& pipeline = *command.pipeline;
    if (bound != &pipeline) vk.vkCmdBindPipeline(buffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle);
    bound = &pipeline;
    std::vector<std::uint64_t> key;
    const std::size_t n = pipeline.facts->bindings.size();
    for (std::size_t i = 0; i < n; ++i) key.insert(key.end(), {command.ranges[i].serial, command.ranges[i].offset, command.ranges[i].bytes});
    VkDescriptorSet& set = sets[{pipeline.set_layout, std::move(key)}];
    if (set == VK_NULL_HANDLE) {
      const VkDescriptorSetAllocateInfo allocate{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, nullptr, program.pool, 1, &pipeline.set_layout};
      if (const VkResult result = vk.vkAllocateDescriptorSets(device_->handle(), &allocate, &set); result != VK_SUCCESS) {
        return error_of(result, "preparing commands");
      }
      std::array<VkDescriptorBufferInfo, kMaxBindings> infos;
      std::array<VkWriteDescriptorSet, kMaxBindings> writes;
      for (std::size_t i = 0; i < n; ++i) {
        infos[i] = {command.ranges[i].buffer, command.ranges[i].offset, command.ranges[i].bytes};
        writes[i] = {VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, nullptr, set, static_cast<std::uint32_t>(i), 0, 1,
                     VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, nullptr, &infos[i], nullptr};
      }
      vk.vkUpdateDescriptorSets(device_->handle(), static_cast<std::uint32_t>(n), writes.data(), 0, nullptr);
    }
    vk.vkCmdBindDescriptorSets(buffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout, 0, 1, &set, 0, nullptr);
    if (pipeline.facts->push_bytes > 0) {
      vk.vkCmdPushConstants(buffer, pipeline.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, pipeline.facts->push_bytes, command.push.data());
    }
    vk.vkCmdDispatch(buffer, command.groups[0], command.groups[1], command.groups[2]);
  }
  barrier(buffer, kStages | VK_PIPELINE_STAGE_HOST_BIT, kReads | kWrites | VK_ACCESS_HOST_READ_BIT);
  if (const VkResult result = vk.vkEndCommandBuffer(buffer); result != VK_SUCCESS) return error_of(result, "preparing commands");
  return {};
}

}  // namespace foreword::gpu::vulkan

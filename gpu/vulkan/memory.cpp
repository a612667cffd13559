#include "gpu/vulkan/memory.h"

#include <algorithm>

#include "engine/base/check.h"
#include "gpu/human_bytes.h"

namespace foreword::gpu::vulkan {
namespace {

constexpr std::uint64_t kAlignment = 256;
// Buffers below kSmall share blocks of kBlockBytes. Larger ones have blocks of their own, or the end of a block that the next one does not
// fit in would stay empty. But drivers give only so many blocks: from half of them on, all share that fit twice.
constexpr std::uint64_t kBlockBytes = std::uint64_t{32} << 20, kSmall = std::uint64_t{4} << 20;

std::uint64_t round_up(std::uint64_t bytes) { return (std::max<std::uint64_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment; }

constexpr VkMemoryPropertyFlags kNever = VK_MEMORY_PROPERTY_PROTECTED_BIT | VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT |
                                         VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD | VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD;

/// The first of the allowed types of memory with all of `wanted`; those with `liked` too come first.
int type_with(const VkPhysicalDeviceMemoryProperties& memory, std::uint32_t allowed, VkMemoryPropertyFlags wanted, VkMemoryPropertyFlags liked) {
  for (const VkMemoryPropertyFlags flags : {wanted | liked, wanted}) {
    for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
      const VkMemoryPropertyFlags its = memory.memoryTypes[i].propertyFlags;
      if ((allowed >> i & 1) != 0 && (its & flags) == flags && (its & kNever) == 0) return static_cast<int>(i);
    }
  }
  return -1;
}

VkResult make_buffer(const Device& device, std::uint64_t bytes, VkBuffer& buffer) {
  const VkBufferCreateInfo create{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, nullptr, 0, bytes,
                                  VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                  VK_SHARING_MODE_EXCLUSIVE, 0, nullptr};
  return device.vk.vkCreateBuffer(device.handle(), &create, nullptr, &buffer);
}

/// The types that our buffers may lie in, a bit each.
std::uint32_t allowed_types(const Device& device) {
  VkBuffer buffer = VK_NULL_HANDLE;
  if (make_buffer(device, kAlignment, buffer) != VK_SUCCESS) return ~0U;  // the first block will say why
  VkMemoryRequirements needs;
  device.vk.vkGetBufferMemoryRequirements(device.handle(), buffer, &needs);
  device.vk.vkDestroyBuffer(device.handle(), buffer, nullptr);
  return needs.memoryTypeBits;
}

}  // namespace

Memory::Memory(std::shared_ptr<Device> device) : device_(std::move(device)) {
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(device_->physical(), &memory);
  const std::uint32_t allowed = allowed_types(*device_);
  constexpr VkMemoryPropertyFlags kShared = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  const int shared = type_with(memory, allowed, kShared | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
  const int staging = type_with(memory, allowed, kShared, VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
  const int local = type_with(memory, allowed, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0);
  check(staging >= 0 && local >= 0, "every Vulkan device has memory for itself and memory for the host");
  staging_.type = static_cast<std::uint32_t>(staging);
  staging_.mapped = true;
  local_.mapped = device_->features().unified && shared >= 0;
  local_.type = static_cast<std::uint32_t>(local_.mapped ? shared : local);
  local_is_cached_ = (memory.memoryTypes[local_.type].propertyFlags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) != 0;
}

Memory::~Memory() {
  for (Kind* kind : {&local_, &staging_}) {
    for (Block& block : kind->blocks) destroy(block);
  }
}

void Memory::destroy(Block& block) {
  device_->vk.vkDestroyBuffer(device_->handle(), block.buffer, nullptr);
  device_->vk.vkFreeMemory(device_->handle(), block.memory, nullptr);
}

std::int64_t Memory::free_bytes() const { return describe(device_->physical(), 0, device_->options()).memory_free_bytes; }

std::uint64_t Memory::bytes_held() const {
  std::uint64_t all = 0;
  for (const Kind* kind : {&local_, &staging_}) {
    for (const Block& block : kind->blocks) all += block.bytes;
  }
  return all;
}

Result<std::unique_ptr<DeviceBuffer>> Memory::allocate(std::uint64_t bytes) { return allocate(local_, bytes); }
Result<std::unique_ptr<DeviceBuffer>> Memory::allocate_staging(std::uint64_t bytes) { return allocate(staging_, bytes); }

Result<std::unique_ptr<DeviceBuffer>> Memory::allocate(Kind& kind, std::uint64_t bytes) {
  if (bytes > device_->features().max_allocation || n_requests_++ == device_->options().fail_allocation) {
    return Error{ErrorCode::out_of_memory, "The graphics processor could not give " + human_bytes(static_cast<double>(bytes)) + " (" +
                                               human_bytes(static_cast<double>(free_bytes())) +
                                               " are free); choose a smaller context or model, or --device cpu."};
  }
  const std::uint64_t size = round_up(bytes);
  for (Block& block : kind.blocks) {
    const auto hole = std::ranges::find_if(block.free, [size](const auto& entry) { return entry.second >= size; });
    if (hole == block.free.end()) continue;
    const auto [offset, free] = *hole;
    block.free.erase(hole);
    if (free > size) block.free.emplace(offset + size, free - size);
    bytes_in_use_ += static_cast<std::int64_t>(size);
    return std::make_unique<DeviceBuffer>(shared_from_this(), &block, offset, size, bytes);
  }
  const bool few = local_.blocks.size() + staging_.blocks.size() < device_->features().max_allocations / 2;
  const std::uint64_t fresh = size < (few ? kSmall : kBlockBytes / 2) ? kBlockBytes : size;
  Result<Block*> block = add_block(kind, fresh);
  if (!block && fresh > size) block = add_block(kind, size);
  if (!block) {
    return Error{block.error().code, "The graphics processor could not give " + human_bytes(static_cast<double>(bytes)) + " (" +
                                         human_bytes(static_cast<double>(free_bytes())) +
                                         " are free); choose a smaller context or model, or --device cpu."};
  }
  (*block)->free.erase(0);
  if ((*block)->bytes > size) (*block)->free.emplace(size, (*block)->bytes - size);
  bytes_in_use_ += static_cast<std::int64_t>(size);
  return std::make_unique<DeviceBuffer>(shared_from_this(), *block, 0, size, bytes);
}

Result<Block*> Memory::add_block(Kind& kind, std::uint64_t bytes) {
  Block block;
  block.bytes = bytes;
  VkResult result = make_buffer(*device_, bytes, block.buffer);
  if (result == VK_SUCCESS) {
    VkMemoryRequirements needs;
    device_->vk.vkGetBufferMemoryRequirements(device_->handle(), block.buffer, &needs);
    const VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, needs.size, kind.type};
    result = device_->vk.vkAllocateMemory(device_->handle(), &allocate, nullptr, &block.memory);
  }
  if (result == VK_SUCCESS) result = device_->vk.vkBindBufferMemory(device_->handle(), block.buffer, block.memory, 0);
  if (result == VK_SUCCESS && kind.mapped) {
    void* mapped = nullptr;
    result = device_->vk.vkMapMemory(device_->handle(), block.memory, 0, VK_WHOLE_SIZE, 0, &mapped);
    block.mapped = static_cast<std::byte*>(mapped);
  }
  if (result != VK_SUCCESS) {
    destroy(block);
    return error_of(result, "asking for memory");
  }
  block.serial = next_serial_++;
  block.free.emplace(0, bytes);
  return &kind.blocks.emplace_back(std::move(block));
}

void Memory::release(Block* block, std::uint64_t offset, std::uint64_t bytes) {
  bytes_in_use_ -= static_cast<std::int64_t>(bytes);
  auto at = block->free.emplace(offset, bytes).first;
  if (const auto next = std::next(at); next != block->free.end() && at->first + at->second == next->first) {
    at->second += next->second;
    block->free.erase(next);
  }
  if (at != block->free.begin()) {
    const auto before = std::prev(at);
    if (before->first + before->second == at->first) {
      before->second += at->second;
      block->free.erase(at);
      at = before;
    }
  }
  if (at->second != block->bytes) return;
  for (Kind* kind : {&local_, &staging_}) {
    const auto it = std::ranges::find_if(kind->blocks, [block](const Block& b) { return &b == block; });
    if (it == kind->blocks.end()) continue;
    destroy(*it);
    kind->blocks.erase(it);
    return;
  }
}

DeviceBuffer::~DeviceBuffer() { memory_->release(block_, offset_, reserved_); }

}  // namespace foreword::gpu::vulkan

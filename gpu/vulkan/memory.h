#pragma once
// Memory of a Vulkan device: blocks that the driver gives, and ranges of them.
//
// A block is one VkDeviceMemory with one VkBuffer over all of it. Buffers are ranges of blocks, 256-byte aligned. Where the
// device's memory is the host's, blocks are mapped for good and host() tells the address; elsewhere data goes through a
// staging block.

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>

#include "gpu/tensor.h"
#include "gpu/vulkan/device.h"

namespace foreword::gpu::vulkan {

struct Block {
  VkBuffer buffer = VK_NULL_HANDLE;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  std::byte* mapped = nullptr;
  std::uint64_t bytes = 0;
  std::uint64_t serial = 0;  // never given twice
  std::map<std::uint64_t, std::uint64_t> free;  // offset, bytes
};

/// Bytes [offset, offset + bytes) of a block. Equal ranges are the same memory, even where one outlived its block.
struct Range {
  VkBuffer buffer = VK_NULL_HANDLE;
  std::uint64_t serial = 0;  // of the block
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;

  explicit operator bool() const { return serial != 0; }
  bool operator==(const Range&) const = default;
  Range part(std::uint64_t first, std::uint64_t count) const { return {buffer, serial, offset + first, count}; }
};
inline bool overlap(const Range& a, const Range& b) {
  return a.serial == b.serial && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

class Memory;

/// What Backend::allocate() gives.
class DeviceBuffer final : public Buffer {
 public:
  DeviceBuffer(std::shared_ptr<Memory> memory, Block* block, std::uint64_t offset, std::uint64_t reserved, std::size_t bytes)
      : memory_(std::move(memory)), block_(block), offset_(offset), reserved_(reserved), bytes_(bytes) {}
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() override;

  std::size_t bytes() const override { return bytes_; }
  std::byte* host() const override { return block_->mapped == nullptr ? nullptr : block_->mapped + offset_; }
  Range range() const { return {block_->buffer, block_->serial, offset_, bytes_}; }

 private:
  std::shared_ptr<Memory> memory_;  // buffers may outlive the backend
  Block* block_;
  std::uint64_t offset_, reserved_;
  std::size_t bytes_;
};

class Memory : public std::enable_shared_from_this<Memory> {
 public:
  explicit Memory(std::shared_ptr<Device> device);
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory();

  /// `out_of_memory` with both sizes.
  Result<std::unique_ptr<DeviceBuffer>> allocate(std::uint64_t bytes);
  /// A block that the host reaches, for data under way.
  Result<std::unique_ptr<DeviceBuffer>> allocate_staging(std::uint64_t bytes);

  /// Whether the processor reads mapped memory at its usual speed: without a cache it is some hundred times slower.
  bool local_is_cached() const { return local_is_cached_; }
  std::int64_t bytes_in_use() const { return bytes_in_use_; }
  /// What the driver has given: what is in use, and the ends of blocks.
  std::uint64_t bytes_held() const;

 private:
  friend class DeviceBuffer;
  struct Kind {
    std::uint32_t type = 0;  // of memory
    bool mapped = false;
    std::list<Block> blocks;
  };

  Result<std::unique_ptr<DeviceBuffer>> allocate(Kind& kind, std::uint64_t bytes);
  Result<Block*> add_block(Kind& kind, std::uint64_t bytes);
  void release(Block* block, std::uint64_t offset, std::uint64_t bytes);
  void destroy(Block& block);
  std::int64_t free_bytes() const;

  std::shared_ptr<Device> device_;
  Kind local_, staging_;
  bool local_is_cached_ = false;
  std::uint64_t next_serial_ = 1;
  std::int64_t n_requests_ = 0;
  std::int64_t bytes_in_use_ = 0;
};

}  // namespace foreword::gpu::vulkan

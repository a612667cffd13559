#pragma once
// Bytes between the host and the device, at once: directly where the memory is shared, else through a staging block, a piece
// at a time.

#include <functional>
#include <memory>
#include <span>

#include "gpu/vulkan/commands.h"
#include "gpu/vulkan/memory.h"

namespace foreword::gpu::vulkan {

class Transfer {
 public:
  Transfer(std::shared_ptr<Device> device, std::shared_ptr<Memory> memory) : memory_(std::move(memory)), runner_(std::move(device)) {}

  /// `fill` writes bytes [first, first + to.size()) of what shall lie at `offset`; it is asked piece by piece (16 MiB, some milliseconds),
  /// each a multiple of `grain` long but for the last. False from it: `cancelled`, and what lies there is not defined. `out_of_memory`,
  /// `device_lost`.
  using Fill = std::function<bool(std::uint64_t first, std::span<std::byte> to)>;
  Result<void> to_device(const DeviceBuffer& buffer, std::uint64_t offset, std::uint64_t bytes, std::uint64_t grain, const Fill& fill);
  Result<void> to_host(const DeviceBuffer& buffer, std::uint64_t offset, std::span<std::byte> bytes);

 private:
  Result<void> copy(const Range& from, const Range& to);
  Result<void> need_staging(std::uint64_t bytes);

  std::shared_ptr<Memory> memory_;
  CommandRunner runner_;
  std::unique_ptr<DeviceBuffer> staging_;
};

}  // namespace foreword::gpu::vulkan

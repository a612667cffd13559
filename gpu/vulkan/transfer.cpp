#include "gpu/vulkan/transfer.h"

#include <algorithm>
#include <cstring>

namespace foreword::gpu::vulkan {
namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{16} << 20;
constexpr std::size_t kSmall = 4096;  // read faster than copied, also without a cache

}  // namespace

Result<void> Transfer::need_staging(std::uint64_t bytes) {
  if (staging_ != nullptr && staging_->bytes() >= bytes) return {};
  staging_.reset();
  FW_ASSIGN(staging_, memory_->allocate_staging(std::max<std::uint64_t>(bytes, 1 << 20)));
  return {};
}

Result<void> Transfer::copy(const Range& from, const Range& to) {
  CommandList list;
  Command command;
  command.ranges[0] = from;
  command.ranges[1] = to;
  list.add(command, {});
  return runner_.run(list);
}

Result<void> Transfer::to_device(const DeviceBuffer& buffer, std::uint64_t offset, std::uint64_t bytes, std::uint64_t grain, const Fill& fill) {
  const bool direct = buffer.host() != nullptr;
  const std::uint64_t piece = std::max<std::uint64_t>(1, kPieceBytes / grain) * grain;
  for (std::uint64_t first = 0; first < bytes; first += piece) {
    const std::uint64_t n = std::min(piece, bytes - first);
    if (!direct) FW_TRY(need_staging(n));
    if (!fill(first, {direct ? buffer.host() + offset + first : staging_->host(), n})) return Error{ErrorCode::cancelled, "Stopped."};
    if (!direct) FW_TRY(copy(staging_->range().part(0, n), buffer.range().part(offset + first, n)));
  }
  return {};
}

Result<void> Transfer::to_host(const DeviceBuffer& buffer, std::uint64_t offset, std::span<std::byte> bytes) {
  if (buffer.host() != nullptr && (memory_->local_is_cached() || bytes.size() <= kSmall)) {
    std::memcpy(bytes.data(), buffer.host() + offset, bytes.size());
    return {};
  }
  for (std::uint64_t first = 0; first < bytes.size(); first += kPieceBytes) {
    const std::uint64_t n = std::min(kPieceBytes, bytes.size() - first);
    FW_TRY(need_staging(n));
    FW_TRY(copy(buffer.range().part(offset + first, n), staging_->range().part(0, n)));
    std::memcpy(bytes.data() + first, staging_->host(), n);
  }
  return {};
}

}  // namespace foreword::gpu::vulkan

#include "gpu/bandwidth.h"

#include <algorithm>
#include <vector>

namespace foreword::gpu {
namespace {

constexpr std::int64_t kPiece = std::int64_t{1} << 24;
constexpr std::int64_t kMostForCaches = std::int64_t{2} << 30;

}  // namespace

std::int64_t ReadBandwidth::bytes_for(const DeviceInfo& device, std::int64_t wanted) {
  const std::int64_t beyond_caches = std::min(kMostForCaches, 4 * device.cache_bytes);
  return std::max(kPiece, std::min(std::max(wanted, beyond_caches), device.memory_free_bytes / 4) / kPiece * kPiece);
}

Result<ReadBandwidth> ReadBandwidth::prepare(Backend& backend, std::int64_t wanted) {
  const std::int64_t bytes = bytes_for(backend.device(), wanted);
  FW_ASSIGN(auto buffer, backend.allocate(static_cast<std::size_t>(bytes)));
  // Pages that were never written can all be the same page of zeros.
  const std::vector<std::byte> ones(static_cast<std::size_t>(kPiece), std::byte{1});
  for (std::int64_t at = 0; at < bytes; at += kPiece) {
    backend.write({buffer.get(), at, 1, kPiece / 4, kPiece / 4, DType::i32}, ones);
    FW_TRY(backend.submit());
  }
  return ReadBandwidth(backend, std::move(buffer));
}

double ReadBandwidth::pass() {
  const double seconds = backend_.read_through(*buffer_);
  return seconds > 0 ? static_cast<double>(buffer_->bytes()) / seconds : 0;
}

}  // namespace foreword::gpu

#pragma once
// How fast a device reads its memory, for shares of it. The speed of a shared machine drifts, so measure in passes
// between the passes of what is compared with it.

#include <memory>

#include "engine/base/result.h"
#include "gpu/backend.h"

namespace foreword::gpu {

class ReadBandwidth {
 public:
  /// A buffer of so many bytes on the device, or what bytes_for() makes of them. `out_of_memory`.
  static Result<ReadBandwidth> prepare(Backend& backend, std::int64_t bytes = std::int64_t{1} << 30);

  /// More where that is needed to come from memory and not from a cache in every pass but the first: four times what the caches hold,
  /// up to 2 GiB. A quarter of the free memory at most.
  static std::int64_t bytes_for(const DeviceInfo& device, std::int64_t wanted);

  /// Reads all of it once, with the same threads or lanes as the kernels; bytes per second. 0 if the device cannot tell.
  double pass();

 private:
  ReadBandwidth(Backend& backend, std::unique_ptr<Buffer> buffer) : backend_(backend), buffer_(std::move(buffer)) {}

  Backend& backend_;
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace foreword::gpu

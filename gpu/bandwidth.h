#pragma once
// How fast a device reads its memory, for shares of it. The speed of a shared machine drifts, so measure in passes
// between the passes of what is compared with it.

#include <memory>

#include "engine/base/result.h"
#include "gpu/backend.h"

namespace foreword::gpu {

class ReadBandwidth {
 public:
  /// A buffer of so many bytes on the device, a quarter where memory is short. `out_of_memory`.
  static Result<ReadBandwidth> prepare(Backend& backend, std::size_t bytes = std::size_t{1} << 30);

  /// Reads all of it once, with the same threads or lanes as the kernels; bytes per second. 0 if the device cannot tell.
  double pass();

 private:
  ReadBandwidth(Backend& backend, std::unique_ptr<Buffer> buffer) : backend_(backend), buffer_(std::move(buffer)) {}

  Backend& backend_;
  std::unique_ptr<Buffer> buffer_;
};

}  // namespace foreword::gpu

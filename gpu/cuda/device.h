#pragma once
// An open device of the plugin, and its memory.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/result.h"
#include "gpu/cuda/abi.h"
#include "gpu/human_bytes.h"
#include "gpu/tensor.h"

namespace foreword::gpu {

/// What keeps it open: the backend and its buffers.
struct CudaDevice {
  const cuda::Api& api;
  std::int32_t index;
  cuda::Context* context = nullptr;

  CudaDevice(const cuda::Api& of, std::int32_t number) : api(of), index(number) {}
  ~CudaDevice() {
    if (context != nullptr) api.close(context);
  }
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  std::int64_t free_bytes() const { return api.free_memory(context); }
  Error error(std::int32_t status) const {
    if (status == cuda::kOutOfMemory) {
      return {ErrorCode::out_of_memory, "The GPU's memory does not suffice for this step (" + human_bytes(static_cast<double>(free_bytes())) +
                                            " are free); choose a smaller --context or --device cpu."};
    }
    const std::string reason = api.message(context);
    return {ErrorCode::device_lost, "The GPU stopped working" + (reason.empty() ? "" : " (" + reason + ")") + "; start anew or choose --device cpu."};
  }
};

class CudaBuffer final : public Buffer {
 public:
  CudaBuffer(std::shared_ptr<CudaDevice> device, void* memory, std::size_t bytes) : device_(std::move(device)), memory_(memory), bytes_(bytes) {}
  ~CudaBuffer() override { device_->api.free(device_->context, memory_); }
  std::size_t bytes() const override { return bytes_; }
  std::byte* host() const override { return device_->api.shares_memory != 0 ? address() : nullptr; }
  std::byte* address() const { return static_cast<std::byte*>(memory_); }

 private:
  std::shared_ptr<CudaDevice> device_;
  void* memory_;
  std::size_t bytes_;
};

/// `out_of_memory` with both sizes in the sentence; `device_lost`.
Result<std::unique_ptr<CudaBuffer>> allocate_cuda(const std::shared_ptr<CudaDevice>& device, std::size_t bytes);

}  // namespace foreword::gpu

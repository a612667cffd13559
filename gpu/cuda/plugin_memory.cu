// Memory of the device, and what goes into it and out of it.

#include <cstring>

#include "gpu/cuda/pack.h"
#include "gpu/cuda/plugin_context.h"

namespace foreword::gpu::cuda {
namespace {

constexpr std::int64_t kPieceBytes = std::int64_t{16} << 20;

// Whether there is pinned memory to upload through.
bool has_pieces(Context* context) {
  for (int i = 0; i < 2; ++i) {
    if (context->pinned[i] == nullptr && cudaMallocHost(&context->pinned[i], kPieceBytes) != cudaSuccess) context->pinned[i] = nullptr;
    if (context->uploaded[i] == nullptr && cudaEventCreateWithFlags(&context->uploaded[i], cudaEventDisableTiming) != cudaSuccess) context->uploaded[i] = nullptr;
    if (context->pinned[i] == nullptr || context->uploaded[i] == nullptr) return cudaGetLastError(), false;
  }
  return true;
}

}  // namespace

int32_t status_of(Context* context, cudaError_t error) {
  if (error == cudaSuccess) return kOk;
  if (context != nullptr) context->message = cudaGetErrorString(error);
  cudaGetLastError();  // so that the next call does not report it again
  return error == cudaErrorMemoryAllocation ? kOutOfMemory : kDeviceLost;
}

cudaError_t copy_in_order(Stream stream, void* to, const void* from, std::int64_t bytes) {
  const cudaError_t error = cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice, stream);
  return error == cudaSuccess ? cudaStreamSynchronize(stream) : error;
}

int64_t free_memory(Context* context) {
  std::size_t free_bytes = 0, all = 0;
  cudaSetDevice(context->device);
  const bool known = cudaMemGetInfo(&free_bytes, &all) == cudaSuccess;
  cudaGetLastError();
  return known ? static_cast<std::int64_t>(free_bytes) : 0;
}

int32_t allocate(Context* context, int64_t bytes, void** device) {
  cudaSetDevice(context->device);
  return status_of(context, cudaMalloc(device, static_cast<std::size_t>(bytes)));
}
void release(Context* context, void* device) {
  cudaSetDevice(context->device);
  forget_steps(context);
  cudaFree(device);
  cudaGetLastError();
}
int32_t allocate_pinned(Context* context, int64_t bytes, void** host) {
  cudaSetDevice(context->device);
  return status_of(context, cudaMallocHost(host, static_cast<std::size_t>(bytes)));
}
void free_pinned(Context* context, void* host) {
  cudaSetDevice(context->device);
  forget_steps(context);
  cudaFreeHost(host);
  cudaGetLastError();
}

// A piece is copied out of the mapped file while the one before it is on its way.
int32_t upload(Context* context, void* to, const void* from, int64_t bytes) {
  cudaSetDevice(context->device);
  if (bytes < kPieceBytes || !has_pieces(context)) {
    return status_of(context, copy_in_order(context->lowering.stream, to, from, bytes));
  }
  const Stream stream = context->lowering.stream;
  cudaError_t error = cudaSuccess;
  for (std::int64_t done = 0; error == cudaSuccess && done < bytes; done += kPieceBytes) {
    const std::int64_t i = done / kPieceBytes % 2, n = bytes - done < kPieceBytes ? bytes - done : kPieceBytes;
    if (done >= 2 * kPieceBytes) error = cudaEventSynchronize(context->uploaded[i]);
    std::memcpy(context->pinned[i], static_cast<const std::byte*>(from) + done, static_cast<std::size_t>(n));
    if (error == cudaSuccess) error = cudaMemcpyAsync(static_cast<std::byte*>(to) + done, context->pinned[i], static_cast<std::size_t>(n), cudaMemcpyHostToDevice, stream);
    if (error == cudaSuccess) error = cudaEventRecord(context->uploaded[i], stream);
  }
  const cudaError_t ended = cudaStreamSynchronize(stream);
  return status_of(context, error == cudaSuccess ? ended : error);
}

int32_t pack(Context* context, const PackJob* job) {
  cudaSetDevice(context->device);
  launch_pack(context->lowering.stream, *job);
  const cudaError_t error = cudaGetLastError();
  return status_of(context, error == cudaSuccess ? cudaStreamSynchronize(context->lowering.stream) : error);
}

int32_t download(Context* context, const Copy* copy) {
  cudaSetDevice(context->device);
  const auto row = static_cast<std::size_t>(copy->row_bytes);
  if (copy->rows == 1 || copy->stride == copy->row_bytes) {  // the width of a matrix is limited
    return status_of(context, cudaMemcpy(copy->host, copy->device, static_cast<std::size_t>(copy->rows) * row, cudaMemcpyDeviceToHost));
  }
  return status_of(context, cudaMemcpy2D(copy->host, row, copy->device, static_cast<std::size_t>(copy->stride), row,
                                         static_cast<std::size_t>(copy->rows), cudaMemcpyDeviceToHost));
}

}  // namespace foreword::gpu::cuda

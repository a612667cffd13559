// What the device can do at best.

#include "gpu/cuda/plugin_context.h"

namespace foreword::gpu::cuda {
namespace {

__global__ void read_all(const uint4* from, std::int64_t n, unsigned* sink) {
  unsigned sum = 0;
#pragma unroll 4
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += std::int64_t{gridDim.x} * blockDim.x) {
    const uint4 v = from[i];
    sum ^= v.x ^ v.y ^ v.z ^ v.w;
  }
  if (sum == 0x12345678u) *sink = sum;  // so that nothing is left out
}

constexpr int kPeakRounds = 2048, kPeakChains = 8;
__global__ void multiply_only(unsigned* sink) {
  const int me = static_cast<int>(threadIdx.x), a[4] = {me, me + 1, me + 2, me + 3};
  int c[kPeakChains][4] = {}, sum = 0;
  for (int round = 0; round < kPeakRounds; ++round) {
#pragma unroll
    for (int chain = 0; chain < kPeakChains; ++chain) add_matrix_product(c[chain], a, me + chain, me ^ chain);
  }
  for (int chain = 0; chain < kPeakChains; ++chain) sum ^= c[chain][0] ^ c[chain][1] ^ c[chain][2] ^ c[chain][3];
  if (sum == 0x12345678) *sink = 1;
}

// Seconds that `launch` takes on the device; 0: it cannot be told.
template <class Launch>
double seconds_of(Context* context, Launch launch) {
  cudaSetDevice(context->device);
  cudaEvent_t begin, end;
  if (cudaEventCreate(&begin) != cudaSuccess) return 0;
  float milliseconds = 0;
  if (cudaEventCreate(&end) == cudaSuccess) {
    cudaEventRecord(begin, context->lowering.stream);
    launch();
    cudaEventRecord(end, context->lowering.stream);
    if (cudaStreamSynchronize(context->lowering.stream) != cudaSuccess || cudaEventElapsedTime(&milliseconds, begin, end) != cudaSuccess) milliseconds = 0;
    cudaEventDestroy(end);
  }
  cudaEventDestroy(begin);
  cudaGetLastError();
  return milliseconds / 1000.0;
}

unsigned processors_of(const Context* context) {
  int n = 0;
  cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, context->device);
  return static_cast<unsigned>(n);
}

}  // namespace

double read_through(Context* context, const void* bytes, int64_t n_bytes) {
  return seconds_of(context, [&] {
    read_all<<<processors_of(context) * 8, 256, 0, context->lowering.stream>>>(static_cast<const uint4*>(bytes), n_bytes / 16, context->sink);
  });
}

double peak_operations(Context* context) {
  const unsigned blocks = processors_of(context) * 4;
  constexpr unsigned kThreads = 256;
  const auto run_once = [&] { multiply_only<<<blocks, kThreads, 0, context->lowering.stream>>>(context->sink); };
  seconds_of(context, run_once);
  const double seconds = seconds_of(context, run_once);
  constexpr double kOperations = 2.0 * 16 * 8 * 32;  // of one instruction
  return seconds > 0 ? blocks * (kThreads / 32.0) * kPeakRounds * kPeakChains * kOperations / seconds : 0;
}

}  // namespace foreword::gpu::cuda

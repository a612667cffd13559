#pragma once
// What an open device has, on CUDA's runtime, and the functions of the plugin's table that other files than plugin.cu define.

#include <cstddef>
#include <string>
#include <vector>

#include "gpu/cuda/lowering.h"

namespace foreword::gpu::cuda {

// A step that was seen: its ops byte by byte, and once it has come again, its launches.
struct SeenStep {
  std::uint64_t hash = 0;
  std::vector<Op> ops;
  cudaGraphExec_t graph = nullptr;
  int n_launches = 0;
  std::int64_t last_use = 0;
};

struct Context {
  int device = 0;
  Lowering lowering{};
  void* codebooks = nullptr;
  unsigned* sink = nullptr;  // behind them: what a kernel that only reads writes to
  std::byte* memory[2] = {};  // of the lowering's arenas
  std::int64_t sizes[2] = {};
  std::byte* pinned[2] = {};    // pieces of what is uploaded, on their way in turn
  cudaEvent_t uploaded[2] = {};
  std::vector<SeenStep> steps;
  std::int64_t clock = 0;
  std::vector<cudaEvent_t> events;
  std::string message;
  Counts counts{};
};

/// The table's word for it; what CUDA says of it becomes the context's message, if there is one.
int32_t status_of(Context* context, cudaError_t error);

/// What was recorded is void: memory that it uses goes away, and other memory may get its address.
void forget_steps(Context* context);

// plugin_memory.cu
/// What follows on the stream sees it: a plain cudaMemcpy may return before pageable memory has arrived, and this stream does not wait for it.
cudaError_t copy_in_order(Stream stream, void* to, const void* from, std::int64_t bytes);
int64_t free_memory(Context* context);
int32_t allocate(Context* context, int64_t bytes, void** device);
void release(Context* context, void* device);
int32_t allocate_pinned(Context* context, int64_t bytes, void** host);
void free_pinned(Context* context, void* host);
int32_t upload(Context* context, void* to, const void* from, int64_t bytes);
int32_t pack(Context* context, const PackJob* job);
int32_t download(Context* context, const Copy* copy);

// plugin_speed.cu
double read_through(Context* context, const void* bytes, int64_t n_bytes);
double peak_operations(Context* context);

}  // namespace foreword::gpu::cuda

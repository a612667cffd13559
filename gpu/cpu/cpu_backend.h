#pragma once
// The processor as a backend: kernels for its instructions, a thread pool, and a schedule that finds out by itself
// which ops may overlap. Weights are used where they lie in the mapped file.

#include <memory>

#include "gpu/backend.h"
#include "gpu/cpu/system.h"

namespace foreword::gpu {

struct CpuOptions {
  int n_threads = 0;  // 0: usable_processors()
  Isa isa = best_isa();
};

/// What list_devices() says about the processor.
DeviceInfo describe_cpu();

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options);

}  // namespace foreword::gpu

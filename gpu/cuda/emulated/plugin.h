#pragma once
// CUDA's backend without a GPU, for tests: the same host code and the same kernels, on the emulator. One thread.

#include "gpu/cuda/abi.h"

namespace foreword::gpu::cuda {

struct EmulatedFaults {
  int allocations_until_failure = -1;  // of any kind of memory; -1: never
  bool run_fails = false;
  bool shares_rounding = true;  // off: every product rounds its input itself
  int32_t status_of_count = kOk;
};

/// The plugin's table; what it does from now on depends on `inject`.
const Api& emulated_plugin(const EmulatedFaults& inject = {});

}  // namespace foreword::gpu::cuda

#pragma once
// CUDA's backend without a GPU, for tests: the same host code and the same kernels, on the emulator. One thread.

#include <cstdint>
#include <string_view>

#include "gpu/cuda/abi.h"

namespace foreword::gpu::cuda {

struct EmulatedFaults {
  std::int64_t fail_allocation = -1;  // the request for memory of any kind that fails, from 0; -1: none
  std::int64_t lose_at_submit = -1;   // the run from which on the device is lost, from 0; -1: never
  std::int64_t memory = std::int64_t{1} << 40;  // bytes that there are
  std::int64_t shared_memory = std::int64_t{99} << 10;  // bytes that a block may have
  bool shares_rounding = true;  // off: every product rounds its input itself
  std::int32_t status_of_count = kOk;
};

/// Sets what the words name, parted by commas: "fail-allocation=N", "lose-at-submit=N", "memory=BYTES", "shared-memory=BYTES",
/// "no-driver", "old-driver", "driver-fails", "no-device". Unknown words are ignored.
EmulatedFaults faults_from_words(std::string_view words);

/// The plugin's table; what it does from now on depends on `inject`.
const Api& emulated_plugin(const EmulatedFaults& inject = {});
/// The same by the words in FOREWORD_CUDA_EMULATED, read at each count() and open().
const Api& emulated_plugin_by_environment();

/// Bytes of scratch memory that a step takes on a device, beside its rounded input.
std::int64_t scratch_of(const Op* ops, std::int64_t n_ops);

}  // namespace foreword::gpu::cuda

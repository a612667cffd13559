#pragma once
// Weights into the order in which products read them.

#include "gpu/cuda/abi.h"
#include "gpu/cuda/platform.h"

namespace foreword::gpu::cuda {

/// One launch. The format has units (packing.h).
void launch_pack(Stream stream, const PackJob& job);

}  // namespace foreword::gpu::cuda

#pragma once

#include "gpu/cuda/abi.h"
#include "gpu/profile.h"

namespace foreword::gpu::cuda {

/// The least that an op has to move and to compute, for a roofline. Of attention, whose rows see what only the device knows, as if each
/// row saw all slots.
OpCost cost_of(const Op& op);

}  // namespace foreword::gpu::cuda

#pragma once
// Whether a device computes at all what it should: nobody could try every driver and every card beforehand.

#include "engine/base/result.h"
#include "gpu/backend.h"

namespace foreword::gpu {

/// True if products of common formats (one row, few, many), a norm, and attention over stored keys come out as on the other one,
/// which is known to be right, up to the rounding of inputs to 8 bits. An error, of allocate() or submit(), says nothing about its
/// results. Takes some tens of milliseconds and a megabyte.
Result<bool> computes_as(Backend& right, Backend& device);

}  // namespace foreword::gpu

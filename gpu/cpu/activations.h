#pragma once
// Activations in 8 bits per 32 values (docs/formats.md): d = max|x| / 127, q = x / d rounded to
// nearest, ties to even.

#include "gpu/format.h"

namespace foreword::gpu {

/// True for the formats whose products take int8 activations on the processor; all others take f32. Part of the
/// numerics of the backend, so it is the same at every level of instructions.
bool quantises_activations(Format format);

}  // namespace foreword::gpu

#pragma once
// Activations in 8 bits per 16 values: d = max|x| / 127, q = x / d rounded to nearest, ties to even. Runs of 16 instead
// of the usual 32 take a sixth off the rounding error (the largest of 16 normal values is 1.77 sigma, of 32 2.07) for
// one conversion more in 32 columns. Weights that ask for it (WeightMatrix::precise) get a second term: what the first
// misses, rounded in the same way.

#include "gpu/format.h"

namespace foreword::gpu {

/// True for the formats whose products take int8 activations on the processor; all others take f32. Part of the
/// numerics of the backend, so it is the same at every level of instructions.
bool quantises_activations(Format format);

}  // namespace foreword::gpu

#pragma once
// The definition of every op: plain loops, sums in double, one row after the other. Slow on purpose; conformance
// tests of every backend compare with it. Ops run when they are called; submit() has nothing left to do.

#include <memory>

#include "gpu/backend.h"

namespace foreword::gpu {

struct ReferenceOptions {
  /// Round the input of a product as activations.h says where quantises_activations(), as the processor
  /// backend does; off: the mathematically intended product.
  bool quantise_activations = false;
};

std::unique_ptr<Backend> make_reference_backend(const ReferenceOptions& options = {});

}  // namespace foreword::gpu

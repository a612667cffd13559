#include "gpu/cpu/activations.h"

namespace foreword::gpu {

bool quantises_activations(Format format) {
  switch (format) {
    case Format::q4_0:
    case Format::q5_0:
    case Format::q8_0:
    case Format::q4_k:
    case Format::q5_k:
    case Format::q6_k: return true;
    default: return false;
  }
}

}  // namespace foreword::gpu

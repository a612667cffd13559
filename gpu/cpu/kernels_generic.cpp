// Plain C++, for any processor.
#include "gpu/cpu/simd_generic.h"
//
#include "gpu/cpu/kernels_linear.h"

namespace foreword::gpu {

constinit const Kernels kKernelsGeneric = make_kernels();

}  // namespace foreword::gpu

// Compiled with the flags of its name (gpu/CMakeLists.txt); called only where supported() allows.
#include "gpu/cpu/simd_avx512.h"
//
#include "gpu/cpu/kernels_linear.h"

namespace foreword::gpu {

constinit const Kernels kKernelsAvx512 = make_kernels();

}  // namespace foreword::gpu

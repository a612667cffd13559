#pragma once

#include "gpu/cpu/kernels.h"
#include "gpu/cpu/thread_pool.h"

namespace foreword::gpu {

/// Bytes per second that the pool's threads read from a buffer of 1 GiB (256 MiB where memory is short), the best of
/// the passes that fit into `seconds`, at least two. 0 if there is no memory.
double measure_read_bandwidth(ThreadPool& pool, const Kernels& kernels, double seconds);

}  // namespace foreword::gpu

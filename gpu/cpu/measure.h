#pragma once
// What the processor can do at best, to hold the kernels against.

#include <cstddef>
#include <span>

#include "gpu/cpu/kernels.h"
#include "gpu/cpu/thread_pool.h"

namespace foreword::gpu {

/// Seconds that the pool's threads need to read the bytes once.
double read_through(ThreadPool& pool, const Kernels& kernels, std::span<const std::byte> bytes);

/// Operations (a multiply-add is two) per second of the instruction that integer products live on, from registers, all
/// threads; the best of a few runs of some milliseconds.
double measure_peak_operations(ThreadPool& pool, const Kernels& kernels);

}  // namespace foreword::gpu

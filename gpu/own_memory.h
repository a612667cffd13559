#pragma once

#include <cstdint>

namespace foreword::gpu {

/// Bytes that this process holds in the processor's memory and that are no file's: free once it has given them back. 0 where the system does not tell.
std::int64_t own_memory_bytes();

}  // namespace foreword::gpu

#pragma once
// Which of the processors that we may use are worth a thread of their own. Products of one row wait for memory, so a
// second thread on the same core adds nothing, and an efficiency core makes all others wait at every barrier. And what
// their caches hold.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace foreword::gpu {

/// "0-3,8,10-11" as numbers; what is not such a list gives as much as was read. At most 4,096 of them.
std::vector<int> parse_processor_list(const std::string& text);

/// Of `allowed`: performance cores only where there are two kinds (Intel: devices/cpu_core/cpus; elsewhere the
/// cpu_capacity of each, at least three quarters of the largest), and one processor for each core. `sys` is /sys. What
/// cannot be read leaves the list as it is; never empty if `allowed` is not.
std::vector<int> processors_worth_a_thread(std::vector<int> allowed, const std::filesystem::path& sys);

/// Bytes of the last caches that these processors have, each counted once; 0 where `sys` does not tell.
std::int64_t last_cache_bytes(const std::vector<int>& processors, const std::filesystem::path& sys);

}  // namespace foreword::gpu

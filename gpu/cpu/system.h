#pragma once
// What the operating system says about the processor: its name, how much of it we may use, its memory.

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace foreword::gpu {

/// Instruction sets with kernels of their own, in rising order.
enum class Isa : std::uint8_t { generic, avx2, avxvnni, avx512 };
inline constexpr Isa kIsas[] = {Isa::generic, Isa::avx2, Isa::avxvnni, Isa::avx512};

/// "generic", "avx2", "avxvnni", "avx512".
const char* name_of(Isa isa);

/// Whether this processor and system can run it. A better one does not imply all below it.
bool supported(Isa isa);

/// The best that this processor and system can run.
Isa best_isa();

/// FOREWORD_ISA=generic|avx2|avxvnni|avx512 lowers `best` for tests; other values, and what is not supported, are ignored.
Isa isa_from_environment(Isa best);

/// Processors that this process may run on: the affinity mask and the cgroup's quota (rounded up), at least 1.
int usable_processors();

/// How far before its use a long stream of memory is best asked for: far enough for the memory, near enough for the first cache and what the
/// processor asks for itself. Measured (docs/speed.md): less on an Intel Xeon than on an AMD EPYC.
std::int64_t fetch_ahead_bytes();

/// What the last caches of the processors in the mask hold together; 0 where the system does not tell.
std::int64_t cache_bytes();

/// The quota of a cgroup v2 "cpu.max" line ("200000 100000", "max 100000") in processors; 0 = none.
double processors_from_cpu_max(const std::string& line);

/// What a cgroup may still take, from the texts of its files for the limit, for what it uses and "memory.stat" (v1 or v2): its limit
/// less what it uses. Pages of files do not count, be they read once (inactive) or more often, as those of a mapped model are
/// (active), for they go when others need the room. The largest number where there is no limit.
std::int64_t memory_left_in_cgroup(const std::string& limit_line, const std::string& used_line, const std::string& stat);

/// The processor that this thread runs on now; -1 where the system does not tell.
int processor_here();
/// From now on the thread runs on any processor that the caller may run on but this one. False: there is no other.
bool keep_off(std::thread& thread, int processor);

/// "AMD Ryzen 7 7840U", or "processor" where the system does not tell.
std::string processor_name();

/// "avx2", "fma", "avx512vnni", ... as far as kernels use them.
std::vector<std::string> processor_features();

/// `available` also heeds the limits of our cgroups (v1 and v2).
struct MemoryInfo {
  std::int64_t total_bytes = 0;
  std::int64_t available_bytes = 0;
};
MemoryInfo memory_info();

}  // namespace foreword::gpu

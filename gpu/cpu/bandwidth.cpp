#include "gpu/cpu/bandwidth.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "gpu/cpu/host_memory.h"
#include "gpu/cpu/system.h"

namespace foreword::gpu {

double measure_read_bandwidth(ThreadPool& pool, const Kernels& kernels, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr std::int64_t kLarge = std::int64_t{1} << 30, kSmall = kLarge / 4;
  const std::int64_t bytes = memory_info().available_bytes > 4 * kLarge ? kLarge : kSmall;
  auto buffer = allocate_host(static_cast<std::size_t>(bytes));
  if (!buffer) return 0;
  std::byte* data = (*buffer)->host();
  const std::int64_t share = bytes / pool.size() / 64 * 64;
  // Pages that were never written are all the same page of zeros.
  pool.run([&](int thread) { std::memset(data + thread * share, thread + 1, static_cast<std::size_t>(share)); });

  std::atomic<std::uint64_t> proof{0};
  double best = 0;
  const auto start = Clock::now();
  const auto elapsed = [](Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); };
  for (int pass = 0; pass < 2 || elapsed(start) < seconds; ++pass) {
    const auto begin = Clock::now();
    pool.run([&](int thread) { proof += kernels.read(data + thread * share, share); });
    best = std::max(best, static_cast<double>(share * pool.size()) / elapsed(begin));
  }
  return proof == 0 ? 0 : best;
}

}  // namespace foreword::gpu

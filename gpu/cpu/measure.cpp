#include "gpu/cpu/measure.h"

#include <algorithm>
#include <atomic>
#include <chrono>

namespace foreword::gpu {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kLoops = 1 << 18;
constexpr int kRuns = 5;

double seconds_of(ThreadPool& pool, const std::function<void(int)>& job) {
  const auto begin = Clock::now();
  pool.run(job);
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

double read_through(ThreadPool& pool, const Kernels& kernels, std::span<const std::byte> bytes) {
  const std::int64_t share = static_cast<std::int64_t>(bytes.size()) / pool.size() / 256 * 256;
  std::atomic<std::uint64_t> proof{0};
  return seconds_of(pool, [&](int thread) { proof += kernels.read(bytes.data() + thread * share, share); });
}

double measure_peak_operations(ThreadPool& pool, const Kernels& kernels) {
  std::atomic<std::int64_t> operations{0};
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    operations = 0;
    const double seconds = seconds_of(pool, [&](int) { operations += kernels.integer_peak(kLoops); });
    best = std::max(best, static_cast<double>(operations) / seconds);
  }
  return best;
}

}  // namespace foreword::gpu

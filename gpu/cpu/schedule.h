#pragma once
// A list of recorded work and who may run beside whom. Every step names the memory that it reads and writes; where a
// step overlaps what earlier ones write (or writes what they read) a barrier goes before it, or, if both are small,
// it joins the earlier one and the same thread runs them one after the other. All other neighbours overlap freely.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "gpu/cpu/thread_pool.h"
#include "gpu/profile.h"
#include "gpu/tensor.h"

namespace foreword::gpu {

/// Bytes of host memory: `rows` runs of `row_bytes`, `stride` apart.
struct Extent {
  Extent() = default;
  explicit Extent(const Tensor& tensor);
  Extent(const void* data, std::int64_t bytes);

  const std::byte* begin = nullptr;
  std::int64_t rows = 0;
  std::int64_t row_bytes = 0;
  std::int64_t stride = 0;

  bool operator==(const Extent&) const = default;
};

bool overlap(const Extent& a, const Extent& b);

/// A thread that works on a step.
struct Worker {
  int thread = 0;
  std::byte* scratch = nullptr;  // 64-byte aligned, as many bytes as the largest request of the schedule
};

using Work = std::function<void(std::int64_t unit, const Worker& worker)>;

class Schedule {
 public:
  explicit Schedule(int n_threads) : n_threads_(n_threads) {}

  /// Records work in units 0 .. n_units that may run in any order and at once. Units that lie side by side should
  /// read side by side: a thread takes them in rising order. Absent extents (no rows) are ignored.
  void add(const OpCost& cost, std::int64_t n_units, std::span<const Extent> reads, std::span<const Extent> writes,
           Work work);
  /// What was added last reads these bytes, unit for unit, and they never change: a thread that waits for others before it
  /// fetches the first of its share.
  void will_read(std::span<const std::byte> bytes);
  /// Each thread will have at least this much scratch.
  void need_scratch(std::size_t bytes);

  /// While on, what is added runs alone, between two barriers, and is timed.
  void set_profiling(bool on) { profiling_ = on; }
  /// Times since the last call.
  std::vector<OpProfile> take_profile() { return std::exchange(profile_, {}); }

  bool empty() const { return steps_.empty(); }
  std::size_t scratch_bytes() const { return scratch_bytes_; }
  std::size_t n_barriers() const;

  /// Forgets everything unrun.
  void clear();
  /// Runs everything in order and forgets it. `scratch` holds scratch_bytes() for each thread, one behind the other.
  void run(ThreadPool& pool, std::byte* scratch);

 private:
  struct Step {
    OpCost cost;              // of the first part
    std::vector<Work> parts;  // more than one only where n_units is 1: run one after the other
    std::int64_t n_units = 0;
    bool barrier_before = false;
    std::span<const std::byte> bytes;  // will_read()
    std::unique_ptr<std::atomic<std::int64_t>[]> taken;  // for each thread the next unit of its share
  };
  struct Use {
    Extent extent;
    bool writes = false;
    std::size_t step = 0;
  };

  std::int64_t first_unit(const Step& step, int owner) const { return step.n_units * owner / n_threads_; }
  /// The bytes to fetch while waiting before step `index`.
  std::span<const std::byte> next_bytes(std::size_t index, int thread) const;
  void run_steps(ThreadPool& pool, const Worker& worker);
  void run_timed(ThreadPool& pool, const Worker& worker);
  void run_units(Step& step, const Worker& worker) const;

  int n_threads_;
  std::deque<Step> steps_;
  std::vector<Use> uses_;  // since the last barrier
  std::size_t scratch_bytes_ = 0;
  bool profiling_ = false;
  std::vector<OpProfile> profile_;
};

}  // namespace foreword::gpu

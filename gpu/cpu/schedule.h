#pragma once
// A list of recorded work, run by several threads: group by group, the steps of a group side by side (dependencies.h).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "gpu/cpu/dependencies.h"
#include "gpu/cpu/thread_pool.h"
#include "gpu/cpu/work_list.h"
#include "gpu/profile.h"

namespace foreword::gpu {

class Schedule {
 public:
  explicit Schedule(int n_threads);

  /// Records work, void(std::int64_t unit, const Worker&), in units 0 .. n_units that may run in any order and at once. Units that
  /// lie side by side should read side by side: a thread takes them in rising order. Absent extents (no rows) are ignored.
  template <class Work>
  void add(const OpCost& cost, std::int64_t n_units, std::span<const Extent> reads, std::span<const Extent> writes, Work work) {
    if (n_units > 0) place(cost, n_units, reads, writes, works_.keep(std::move(work)));
  }
  /// What was added last reads these bytes, unit for unit, and they never change: a thread that waits for others before it
  /// fetches the first of its share.
  void will_read(std::span<const std::byte> bytes);
  /// Each thread will have at least this much scratch.
  void need_scratch(std::size_t bytes);

  /// While on, what is added runs alone and is timed.
  void set_profiling(bool on) { profiling_ = on; }
  bool profiling() const { return profiling_; }
  /// Times since the last call.
  std::vector<OpProfile> take_profile() { return std::exchange(profile_, {}); }

  bool empty() const { return steps_.empty(); }
  std::size_t scratch_bytes() const { return scratch_bytes_; }
  std::size_t n_groups() const { return groups_.size(); }

  /// Forgets everything unrun.
  void clear();
  /// Runs everything in order and forgets it. `scratch` holds scratch_bytes() for each thread, one behind the other.
  void run(ThreadPool& pool, std::byte* scratch);

 private:
  struct Step {
    OpCost cost;                 // of the first part
    WorkList::Item first, last;  // parts: more than one only where n_units is 1, run one after the other
    std::int64_t n_units = 0;
    std::int64_t first_unit = 0;       // in the group
    std::span<const std::byte> bytes;  // will_read()
  };
  struct Group {
    std::size_t first_step = 0, end_step = 0;
    std::int64_t n_units = 0;
    bool has_long_units = false;
    bool is_tiny = true;  // steps of one unit without products: another thread comes later than the caller is through with them
  };
  /// Where a thread's share of a group begins, and its next unit that nobody has taken.
  struct alignas(64) Share {
    std::atomic<std::int64_t> next{0};
  };

  void place(const OpCost& cost, std::int64_t n_units, std::span<const Extent> reads, std::span<const Extent> writes, WorkList::Item work);
  /// Rounded up, so that no share is larger than the first, the caller's.
  std::int64_t share_begin(const Group& group, int i, int n) const { return (group.n_units * i + n - 1) / n; }
  /// The bytes that thread i of n needs first behind this group.
  std::span<const std::byte> next_bytes(std::size_t group, int i, int n) const;
  std::size_t run_unit(std::size_t step, std::int64_t unit, const Worker& worker) const;
  void run_share(const Group& group, int i, int n, const Worker& worker) const;
  void run_units(const Group& group, int i, int n, const Worker& worker, ThreadPool& pool);
  void run_group(ThreadPool& pool, std::size_t index, std::byte* scratch);

  WorkList works_;
  std::vector<Step> steps_;
  std::vector<Group> groups_;
  Dependencies dependencies_;
  std::vector<Share> shares_;
  std::size_t scratch_bytes_ = 0;
  bool profiling_ = false;
  std::vector<OpProfile> profile_;
};

}  // namespace foreword::gpu

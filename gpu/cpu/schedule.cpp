#include "gpu/cpu/schedule.h"

#include <algorithm>
#include <chrono>

namespace foreword::gpu {
namespace {

// What a waiting thread fetches at most: some microseconds, a part of the second cache.
constexpr std::size_t kFetchBytes = 128 << 10;

// Whether a unit of an op takes some 50 microseconds or more. Those of ops whose cost is not told are short.
bool lasts_long(const OpCost& cost, std::int64_t n_units) {
  constexpr std::int64_t kBytes = 512 << 10, kOperations = 2 << 20;
  return cost.bytes / n_units > kBytes || cost.operations / n_units > kOperations;
}

}  // namespace

Schedule::Schedule(int n_threads) : shares_(static_cast<std::size_t>(n_threads)) {}

void Schedule::place(const OpCost& cost, std::int64_t n_units, std::span<const Extent> reads, std::span<const Extent> writes, WorkList::Item work) {
  const auto [step, joins, begins_group] = dependencies_.place(n_units, reads, writes, profiling_);
  if (joins) {
    works_.chain(steps_[step].last, work);
    steps_[step].last = work;
    groups_.back().is_tiny = groups_.back().is_tiny && cost.operations == 0;
    return;
  }
  if (begins_group) groups_.push_back({.first_step = step, .end_step = step});
  Group& group = groups_.back();
  steps_.push_back({cost, work, work, n_units, group.n_units, {}});
  group.end_step = steps_.size();
  group.n_units += n_units;
  group.has_long_units = group.has_long_units || lasts_long(cost, n_units);
  group.is_tiny = group.is_tiny && n_units == 1 && cost.operations == 0;
}

void Schedule::need_scratch(std::size_t bytes) { scratch_bytes_ = std::max(scratch_bytes_, (bytes + 63) / 64 * 64); }

void Schedule::will_read(std::span<const std::byte> bytes) { steps_.back().bytes = bytes; }

void Schedule::clear() {
  works_.clear();
  steps_.clear();
  groups_.clear();
  dependencies_.clear();
}

void Schedule::run(ThreadPool& pool, std::byte* scratch) {
  using Clock = std::chrono::steady_clock;
  if (std::any_of(groups_.begin(), groups_.end(), [](const Group& group) { return group.n_units > 1; })) pool.wake();
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const auto begin = profiling_ ? Clock::now() : Clock::time_point();
    run_group(pool, i, scratch);
    if (profiling_) add_call(profile_, steps_[groups_[i].first_step].cost, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  clear();
}

void Schedule::run_group(ThreadPool& pool, std::size_t index, std::byte* scratch) {
  const Group& group = groups_[index];
  if (group.n_units == 1 || group.is_tiny) {
    std::size_t step = group.first_step;
    for (std::int64_t unit = 0; unit < group.n_units; ++unit) step = run_unit(step, unit, {0, scratch});
    return;
  }
  for (Share& share : shares_) share.next.store(0, std::memory_order_relaxed);
  const bool is_short = group.n_units <= pool.size() && !group.has_long_units;
  const auto job = [&](int i, int n) {
    const Worker worker{i, scratch + static_cast<std::size_t>(i) * scratch_bytes_};
    if (is_short) run_share(group, i, n, worker);
    else run_units(group, i, n, worker, pool);
    return next_bytes(index, i, n);
  };
  if (is_short) pool.share(std::cref(job));
  else pool.share_for_long(std::cref(job));
}

void Schedule::run_share(const Group& group, int i, int n, const Worker& worker) const {
  for (std::int64_t unit = share_begin(group, i, n); unit < share_begin(group, i + 1, n); ++unit) run_unit(group.first_step, unit, worker);
}

// Each thread owns an equal run of units, which it reads front to back; who is done helps the others.
void Schedule::run_units(const Group& group, int i, int n, const Worker& worker, ThreadPool& pool) {
  for (int k = 0; k < n; ++k) {
    const int owner = (i + k) % n;
    const std::int64_t begin = share_begin(group, owner, n), size = share_begin(group, owner + 1, n) - begin;
    std::atomic<std::int64_t>& next = shares_[static_cast<std::size_t>(owner)].next;
    std::size_t step = group.first_step;
    while (next.load(std::memory_order_relaxed) < size) {
      if (i == 0) pool.call_others();
      const std::int64_t mine = next.fetch_add(1, std::memory_order_relaxed);
      if (mine < size) step = run_unit(step, begin + mine, worker);
    }
  }
}

// unit: of the group, in this step or a later one, which comes back.
std::size_t Schedule::run_unit(std::size_t step, std::int64_t unit, const Worker& worker) const {
  while (unit >= steps_[step].first_unit + steps_[step].n_units) ++step;
  const Step& one = steps_[step];
  for (WorkList::Item item = one.first;; item = works_.follower(item)) {
    works_.run(item, unit - one.first_unit, worker);
    if (item == one.last) return step;
  }
}

std::span<const std::byte> Schedule::next_bytes(std::size_t index, int i, int n) const {
  for (const Group& group : std::span(groups_).subspan(index + 1)) {
    const std::int64_t unit = share_begin(group, i, n);
    if (unit == share_begin(group, i + 1, n)) continue;
    std::size_t at = group.first_step;
    while (unit >= steps_[at].first_unit + steps_[at].n_units) ++at;
    const Step& step = steps_[at];
    if (step.bytes.empty()) continue;
    const std::size_t of_unit = step.bytes.size() / static_cast<std::size_t>(step.n_units);
    const auto bytes = step.bytes.subspan(of_unit * static_cast<std::size_t>(unit - step.first_unit));
    return bytes.first(std::min({bytes.size(), kFetchBytes, step.bytes.size() / static_cast<std::size_t>(n)}));
  }
  return {};
}

}  // namespace foreword::gpu

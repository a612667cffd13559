#include "gpu/cpu/schedule.h"

#include <algorithm>
#include <chrono>

namespace foreword::gpu {
namespace {

// What a waiting thread fetches at most: some microseconds, a part of the second cache.
constexpr std::size_t kFetchBytes = 128 << 10;
constexpr std::size_t kFetchAtOnce = 2048;

}  // namespace

Extent::Extent(const Tensor& tensor)
    : begin(tensor.buffer == nullptr ? nullptr : tensor.buffer->host() + tensor.offset),
      rows(tensor.buffer == nullptr ? 0 : tensor.rows),
      row_bytes(tensor.cols * bytes_of(tensor.dtype)),
      stride(tensor.stride * bytes_of(tensor.dtype)) {}

Extent::Extent(const void* data, std::int64_t bytes)
    : begin(static_cast<const std::byte*>(data)), rows(1), row_bytes(bytes), stride(bytes) {}

bool overlap(const Extent& a, const Extent& b) {
  if (a.rows == 0 || b.rows == 0) return false;
  const std::byte* a_end = a.begin + (a.rows - 1) * a.stride + a.row_bytes;
  const std::byte* b_end = b.begin + (b.rows - 1) * b.stride + b.row_bytes;
  if (a_end <= b.begin || b_end <= a.begin) return false;
  if (a.stride != b.stride || a.rows == 1 || b.rows == 1) return true;
  // Column ranges of one matrix, as the parts of a merged projection: compare the columns, around the row's end.
  const std::int64_t shift = ((b.begin - a.begin) % a.stride + a.stride) % a.stride;
  return shift < a.row_bytes || shift + b.row_bytes > a.stride;
}

void Schedule::add(const OpCost& cost, std::int64_t n_units, std::span<const Extent> reads,
                   std::span<const Extent> writes, Work work) {
  if (n_units == 0) return;
  constexpr std::size_t kNone = ~std::size_t{0};
  std::size_t partner = kNone;  // the only step in our way, if it is
  bool several = false;
  for (const Use& use : uses_) {
    const auto meets = [&use](const Extent& extent) { return overlap(use.extent, extent); };
    const bool blocks = std::any_of(writes.begin(), writes.end(), meets) ||
                        (use.writes && std::any_of(reads.begin(), reads.end(), meets));
    if (!blocks) continue;
    several = several || (partner != kNone && partner != use.step);
    partner = use.step;
  }
  std::size_t at = steps_.size();
  if (partner != kNone && !several && n_units == 1 && steps_[partner].n_units == 1 && !profiling_) {
    at = partner;
    steps_[at].parts.push_back(std::move(work));
  } else {
    if (partner != kNone) uses_.clear();
    Step& step = steps_.emplace_back();
    step.cost = cost;
    step.parts.push_back(std::move(work));
    step.n_units = n_units;
    step.barrier_before = partner != kNone;
    step.taken = std::make_unique<std::atomic<std::int64_t>[]>(static_cast<std::size_t>(n_threads_));
  }
  for (const Extent& extent : reads) uses_.push_back({extent, false, at});
  for (const Extent& extent : writes) uses_.push_back({extent, true, at});
}

void Schedule::need_scratch(std::size_t bytes) { scratch_bytes_ = std::max(scratch_bytes_, (bytes + 63) / 64 * 64); }

std::size_t Schedule::n_barriers() const {
  return static_cast<std::size_t>(
      std::count_if(steps_.begin(), steps_.end(), [](const Step& step) { return step.barrier_before; }));
}

void Schedule::run(ThreadPool& pool, std::byte* scratch) {
  const auto job = [&](int thread) {
    const Worker worker{thread, scratch + static_cast<std::size_t>(thread) * scratch_bytes_};
    if (profiling_) run_timed(pool, worker);
    else run_steps(pool, worker);
  };
  pool.run(job);
  clear();
}

void Schedule::clear() {
  steps_.clear();
  uses_.clear();
}

void Schedule::will_read(std::span<const std::byte> bytes) { steps_.back().bytes = bytes; }

std::span<const std::byte> Schedule::next_bytes(std::size_t index, int thread) const {
  while (index < steps_.size() && steps_[index].bytes.empty()) ++index;
  if (index == steps_.size()) return {};
  const Step& step = steps_[index];
  const std::size_t of_unit = step.bytes.size() / static_cast<std::size_t>(step.n_units);
  const auto bytes = step.bytes.subspan(of_unit * static_cast<std::size_t>(first_unit(step, thread)));
  return bytes.first(std::min({bytes.size(), kFetchBytes, step.bytes.size() / static_cast<std::size_t>(n_threads_)}));
}

void Schedule::run_steps(ThreadPool& pool, const Worker& worker) {
  std::span<const std::byte> bytes;  // to fetch while waiting
  bool known = false;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (!known) bytes = next_bytes(i, worker.thread);
    known = steps_[i].bytes.empty();
    if (steps_[i].barrier_before) {
      pool.barrier(worker.thread, [&bytes] {
        const auto now = bytes.first(std::min(bytes.size(), kFetchAtOnce));
        for (std::size_t at = 0; at < now.size(); at += 64) __builtin_prefetch(now.data() + at, 0, 2);
        bytes = bytes.subspan(now.size());
        return !bytes.empty();
      });
    }
    run_units(steps_[i], worker);
  }
}

void Schedule::run_timed(ThreadPool& pool, const Worker& worker) {
  using Clock = std::chrono::steady_clock;
  pool.barrier(worker.thread);
  auto begin = Clock::now();
  for (Step& step : steps_) {
    run_units(step, worker);
    pool.barrier(worker.thread);
    if (worker.thread != 0) continue;
    const auto end = Clock::now();
    add_call(profile_, step.cost, std::chrono::duration<double>(end - begin).count());
    begin = end;
  }
}

// Each thread owns an equal run of units, which it reads front to back; who is done helps the others.
void Schedule::run_units(Step& step, const Worker& worker) const {
  for (int i = 0; i < n_threads_; ++i) {
    const int owner = (worker.thread + i) % n_threads_;
    const std::int64_t first = first_unit(step, owner), share = first_unit(step, owner + 1) - first;
    std::atomic<std::int64_t>& taken = step.taken[static_cast<std::size_t>(owner)];
    while (taken.load(std::memory_order_relaxed) < share) {
      const std::int64_t mine = taken.fetch_add(1, std::memory_order_relaxed);
      if (mine >= share) break;
      for (const Work& part : step.parts) part(first + mine, worker);
    }
  }
}

}  // namespace foreword::gpu

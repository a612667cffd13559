#include "gpu/cpu/thread_pool.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "engine/base/log.h"
#include "gpu/cpu/system.h"

namespace foreword::gpu {
namespace {

using Clock = std::chrono::steady_clock;

// Pauses, each some 20 to 50 nanoseconds: how long who stands ready does so before it sleeps, and how often it lets others run
// meanwhile, so that more threads than processors are slow but do not collapse. Between two passes of an answer lie 50 to 100
// microseconds of sampling and drafting; who sleeps then is awake again later than the small groups at the start of a pass are done.
constexpr int kMostPauses = 8192;
constexpr int kPausesBetweenYields = 128;
// Who keeps the caller waiting for so long, and longer than a part takes, was sent away by the system, and will be again: it rests
// for some times as long as that took.
constexpr Clock::duration kLate = std::chrono::microseconds(150), kLongestRest = std::chrono::milliseconds(20);
constexpr int kRest = 4;
// Fetched at once, between two looks at whether there is work.
constexpr std::size_t kFetchAtOnce = 2048;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// One step of waiting; n counts them.
void wait_a_moment(std::span<const std::byte>& ahead, int& n) {
  if (!ahead.empty()) {
    const auto now = ahead.first(std::min(ahead.size(), kFetchAtOnce));
    for (std::size_t at = 0; at < now.size(); at += 64) __builtin_prefetch(now.data() + at, 0, 2);
    ahead = ahead.subspan(now.size());
    return;
  }
  pause();
  if (++n % kPausesBetweenYields == 0) std::this_thread::yield();
}

// notify_one() first reads whether any sleep, to save the system call, and that read must not pass the write before it. Else a
// thread that lies down in between sleeps for ever.
void notify(std::atomic<int>& word) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  word.notify_one();
}

}  // namespace

Clock::duration rest_after(Clock::duration waited, Clock::duration own) {
  return waited > std::max(kLate, own) ? std::min(kLongestRest, kRest * waited) : Clock::duration::zero();
}

ThreadPool::ThreadPool(int n_threads) : lanes_(static_cast<std::size_t>(std::max(n_threads, 1))) {
  std::size_t n = 1;
  try {
    for (; n < lanes_.size(); ++n) lanes_[n].thread = std::thread([this, &lane = lanes_[n]] { work(lane); });
  } catch (const std::system_error&) {
    log(LogLevel::warning, "The system gives only " + std::to_string(n) + " of " + std::to_string(lanes_.size()) +
                               " threads: Foreword goes on with those, more slowly.");
    while (lanes_.size() > n) lanes_.pop_back();  // moves none that has begun
  }
}

ThreadPool::~ThreadPool() {
  for (Lane& lane : lanes_) {
    lane.state.store(closing);
    notify(lane.state);
  }
  for (Lane& lane : lanes_) {
    if (lane.thread.joinable()) lane.thread.join();
  }
}

// If it stands ready.
bool ThreadPool::call(Lane& lane, int place) {
  int expected = ready;
  if (lane.state.load(std::memory_order_relaxed) != ready || !lane.state.compare_exchange_strong(expected, called, std::memory_order_acquire)) return false;
  lane.place = place;
  return true;
}

// Wherever it is on its way; before finish().
void ThreadPool::invite(Lane& lane, int place) {
  if (call(lane, place)) return;
  lane.place = place;
  int expected = asleep;
  if (lane.state.compare_exchange_strong(expected, invited, std::memory_order_release)) return notify(lane.state);
  expected = woken;
  if (!lane.state.compare_exchange_strong(expected, invited, std::memory_order_release)) lane.place = 0;  // it stands ready by now
}

// Where the caller is. A thread that stood ready there can only take turns with it.
int ThreadPool::note_processor() {
  const int here = processor_here();
  lanes_[0].processor.store(here, std::memory_order_relaxed);
  return here;
}

void ThreadPool::wake(Lane& lane) {
  int expected = asleep;
  if (lane.state.compare_exchange_strong(expected, woken)) notify(lane.state);
}

void ThreadPool::wake() {
  const int here = note_processor();
  for (auto lane = lanes_.begin() + 1; lane != lanes_.end(); ++lane) {
    if (lane->state.load(std::memory_order_relaxed) == asleep && may_come(*lane, here)) wake(*lane);
  }
}

void ThreadPool::run(const std::function<void(int)>& job) {
  const Job each = [&job](int i, int) { return job(i), std::span<const std::byte>(); };
  begin(each, size());
  for (auto lane = lanes_.begin() + 1; lane != lanes_.end(); ++lane) {
    while (lane->place == 0) invite(*lane, static_cast<int>(lane - lanes_.begin()));
  }
  finish(Awaits::all);
}

void ThreadPool::share(const Job& job) {
  const int here = note_processor();
  int n = 1;
  for (auto lane = lanes_.begin() + 1; lane != lanes_.end(); ++lane) {
    if (lane->processor.load(std::memory_order_relaxed) != here && !rests(*lane) && call(*lane, n)) ++n;
  }
  begin(job, n);
  finish(Awaits::called);
}

void ThreadPool::share_for_long(const Job& job) {
  const int here = note_processor();
  begin(job, size());
  for (auto lane = lanes_.begin() + 1; lane != lanes_.end(); ++lane) {
    if (may_come(*lane, here)) invite(*lane, static_cast<int>(lane - lanes_.begin()));
  }
  finish(Awaits::come);
}

void ThreadPool::call_others() {
  const int here = lanes_[0].processor.load(std::memory_order_relaxed);
  for (auto lane = lanes_.begin() + 1; lane != lanes_.end(); ++lane) {
    if (lane->place > 0 || lane->processor.load(std::memory_order_relaxed) == here || rests(*lane)) continue;
    if (call(*lane, static_cast<int>(lane - lanes_.begin()))) lane->state.store(working, std::memory_order_release);
  }
}

// Wherever it was last, it would not take turns with the caller.
bool ThreadPool::may_come(Lane& lane, int here) const {
  return !rests(lane) && (lane.processor.load(std::memory_order_relaxed) != here || keep_off(lane.thread, here));
}

bool ThreadPool::rests(Lane& lane) const {
  if (lane.rests_until == Clock::time_point()) return false;
  if (Clock::now() < lane.rests_until) return true;
  lane.rests_until = {};
  return false;
}

void ThreadPool::begin(const Job& job, int n) {
  job_ = &job;
  n_ = n;
}

// Or on its way to it.
bool ThreadPool::is_at_it(const Lane& lane) {
  const int state = lane.state.load(std::memory_order_acquire);
  return state == working || state == invited;
}

// Those that are called do it too, and those that come as invited.
void ThreadPool::finish(Awaits awaits) {
  for (Lane& lane : lanes_) {
    if (lane.state.load(std::memory_order_relaxed) == called) lane.state.store(working, std::memory_order_release);
  }
  const auto begin = Clock::now();
  std::span<const std::byte> ahead = (*job_)(0, n_);
  const auto own = Clock::now() - begin;
  for (Lane& lane : lanes_) {
    if (lane.place == 0) continue;
    int expected = invited;
    if (awaits != Awaits::all && lane.state.compare_exchange_strong(expected, woken, std::memory_order_acquire)) {
      lane.place = 0;
      continue;
    }
    Clock::time_point since{};
    for (int moments = 0; is_at_it(lane); wait_a_moment(ahead, moments)) {
      if (moments == kPausesBetweenYields && since == Clock::time_point()) since = Clock::now();
    }
    lane.place = 0;
    if (awaits != Awaits::called || since == Clock::time_point()) continue;
    const auto now = Clock::now();
    if (const auto rest = rest_after(now - since, own); rest > Clock::duration::zero()) lane.rests_until = now + rest;
  }
}

void ThreadPool::work(Lane& lane) {
  std::span<const std::byte> ahead;
  for (;;) {
    stand_ready(lane, ahead);
    if (lane.state.load(std::memory_order_acquire) == closing) return;
    ahead = (*job_)(lane.place, n_);
    lane.state.store(ready, std::memory_order_release);
  }
}

// Until there is work, or no more ever.
void ThreadPool::stand_ready(Lane& lane, std::span<const std::byte> ahead) {
  for (int n = 0;; wait_a_moment(ahead, n)) {
    int state = lane.state.load(std::memory_order_acquire);
    if (state == invited && lane.state.compare_exchange_strong(state, working, std::memory_order_acquire)) return;
    if (state == working || state == closing) return;
    if (state == woken && lane.state.compare_exchange_strong(state, ready)) state = ready, n = 0;
    if (n % kPausesBetweenYields != 0 || state != ready) continue;
    const int here = processor_here();
    lane.processor.store(here, std::memory_order_relaxed);
    if (n < kMostPauses && here != lanes_[0].processor.load(std::memory_order_relaxed)) continue;
    int expected = ready;
    if (!lane.state.compare_exchange_strong(expected, asleep)) continue;
    lane.state.wait(asleep);
  }
}

}  // namespace foreword::gpu

#include "gpu/cpu/thread_pool.h"

#include <algorithm>

namespace foreword::gpu {
namespace {

// Pauses, each some 20 to 50 nanoseconds.
constexpr int kMostSpins = 2048;
constexpr int kFewestSpins = 16;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Moves a word on and wakes whoever sleeps on it. Not with a mere release: notify_all() first reads how many sleep, to save
// the system call, and that read must not pass the write. Else a thread that lies down in between sleeps for ever.
void advance(std::atomic<int>& word) {
  word.fetch_add(1, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  word.notify_all();
}

}  // namespace

ThreadPool::ThreadPool(int n_threads) : lanes_(static_cast<std::size_t>(std::max(n_threads, 1))) {
  for (Lane& lane : lanes_) lane.spins = kMostSpins;
  for (int i = 1; i < size(); ++i) lanes_[static_cast<std::size_t>(i)].thread = std::thread([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  closing_ = true;
  advance(runs_);
  for (Lane& lane : lanes_) {
    if (lane.thread.joinable()) lane.thread.join();
  }
}

void ThreadPool::wait_while(const std::atomic<int>& word, int value, int& spins) {
  for (int i = 0; i < spins; ++i) {
    if (word.load(std::memory_order_acquire) != value) {
      spins = std::min(spins * 2, kMostSpins);
      return;
    }
    pause();
  }
  if (word.load(std::memory_order_acquire) != value) return;
  spins = std::max(spins / 2, kFewestSpins);
  word.wait(value, std::memory_order_acquire);
}

void ThreadPool::run(const std::function<void(int)>& job) {
  job_ = &job;
  advance(runs_);
  job(0);
  barrier(0);
}

void ThreadPool::work(int thread) {
  // Between runs a worker waits as long as the caller likes: a spin of its own, so that it does not spoil the barriers'.
  int idle_spins = kMostSpins;
  for (int seen = 0;; ++seen) {
    wait_while(runs_, seen, idle_spins);
    if (closing_) return;
    (*job_)(thread);
    barrier(thread);
  }
}

void ThreadPool::barrier(int thread) {
  if (size() == 1) return;
  const int meeting = meetings_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size()) {
    arrived_.store(0, std::memory_order_relaxed);
    advance(meetings_);
  } else {
    wait_while(meetings_, meeting, lanes_[static_cast<std::size_t>(thread)].spins);
  }
}

}  // namespace foreword::gpu

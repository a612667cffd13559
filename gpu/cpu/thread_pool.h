#pragma once
// A few threads that work on one thing together. The caller is one of them. While nothing runs they sleep; inside a
// run they meet at barriers, which spin for a short bounded time and then sleep too, so that more threads than
// processors are slow but do not collapse.

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace foreword::gpu {

class ThreadPool {
 public:
  /// `n_threads` with the caller, at least 1.
  explicit ThreadPool(int n_threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int size() const { return static_cast<int>(lanes_.size()); }

  /// Calls job(thread) once on every thread, 0 being the caller, and returns when all have come back. The job must not
  /// throw. One run at a time.
  void run(const std::function<void(int)>& job);

  /// Inside a job: returns when every thread is here. What was written before is visible after. Who has to wait calls
  /// `meanwhile`, if there is one, until it has nothing left to do and says false: some hundred nanoseconds a call at most.
  void barrier(int thread, const std::function<bool()>& meanwhile = nullptr);

 private:
  // How long a thread spins before it sleeps. Waits that spinning did not end make it shorter, others longer.
  struct alignas(64) Lane {
    int spins = 0;
    std::thread thread;
  };

  void work(int thread);
  static void wait_while(const std::atomic<int>& word, int value, int& spins);

  std::vector<Lane> lanes_;
  alignas(64) std::atomic<int> runs_{0};  // counts runs; the workers' signal to start
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<int> meetings_{0};  // counts full barriers
  const std::function<void(int)>* job_ = nullptr;
  bool closing_ = false;
};

}  // namespace foreword::gpu

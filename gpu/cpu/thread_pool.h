#pragma once
// A few threads that work on one thing together, led by the caller, which is one of them. Between two things they stand ready,
// spinning, for some hundred microseconds, and then sleep. Who is late, since it sleeps or the system runs something else in its
// place, is not waited for: the others do its part. Who was called and then made others wait is left in peace for a while.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <thread>
#include <vector>

namespace foreword::gpu {

/// How long a thread rests after its part of a job whose parts are alike. The caller was through with its own, which was as large
/// as any, after `own`, and then waited for that thread for `waited`: only what no part takes says that the system ran something
/// else in its place.
std::chrono::steady_clock::duration rest_after(std::chrono::steady_clock::duration waited, std::chrono::steady_clock::duration own);

class ThreadPool {
 public:
  /// `n_threads` with the caller, at least 1; fewer where the system gives no more, which it logs.
  explicit ThreadPool(int n_threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int size() const { return static_cast<int>(lanes_.size()); }

  /// Calls job(thread) once on every thread, 0 being the caller, and returns when all have come back. The job must not throw.
  /// One call at a time, as of share().
  void run(const std::function<void(int thread)>& job);

  /// Calls job(i, n) for every i below n, each on a thread of its own: 0 on the caller's, the others on those that stand ready, be
  /// there none; part 0 should be as large as any. Returns when all have come back. What the job returns is memory that never changes and that its thread will read
  /// next: it is fetched while the thread waits.
  using Job = std::function<std::span<const std::byte>(int i, int n)>;
  void share(const Job& job);
  /// The same for what takes longer: n is size(), who sleeps is invited and does its part when it comes, others do the part of a thread that
  /// does not come before they are through, and the caller calls those that stand ready by now with call_others() while it does its own.
  void share_for_long(const Job& job);
  void call_others();
  /// Wakes those that sleep, so that they may stand ready when they are needed.
  void wake();

 private:
  // ready -> called -> working -> ready by the caller and by the thread's coming back; ready -> asleep by the thread, asleep -> woken
  // by the caller, woken -> ready by the thread. Instead, asleep or woken -> invited by the caller, invited -> working by the thread, or
  // -> woken by the caller where it is done before the thread has come.
  enum State : int { ready, called, working, asleep, woken, invited, closing };
  struct alignas(64) Lane {
    std::atomic<int> state{ready};
    std::atomic<int> processor{-1};  // on which the thread last stood ready
    int place = 0;                   // i of the job that it is called for; 0: it is not
    std::chrono::steady_clock::time_point rests_until{};  // epoch: it does not
    std::thread thread;
  };

  bool call(Lane& lane, int place);
  void invite(Lane& lane, int place);
  int note_processor();
  void wake(Lane& lane);
  bool rests(Lane& lane) const;
  bool may_come(Lane& lane, int here) const;
  void begin(const Job& job, int n);
  // Whom the caller waits for when it is through with its own part: those that it called to parts alike, those of the invited that have
  // come by then, or every thread.
  enum class Awaits { called, come, all };
  static bool is_at_it(const Lane& lane);
  void finish(Awaits awaits);
  void work(Lane& lane);
  void stand_ready(Lane& lane, std::span<const std::byte> ahead);

  std::vector<Lane> lanes_;  // the caller's first
  const Job* job_ = nullptr;
  int n_ = 1;  // threads that it is done by
};

}  // namespace foreword::gpu

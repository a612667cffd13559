#pragma once
// A system that gives no more threads.

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace foreword::test {

// Leaves the process room for the stacks of two more threads, until it goes.
class RoomForTwoThreads {
 public:
  RoomForTwoThreads() {
    constexpr std::size_t kStack = std::size_t{256} << 20;
    ::pthread_getattr_default_np(&usual_);
    ::pthread_attr_t large = usual_;
    ::pthread_attr_setstacksize(&large, kStack);
    ::pthread_setattr_default_np(&large);
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    ::getrlimit(RLIMIT_AS, &limit_);
    rlimit small = limit_;
    small.rlim_cur = pages * static_cast<std::uint64_t>(::getpagesize()) + kStack * 5 / 2;
    ::setrlimit(RLIMIT_AS, &small);
  }
  ~RoomForTwoThreads() {
    ::setrlimit(RLIMIT_AS, &limit_);
    ::pthread_setattr_default_np(&usual_);
  }

 private:
  ::pthread_attr_t usual_{};
  rlimit limit_{};
};

}  // namespace foreword::test

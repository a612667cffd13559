#include "gpu/cpu/schedule.h"

#include <sched.h>

#include <memory>
#include <numeric>
#include <set>
#include <thread>

#include "gpu/cpu/system.h"
#include "tests/gpu/harness.h"
#include "tests/support/few_threads.h"

namespace foreword::gpu {
namespace {

TEST(ThreadPool, EveryThreadRunsOnce) {
  for (const int n : {1, 2, 3, 8}) {
    // Not on the stack: the sanitizer's stack does not keep its alignment.
    const auto pool = std::make_unique<ThreadPool>(n);
    ASSERT_EQ(pool->size(), n);
    std::vector<std::int64_t> mine(static_cast<std::size_t>(n) * 16);  // not atomic: coming back orders the accesses
    for (int run = 1; run <= 200; ++run) {
      pool->run([&](int thread) { mine[static_cast<std::size_t>(thread) * 16] += 1; });
      for (int i = 0; i < n; ++i) ASSERT_EQ(mine[static_cast<std::size_t>(i) * 16], run) << "thread " << i;
    }
  }
}

// By as many threads as there are: each part once, on a thread of its own, and all of it done when the call returns. Now and then
// everybody has time to fall asleep.
TEST(ThreadPool, WhoStandsReadyDoesAPart) {
  for (const int size : {1, 2, 3, 8}) {
    const auto pool = std::make_unique<ThreadPool>(size);
    std::vector<int> done(static_cast<std::size_t>(size));
    std::vector<std::thread::id> by(done.size());
    const std::vector<std::byte> memory(10000);
    for (int round = 0; round < 500; ++round) {
      std::atomic<int> told{0};
      std::ranges::fill(done, 0);
      if (round % 3 == 0) pool->wake();
      pool->share([&](int i, int n) {
        told = n;
        ++done[static_cast<std::size_t>(i)];
        by[static_cast<std::size_t>(i)] = std::this_thread::get_id();
        return std::span(memory);
      });
      const auto n = static_cast<std::size_t>(told.load());
      ASSERT_GE(n, 1U);
      ASSERT_LE(n, done.size());
      for (std::size_t i = 0; i < done.size(); ++i) ASSERT_EQ(done[i], i < n ? 1 : 0) << i << " of " << n;
      ASSERT_EQ(by[0], std::this_thread::get_id());
      ASSERT_EQ(std::set(by.begin(), by.begin() + static_cast<std::ptrdiff_t>(n)).size(), n);
      if (round % 100 == 99) pool->run([](int) {});  // reaches those that sleep, too
    }
  }
}

// Leaves the calling thread and those that it starts one processor, until it goes.
class OneProcessor {
 public:
  OneProcessor() {
    ::sched_getaffinity(0, sizeof usual_, &usual_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
    ::sched_setaffinity(0, sizeof one, &one);
  }
  ~OneProcessor() { ::sched_setaffinity(0, sizeof usual_, &usual_); }

 private:
  cpu_set_t usual_{};
};

// Where a thread that is awake finds itself on the caller's processor, it sleeps at once, and yet has to come.
TEST(ThreadPool, EveryThreadComesThoughThereIsOneProcessor) {
  const OneProcessor limit;
  ThreadPool pool(4);
  for (int round = 0; round < 100; ++round) {
    pool.wake();  // tells where the caller is
    std::vector<int> ran(static_cast<std::size_t>(pool.size()));
    pool.run([&](int thread) { ++ran[static_cast<std::size_t>(thread)]; });
    ASSERT_EQ(ran, std::vector<int>(ran.size(), 1));
  }
}

TEST(ThreadPool, GoesOnWithTheThreadsThatTheSystemGives) {
  std::unique_ptr<ThreadPool> pool;
  {
    const test::RoomForTwoThreads limit;
    pool = std::make_unique<ThreadPool>(16);
  }
#if defined(__SANITIZE_THREAD__)
  ASSERT_EQ(pool->size(), 2) << "a thread takes more than its stack there";
#else
  ASSERT_EQ(pool->size(), 3);
#endif
  std::atomic<int> ran{0};
  for (int run = 0; run < 10; ++run) pool->run([&](int) { ++ran; });
  EXPECT_EQ(ran, 10 * pool->size());
}

TEST(ThreadPool, OnlyWhoTakesLongerThanAPartIsLate) {
  using std::chrono::microseconds;
  EXPECT_EQ(rest_after(microseconds(100), microseconds(1)), microseconds(0));
  EXPECT_EQ(rest_after(microseconds(200), microseconds(1)), microseconds(800));
  EXPECT_EQ(rest_after(microseconds(200), microseconds(300)), microseconds(0));  // long parts
  EXPECT_EQ(rest_after(microseconds(900), microseconds(300)), microseconds(3600));
  EXPECT_EQ(rest_after(microseconds(90000), microseconds(1)), microseconds(20000));
}

TEST(Extent, OverlapsWhereBytesDo) {
  std::vector<float> memory(1000);
  const auto view = [&](std::int64_t first, std::int64_t rows, std::int64_t cols, std::int64_t stride) {
    return Extent(memory.data() + first, rows, cols * 4, stride * 4);
  };
  struct Case {
    Extent a, b;
    bool meet;
  };
  const Case cases[] = {
      {view(0, 1, 10, 10), view(10, 1, 10, 10), false}, {view(0, 1, 11, 11), view(10, 1, 10, 10), true},
      {view(0, 5, 10, 30), view(10, 5, 20, 30), false}, {view(0, 5, 11, 30), view(10, 5, 20, 30), true},
      {view(10, 5, 20, 30), view(30, 4, 10, 30), false}, {view(10, 5, 20, 30), view(29, 4, 10, 30), true},
      {view(0, 5, 10, 30), view(10, 5, 20, 31), true},  // unlike strides: careful
      {view(0, 5, 10, 30), Extent(), false},            {view(60, 2, 10, 30), view(0, 2, 10, 30), false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(overlap(c.a, c.b), c.meet) << &c - cases;
    EXPECT_EQ(overlap(c.b, c.a), c.meet) << &c - cases;
  }
}

TEST(Schedule, GroupsEndOnlyWhereTheyMust) {
  std::vector<float> memory(64);
  const auto at = [&](std::int64_t i) { return std::vector<Extent>{Extent(&memory[static_cast<std::size_t>(i)], 4)}; };
  const auto nothing = [](std::int64_t, const Worker&) {};
  Schedule schedule(2);
  schedule.add({"op"}, 8, at(0), at(1), nothing);
  schedule.add({"op"}, 8, at(0), at(2), nothing);  // reads the same
  EXPECT_EQ(schedule.n_groups(), 1U);
  schedule.add({"op"}, 8, at(1), at(3), nothing);  // reads what the first wrote
  EXPECT_EQ(schedule.n_groups(), 2U);
  schedule.add({"op"}, 8, at(4), at(1), nothing);  // writes what the third reads
  EXPECT_EQ(schedule.n_groups(), 3U);
  schedule.add({"op"}, 8, at(5), at(1), nothing);  // writes what another wrote
  EXPECT_EQ(schedule.n_groups(), 4U);
  schedule.add({"op"}, 1, at(6), at(7), nothing);
  schedule.add({"op"}, 1, at(7), at(8), nothing);  // small after small: one thread does both
  schedule.add({"op"}, 1, at(8), at(7), nothing);
  EXPECT_EQ(schedule.n_groups(), 4U);
  schedule.add({"op"}, 2, at(7), at(9), nothing);
  EXPECT_EQ(schedule.n_groups(), 5U);
}

// Steps of one unit without products, side by side: another thread would come too late.
TEST(Schedule, WhatIsTinyStaysWithTheCaller) {
  const auto pool = std::make_unique<ThreadPool>(3);
  std::vector<float> memory(64);
  const auto at = [&](std::size_t i) { return std::vector<Extent>{Extent(&memory[i], 4)}; };
  std::set<std::thread::id> by;
  const auto work = [&](std::int64_t, const Worker&) { by.insert(std::this_thread::get_id()); };
  for (int round = 0; round < 300; ++round) {
    pool->wake();
    Schedule schedule(3);
    for (std::size_t i = 3; i < 9; ++i) schedule.add({"op"}, 1, at(2), at(i), work);
    ASSERT_EQ(schedule.n_groups(), 1U);
    schedule.run(*pool, nullptr);
    ASSERT_EQ(by, std::set{std::this_thread::get_id()}) << "round " << round;
  }
}

// Else who was given more than the caller would be taken for late.
TEST(Schedule, NobodyHasMoreThanTheCaller) {
  constexpr int kThreads = 4;
  const auto pool = std::make_unique<ThreadPool>(kThreads);
  Schedule schedule(kThreads);
  for (int round = 0; round < 300; ++round) {
    const std::int64_t n_units = round % kThreads + 1;
    std::array<std::atomic<int>, kThreads> done{};
    schedule.add({"op"}, n_units, {}, {}, [&](std::int64_t, const Worker& worker) { ++done[static_cast<std::size_t>(worker.thread)]; });
    pool->run([](int) {});  // so that all stand ready
    schedule.run(*pool, nullptr);
    for (const auto& others : done) ASSERT_LE(others, done[0]) << n_units << " units";
  }
}

// Random little programs on few cells, run in one go and step by step. Each comes several times, since what was decided for one
// is remembered, and another may begin as it does.
TEST(Schedule, RandomProgramsRunAsIfOneByOne) {
  constexpr std::size_t kCells = 8;
  std::vector<std::array<std::int64_t, 16>> cells(kCells);
  const auto pool = std::make_unique<ThreadPool>(3);
  Schedule schedule(3);
  for (std::uint64_t round = 0; round < 200; ++round) {
    const std::uint64_t seed = round % 25, end_seed = round % 7;
    std::mt19937_64 random(seed);
    std::vector<std::array<std::int64_t, 16>> expected(kCells);
    for (std::size_t i = 0; i < kCells; ++i) expected[i].fill(static_cast<std::int64_t>(i)), cells[i] = expected[i];
    for (int step = 0; step < 60; ++step) {
      if (step == 40) random.seed(100 + end_seed);
      const std::size_t a = random() % kCells, b = random() % kCells, to = random() % kCells;
      const std::int64_t n_units = std::array{1, 2, 16}[random() % 3];
      const auto work = [a, b, to](std::vector<std::array<std::int64_t, 16>>& on, std::size_t i) {
        on[to][i] = (on[a][i] * 31 + on[b][i] * 17 + 5) % 1000003;
      };
      for (std::size_t i = 0; i < 16; ++i) work(expected, i);
      const auto extent = [&](std::size_t cell) { return Extent(cells[cell].data(), 16 * 8); };
      const std::vector<Extent> reads{extent(a), extent(b)}, writes{extent(to)};
      schedule.add({"op"}, n_units, reads, writes, [=, &cells](std::int64_t unit, const Worker&) {
        for (std::int64_t i = unit * 16 / n_units; i < (unit + 1) * 16 / n_units; ++i) work(cells, static_cast<std::size_t>(i));
      });
    }
    schedule.run(*pool, nullptr);
    ASSERT_EQ(cells, expected) << "seed " << seed << ", " << end_seed;
    EXPECT_TRUE(schedule.empty());
  }
}

// Who does not come is done without, and who comes late helps: each unit once, and nobody twice.
TEST(ThreadPool, WhoComesLateIsCalled) {
  for (const int size : {1, 2, 4}) {
    const auto pool = std::make_unique<ThreadPool>(size);
    for (int round = 0; round < 300; ++round) {
      std::atomic<int> next{0};
      std::vector<int> done(40), called(static_cast<std::size_t>(size));
      pool->share_for_long([&](int i, int n) {
        EXPECT_EQ(n, size);
        ++called[static_cast<std::size_t>(i)];
        for (int unit; (unit = next++) < std::ssize(done);) {
          if (i == 0) pool->call_others();
          ++done[static_cast<std::size_t>(unit)];
        }
        return std::span<const std::byte>();
      });
      ASSERT_EQ(done, std::vector<int>(40, 1));
      ASSERT_EQ(called[0], 1);
      for (const int times : called) ASSERT_LE(times, 1);
    }
  }
}

// Whatever its part takes, and whether it stands ready or sleeps when the work begins: a caller that is busy is not needed for it to come.
TEST(ThreadPool, WhoSleepsComesAlsoWhereTheCallerNeverLooksUp) {
  using Clock = std::chrono::steady_clock;
  if (usable_processors() < 2) GTEST_SKIP() << "the system gives this process one processor";
  ThreadPool pool(2);
  for (int round = 0; round < 40; ++round) {
    // Every second time for long enough for the thread to fall asleep.
    for (const auto until = Clock::now() + std::chrono::milliseconds(round % 2 == 0 ? 0 : 5); Clock::now() < until;) {
    }
    std::atomic<bool> came{false};
    pool.share_for_long([&](int i, int) {
      const auto patience = Clock::now() + std::chrono::seconds(30);
      if (i == 1) came = true;
      while (!came && Clock::now() < patience) {
      }
      return std::span<const std::byte>();
    });
    ASSERT_TRUE(came) << round;
  }
}

// A chain of dependent ops gives the same bits in one submit as in many.
TEST(Schedule, OpsInOneSubmitEqualOpsOneByOne) {
  const auto program = [](Harness& h, bool step_by_step) {
    const auto step = [&] {
      if (step_by_step) {
        EXPECT_TRUE(h.backend.submit().has_value());
      }
    };
    const WeightMatrix a = h.weight(Format::q4_0, 544, 64), b = h.weight(Format::f16, 64, 544), c = h.weight(Format::q8_0, 64, 544);
    const Tensor x = h.floats(5, 64), wide = h.empty(5, 544), y = h.empty(5, 64), z = h.empty(5, 64);
    const std::vector<float> quarters(64, 0.25F);
    const Tensor ones = h.put(std::vector<float>(64, 1.0F), 1, 64);
    step();
    for (int layer = 0; layer < 6; ++layer) {
      h.backend.rms_norm(x, ones, 1e-5F, 64, y), step();
      h.backend.linear(a, y, {}, wide), step();
      h.backend.activate(Activation::silu, wide, wide), step();
      h.backend.linear(b, wide, {}, y), step();
      h.backend.linear(c, wide, {}, z), step();
      h.backend.scale(wide.col_range(0, 32), 0.5F), step();
      h.backend.add(y, z, 0.5F, y), step();
      h.backend.write(z.row_range(2, 1), std::as_bytes(std::span(quarters))), step();
      h.backend.add(x, y, 0.01F, x), step();
      h.backend.add(x, z, 0.01F, x), step();
    }
    return h.take(x);
  };
  for (const Subject& subject : subjects()) {
    const auto backend = subject.open(3);
    Harness one(*backend, 8), many(*backend, 8);
    const std::vector<float> expected = program(many, true);
    EXPECT_EQ(program(one, false), expected) << subject.name;
    EXPECT_TRUE(std::isfinite(expected[0]));
  }
}

TEST(System, CpuMax) {
  EXPECT_EQ(processors_from_cpu_max("200000 100000"), 2.0);
  EXPECT_EQ(processors_from_cpu_max("50000 100000"), 0.5);
  EXPECT_EQ(processors_from_cpu_max("max 100000"), 0.0);
  EXPECT_EQ(processors_from_cpu_max(""), 0.0);
  EXPECT_GE(usable_processors(), 1);
}

TEST(System, FilesDoNotCountAsMemoryInUse) {
  constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();
  const std::string v2 = "anon 1000\nfile 5000\nactive_anon 10\ninactive_file 2000\nactive_file 3000\nslab 7\n";
  const std::string v1 = "cache 5000\ninactive_file 20\nactive_file 30\ntotal_cache 5000\ntotal_inactive_file 2000\ntotal_active_file 3000\n";
  EXPECT_EQ(memory_left_in_cgroup("10000", "6000", v2), 9000);
  EXPECT_EQ(memory_left_in_cgroup("10000", "6000", v1), 9000);
  EXPECT_EQ(memory_left_in_cgroup("10000", "6000", ""), 4000);
  EXPECT_EQ(memory_left_in_cgroup("10000", "12000", ""), 0);
  EXPECT_EQ(memory_left_in_cgroup("10000", "4000", v2), 10000);  // read at two instants
  EXPECT_EQ(memory_left_in_cgroup("max", "6000", v2), kNoLimit);
  EXPECT_EQ(memory_left_in_cgroup("", "", ""), kNoLimit);
}

}  // namespace
}  // namespace foreword::gpu

#include "gpu/cuda/emulator/emulator.h"

#include <array>
#include <memory>
#include <vector>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#include "engine/base/check.h"

// Saves the registers that a callee has to keep, changes the stack, restores. ucontext would ask the kernel for the signal
// mask at every switch, which is a hundred times slower.
#if defined(__x86_64__)
extern "C" void foreword_switch_stack(void** save, void* load);
asm(R"(
.text
.globl foreword_switch_stack
.type foreword_switch_stack, @function
foreword_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size foreword_switch_stack, .-foreword_switch_stack
)");
#endif

namespace foreword::gpu::cuda::emulator {
namespace {

constexpr std::size_t kStackBytes = 128 * 1024;

class Context {
 public:
#if defined(__x86_64__)
  void start(std::byte* stack, void (*entry)()) {
    auto* top = reinterpret_cast<void**>(stack + kStackBytes);
    *--top = nullptr;  // so that `entry` finds the alignment that a call leaves
    *--top = reinterpret_cast<void*>(entry);
    for (int i = 0; i < 6; ++i) *--top = nullptr;
    stack_ = top;
  }
  void go_to(Context& other) { foreword_switch_stack(&stack_, other.stack_); }

 private:
  void* stack_ = nullptr;
#else
  void start(std::byte* stack, void (*entry)()) {
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack;
    context_.uc_stack.ss_size = kStackBytes;
    context_.uc_link = nullptr;
    makecontext(&context_, entry, 0);
  }
  void go_to(Context& other) { swapcontext(&context_, &other.context_); }

 private:
  ucontext_t context_;
#endif
};

// Everybody waits until the generation changes.
struct Barrier {
  int arrived = 0;
  unsigned generation = 0;
};

struct Warp {
  Barrier barrier;
  alignas(16) std::byte slots[2][kLanes * kSlotBytes];
};

struct Fiber {
  Context context;
  Place place;
  Warp* warp = nullptr;
  int lane = 0;
  bool done = false;
  const Barrier* waits_for = nullptr;
  unsigned generation = 0;  // that it waits to see changed

  bool can_run() const { return !done && (waits_for == nullptr || waits_for->generation != generation); }
};

struct Block {
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  Barrier barrier;
  int alive = 0;
  Fiber* current = nullptr;
  Context host;
  const std::function<void()>* body = nullptr;
  std::byte* shared = nullptr;
};

thread_local Block* running = nullptr;

std::byte* stack_of(std::size_t thread) {
  thread_local std::vector<std::unique_ptr<std::byte[]>> stacks;
  while (stacks.size() <= thread) stacks.push_back(std::make_unique_for_overwrite<std::byte[]>(kStackBytes));
  return stacks[thread].get();
}

// Round the lanes of the same warp first, then the other warps.
Fiber* next_of(Block& block, const Fiber& from) {
  const auto at = static_cast<std::size_t>(&from - block.fibers.data()), n = block.fibers.size();
  const std::size_t first = at / kLanes * kLanes;
  for (std::size_t i = 1; i < kLanes; ++i) {
    Fiber& other = block.fibers[first + (at - first + i) % kLanes];
    if (other.can_run()) return &other;
  }
  for (std::size_t i = kLanes; i <= n; ++i) {
    Fiber& other = block.fibers[(first + i) % n];
    if (other.can_run()) return &other;
  }
  return nullptr;
}

void leave_current() {
  Block& block = *running;
  Fiber& from = *block.current;
  Fiber* to = next_of(block, from);
  if (to == nullptr) {
    check(block.alive == 0, "emulated kernel: every thread waits for one that does not come");
    from.context.go_to(block.host);
    return;
  }
  block.current = to;
  if (to != &from) from.context.go_to(to->context);
}

void wait_at(Barrier& barrier, int expected) {
  Fiber& self = *running->current;
  if (++barrier.arrived == expected) {
    barrier.arrived = 0;
    ++barrier.generation;
    return;
  }
  self.waits_for = &barrier;
  self.generation = barrier.generation;
  leave_current();
  self.waits_for = nullptr;
}

void fiber_main() {
  (*running->body)();
  Block& block = *running;
  block.current->done = true;
  --block.alive;
  if (block.alive > 0 && block.barrier.arrived == block.alive) {
    block.barrier.arrived = 0;
    ++block.barrier.generation;
  }
  leave_current();
}

}  // namespace

const Place& here() { return running->current->place; }
int lane_of_this_thread() { return running->current->lane; }
std::byte* dynamic_shared() { return running->shared; }
void sync_block() { wait_at(running->barrier, running->alive); }
void sync_warp() { wait_at(running->current->warp->barrier, kLanes); }

const std::byte* exchange(const void* value, std::size_t size) {
  const Fiber& self = *running->current;
  // Two sets of slots in turn: nobody can be more than one exchange ahead.
  std::byte* slots = self.warp->slots[self.warp->barrier.generation % 2];
  std::memcpy(slots + static_cast<std::size_t>(self.lane) * kSlotBytes, value, size);
  sync_warp();
  return slots;
}

void run_grid(Index grid, Index size, std::size_t shared_bytes, const std::function<void()>& body) {
  check(running == nullptr, "emulated kernel: a launch inside a kernel");
  const std::size_t n = std::size_t{size.x} * size.y * size.z;
  check(n > 0 && n <= 1024 && n % kLanes == 0, "emulated kernel: a block has whole warps, 1024 threads at most");
  Block block;
  block.fibers.resize(n);
  block.warps.resize(n / kLanes);
  block.body = &body;
  struct alignas(16) Unit { std::byte bytes[16]; };
  const auto shared = std::make_unique_for_overwrite<Unit[]>((shared_bytes + 15) / 16);
  block.shared = reinterpret_cast<std::byte*>(shared.get());
  running = &block;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        block.alive = static_cast<int>(n);
        for (std::size_t i = 0; i < n; ++i) {
          const auto t = static_cast<unsigned>(i);
          Fiber& fiber = block.fibers[i];
          fiber.place = {Index(t % size.x, t / size.x % size.y, t / size.x / size.y), Index(x, y, z), size, grid};
          fiber.warp = &block.warps[i / kLanes];
          fiber.lane = static_cast<int>(i % kLanes);
          fiber.done = false;
          fiber.waits_for = nullptr;
          fiber.context.start(stack_of(i), fiber_main);
        }
        block.current = &block.fibers.front();
        block.host.go_to(block.current->context);
      }
    }
  }
  running = nullptr;
}

}  // namespace foreword::gpu::cuda::emulator

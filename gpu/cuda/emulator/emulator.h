#pragma once
// CUDA's threads on the processor, for tests: the source of a kernel runs as it is, every thread of a block as a fiber. Blocks
// run one after the other on the thread that launches. All 32 lanes of a warp have to take part in each of its exchanges, and
// all threads of a block that have not returned in sync_block(): what never comes is found and ends the program (check).
// It proves indexing, layouts and order of sums; it cannot prove the order of memory or speed.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

namespace foreword::gpu::cuda::emulator {

struct Index {
  unsigned x = 1, y = 1, z = 1;
  Index(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

inline constexpr int kLanes = 32;

/// What a thread of a running kernel knows about itself.
struct Place {
  Index thread, block, block_size, grid_size;
};
const Place& here();

/// Runs `body` once for each thread. Block sizes are multiples of 32.
void run_grid(Index grid, Index block, std::size_t shared_bytes, const std::function<void()>& body);

void sync_block();
void sync_warp();
/// The shared memory whose size came with the launch, 16-byte aligned.
std::byte* dynamic_shared();

/// Hands `size` bytes of this lane to the others of its warp and waits for theirs: those of lane i at [i * kSlotBytes]. They stay
/// until the warp's next exchange but one.
inline constexpr std::size_t kSlotBytes = 64;
const std::byte* exchange(const void* value, std::size_t size);

template <class T>
T from_lane(T value, int lane) {
  static_assert(sizeof(T) <= kSlotBytes);
  const std::byte* all = exchange(&value, sizeof value);
  std::memcpy(&value, all + static_cast<std::size_t>(lane & (kLanes - 1)) * kSlotBytes, sizeof value);
  return value;
}
int lane_of_this_thread();

}  // namespace foreword::gpu::cuda::emulator

// CUDA's backend around its kernels: what the emulator finds, what happens when something of the device fails, and the plugin's file.
// The kernels themselves: the cases of the ops with FOREWORD_TEST_DEVICE=cuda-emulated, or =cuda on a machine that has one.

#include <filesystem>
#include <fstream>

#include "gpu/cuda/cuda_backend.h"
#include "gpu/cuda/emulated/plugin.h"
#include "gpu/cuda/emulator/emulator.h"
#include "gpu/cuda/plugin_loader.h"
#include "tests/gpu/harness.h"

namespace foreword::gpu {
namespace {

namespace emulator = cuda::emulator;

TEST(CudaEmulator, EveryThreadRunsOnceAndKnowsItsPlace) {
  std::vector<int> seen(3 * 2 * 64);
  emulator::run_grid({3, 2}, {64}, 0, [&] {
    const emulator::Place& at = emulator::here();
    ++seen[(at.block.y * at.grid_size.x + at.block.x) * at.block_size.x + at.thread.x];
  });
  EXPECT_EQ(std::ranges::count(seen, 1), static_cast<std::ptrdiff_t>(seen.size()));
}

TEST(CudaEmulator, LanesExchangeAndBlocksWait) {
  std::vector<int> sums(96);
  emulator::run_grid({1}, {96}, 96 * sizeof(int), [&] {
    const auto me = static_cast<int>(emulator::here().thread.x);
    int sum = me;
    for (int distance = 16; distance > 0; distance /= 2) sum += emulator::from_lane(sum, emulator::lane_of_this_thread() ^ distance);
    auto* shared = reinterpret_cast<int*>(emulator::dynamic_shared());
    shared[me] = sum;
    emulator::sync_block();
    sums[static_cast<std::size_t>(me)] = shared[95 - me];  // of a warp that may come later
  });
  EXPECT_EQ(sums[0], 32 * 64 + 31 * 32 / 2);
  EXPECT_EQ(sums[95], 31 * 32 / 2);
}

TEST(CudaEmulatorDeathTest, WhoWaitsForeverIsFound) {
  EXPECT_DEATH(emulator::run_grid({1}, {32}, 0, [] {
    if (emulator::here().thread.x != 7) emulator::sync_warp();
  }), "every thread waits for one that does not come");
}

// A small step with every kind of memory in it: weights, activations, staging, scratch.
Result<std::vector<float>> step(const cuda::EmulatedFaults& faults) {
  FW_ASSIGN(const auto backend, make_cuda_backend(cuda::emulated_plugin(faults), 0));
  std::mt19937_64 random(5);
  const std::vector<std::byte> blocks = random_blocks(Format::q4_0, 16 * 2, random);
  FW_ASSIGN(const auto weights, backend->import_weights(blocks));
  FW_ASSIGN(const auto memory, backend->allocate(4096));
  const Tensor x{memory.get(), 0, 1, 64, 64, DType::f32}, y{memory.get(), 1024, 1, 16, 16, DType::f32};
  const std::vector<float> input(64, 0.5F);
  backend->write(x, std::as_bytes(std::span(input)));
  WeightMatrix w;
  w.buffer = weights.get();
  w.rows = 16;
  w.cols = 64;
  w.format = Format::q4_0;
  backend->linear(w, x, {}, y);
  FW_TRY(backend->submit());
  std::vector<float> values(16);
  backend->read(y, std::as_writable_bytes(std::span(values)));
  return values;
}

TEST(CudaFaults, NoAllocationThatFailsIsMoreThanASentence) {
  const auto good = step({});
  ASSERT_TRUE(good.has_value());
  int n_failures = 0;
  for (; n_failures < 100; ++n_failures) {
    const auto result = step({.allocations_until_failure = n_failures});
    if (result.has_value()) {
      EXPECT_EQ(*result, *good);
      break;
    }
    EXPECT_EQ(result.error().code, ErrorCode::out_of_memory);
    EXPECT_TRUE(result.error().message.ends_with(".")) << result.error().message;
    EXPECT_NE(result.error().message.find("--device cpu"), std::string::npos) << result.error().message;
  }
  EXPECT_EQ(n_failures, 6) << "opening, weights, memory, staging, rounded input, scratch";
}

TEST(CudaFaults, AKernelThatFailsIsALostDevice) {
  const auto result = step({.run_fails = true});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::device_lost);
  EXPECT_NE(result.error().message.find("an injected fault"), std::string::npos) << result.error().message;
}

TEST(CudaFaults, WhyThereIsNoDevice) {
  const auto why = [](cuda::Status status) { return list_cuda_devices(cuda::emulated_plugin({.status_of_count = status})).why_none; };
  EXPECT_EQ(why(cuda::kNoDriver), "No driver of NVIDIA is installed.");
  EXPECT_EQ(why(cuda::kDriverTooOld), "NVIDIA's driver is too old (it knows CUDA 12.0); install driver 580 or newer.");
  EXPECT_EQ(why(cuda::kNoDevice), "The driver finds no GPU of NVIDIA.");
  EXPECT_EQ(why(cuda::kOk), "");
  EXPECT_EQ(list_cuda_devices(cuda::emulated_plugin()).devices.front().id, "cuda:0");
}

TEST(CudaCounts, LaunchesAndOps) {
  const auto backend = std::move(*make_cuda_backend(cuda::emulated_plugin(), 0));
  Harness h(*backend, 1);
  const WeightMatrix w = h.weight(Format::q8_0, 8, 64);
  const Tensor x = h.floats(1, 64), out = h.empty(3, 8);
  EXPECT_TRUE(backend->submit().has_value());
  backend->take_counts();
  backend->set_profiling(true);
  for (int i = 0; i < 3; ++i) backend->linear(w, x, {}, out.row_range(i, 1));
  EXPECT_TRUE(backend->submit().has_value());
  const DeviceCounts counts = backend->take_counts();
  EXPECT_EQ(counts.dispatches, 4) << "three products of one input, which is rounded once";
  EXPECT_EQ(counts.submissions, 1);
  EXPECT_EQ(counts.bytes, 3 * (8 * 68 + 64 * 4 + 8 * 4));
  const std::vector<OpProfile> profile = backend->take_profile();
  ASSERT_EQ(profile.size(), 1u);
  EXPECT_EQ(profile[0].calls, 3);
  EXPECT_EQ(profile[0].cost.name, "linear");
  EXPECT_EQ(profile[0].cost.format, "Q8_0");
}

TEST(CudaPlugin, FilesThatAreNoPlugin) {
  const CudaPlugin none = load_cuda_plugin("/nowhere/foreword_cuda.so");
  EXPECT_EQ(none.api, nullptr);
  EXPECT_NE(none.why_none.find("/nowhere/foreword_cuda.so is not there"), std::string::npos) << none.why_none;
  const auto file = std::filesystem::path(testing::TempDir()) / "foreword_no_plugin.so";
  std::ofstream(file) << "no library";
  const CudaPlugin broken = load_cuda_plugin(file.string());
  EXPECT_EQ(broken.api, nullptr);
  EXPECT_NE(broken.why_none.find("cannot be loaded"), std::string::npos) << broken.why_none;
  std::filesystem::remove(file);
}

#if defined(FOREWORD_CUDA_PLUGIN_FILE)
// With or without a driver: the plugin opens and has something to say.
TEST(CudaPlugin, TheBuiltOneLoadsOnAnyMachine) {
  const CudaPlugin plugin = load_cuda_plugin(FOREWORD_CUDA_PLUGIN_FILE);
  ASSERT_NE(plugin.api, nullptr) << plugin.why_none;
  const CudaDevices found = list_cuda_devices(*plugin.api);
  EXPECT_EQ(found.devices.empty(), !found.why_none.empty());
}
#endif

}  // namespace
}  // namespace foreword::gpu

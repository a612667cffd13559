// CUDA's backend around its kernels: what the emulator finds, what happens when something of the device fails, and the plugin's file.
// The kernels themselves: the cases of the ops with FOREWORD_TEST_DEVICE=cuda-emulated, or =cuda on a machine that has one.

#include <filesystem>
#include <fstream>

#include "gpu/cuda/cuda_backend.h"
#include "gpu/cuda/emulated/plugin.h"
#include "gpu/cuda/emulator/emulator.h"
#include "gpu/cuda/platform.h"
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

// Where the PTX ISA has the elements of mma.m16n8k16 and mma.m16n8k32 of .s8: element i of lane 4 group + thread.
struct Element {
  int row, col;
};
Element of_a(int lane, int i) {
  const int group = lane >> 2, thread = lane % 4;
  return {i < 4 || (i >= 8 && i < 12) ? group : group + 8, thread * 4 + (i & 3) + (i < 8 ? 0 : 16)};
}
Element of_b(int lane, int i) { return {lane % 4 * 4 + (i & 3) + (i < 4 ? 0 : 16), lane >> 2}; }
Element of_c(int lane, int i) { return {i < 2 ? lane >> 2 : (lane >> 2) + 8, lane % 4 * 2 + (i & 1)}; }

TEST(CudaEmulator, MatrixProductsDealElementsAsDocumented) {
  std::mt19937 random(3);
  std::int8_t a[16][32], b[32][8];
  for (auto& row : a) std::ranges::generate(row, [&] { return static_cast<std::int8_t>(random()); });
  for (auto& row : b) std::ranges::generate(row, [&] { return static_cast<std::int8_t>(random()); });
  const auto word = [](auto element, int first) {
    unsigned all = 0;
    for (int i = 0; i < 4; ++i) all |= static_cast<unsigned>(element(first + i) & 255) << 8 * i;
    return static_cast<int>(all);
  };
  int half[16][8], whole[16][8];
  emulator::run_grid({1}, {32}, 0, [&] {
    const int lane = emulator::lane_of_this_thread();
    const auto from_a = [&](int i) { return a[of_a(lane, i).row][of_a(lane, i).col]; };
    const auto from_b = [&](int i) { return b[of_b(lane, i).row][of_b(lane, i).col]; };
    int c[4], sum[4] = {1, 2, 3, 4};
    cuda::matrix_product(c, word(from_a, 0), word(from_a, 4), word(from_b, 0));
    cuda::add_matrix_product(sum, {word(from_a, 0), word(from_a, 4), word(from_a, 8), word(from_a, 12)}, word(from_b, 0), word(from_b, 4));
    for (int i = 0; i < 4; ++i) {
      half[of_c(lane, i).row][of_c(lane, i).col] = static_cast<int>(std::bit_cast<float>(c[i]) - cuda::kCountOffset);
      whole[of_c(lane, i).row][of_c(lane, i).col] = sum[i] - i - 1;
    }
  });
  for (int row = 0; row < 16; ++row) {
    for (int col = 0; col < 8; ++col) {
      int expected[2] = {};
      for (int k = 0; k < 32; ++k) expected[k / 16] += a[row][k] * b[k][col];
      EXPECT_EQ(half[row][col], expected[0]) << row << ", " << col;
      EXPECT_EQ(whole[row][col], expected[0] + expected[1]) << row << ", " << col;
    }
  }
}

// Where the PTX ISA has the elements of mma.m16n8k16 of .f16: i is the number of a lane's element.
Element of_half_a(int lane, int i) { return {(i & 2) == 0 ? lane >> 2 : (lane >> 2) + 8, lane % 4 * 2 + (i & 1) + (i < 4 ? 0 : 8)}; }
Element of_half_b(int lane, int i) { return {lane % 4 * 2 + (i & 1) + (i < 2 ? 0 : 8), lane >> 2}; }

TEST(CudaEmulator, ProductsOfHalvesDealElementsAsDocumented) {
  std::mt19937 random(4);
  std::uniform_int_distribution<int> whole(-64, 64);  // sums of their products are exact
  float a[16][16], b[16][8], out[16][8];
  for (auto& row : a) std::ranges::generate(row, [&] { return static_cast<float>(whole(random)) / 8; });
  for (auto& row : b) std::ranges::generate(row, [&] { return static_cast<float>(whole(random)) / 8; });
  emulator::run_grid({1}, {32}, 0, [&] {
    const int lane = emulator::lane_of_this_thread();
    const auto from_a = [&](int i) { return a[of_half_a(lane, i).row][of_half_a(lane, i).col]; };
    const auto from_b = [&](int i) { return b[of_half_b(lane, i).row][of_half_b(lane, i).col]; };
    const auto word = [](const auto& element, int which) { return cuda::half_word(element(2 * which), element(2 * which + 1)); };
    float c[4] = {1, 2, 3, 4};
    cuda::add_half_product(c, {word(from_a, 0), word(from_a, 1), word(from_a, 2), word(from_a, 3)}, word(from_b, 0), word(from_b, 1));
    for (int i = 0; i < 4; ++i) out[of_c(lane, i).row][of_c(lane, i).col] = c[i] - static_cast<float>(i + 1);
  });
  for (int row = 0; row < 16; ++row) {
    for (int col = 0; col < 8; ++col) {
      float expected = 0;
      for (int k = 0; k < 16; ++k) expected += a[row][k] * b[k][col];
      EXPECT_EQ(out[row][col], expected) << row << ", " << col;
    }
  }
}

TEST(CudaEmulator, HalvesBeyondTheLargestAreTheLargest) {
  EXPECT_EQ(cuda::half_word(1, -2), 0xc0003c00U);
  EXPECT_EQ(cuda::half_word(1e6F, -65519), 0xfbff7bffU);
  EXPECT_EQ(cuda::half_word(INFINITY, -INFINITY), 0xfbff7bffU);
  EXPECT_EQ(cuda::half_word(NAN, 0) & 0x7c00U, 0x7c00U) << "what is no number stays that";
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
    const auto result = step({.fail_allocation = n_failures});
    if (result.has_value()) {
      EXPECT_EQ(*result, *good);
      break;
    }
    EXPECT_EQ(result.error().code, ErrorCode::out_of_memory);
    EXPECT_TRUE(result.error().message.ends_with(".")) << result.error().message;
    EXPECT_NE(result.error().message.find("--device cpu"), std::string::npos) << result.error().message;
  }
  EXPECT_EQ(n_failures, 6) << "opening, memory, staging, the file's bytes before they are packed, weights, rounded input";
}

TEST(CudaFaults, AKernelThatFailsIsALostDevice) {
  const auto result = step({.lose_at_submit = 0});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::device_lost);
  EXPECT_NE(result.error().message.find("an injected fault"), std::string::npos) << result.error().message;
}

TEST(CudaFaults, WhyThereIsNoDevice) {
  const auto why = [](cuda::Status status) { return list_cuda_devices(cuda::emulated_plugin({.status_of_count = status})).why_none; };
  EXPECT_EQ(why(cuda::kNoDriver), "No driver of NVIDIA is installed.");
  EXPECT_EQ(why(cuda::kDriverTooOld), "NVIDIA's driver is too old (it knows CUDA 12.0); install driver 580 or newer.");
  EXPECT_EQ(why(cuda::kDriverFails), "NVIDIA's driver does not answer (an injected fault); restart the computer, or install the driver anew.");
  EXPECT_EQ(why(cuda::kNoDevice), "The driver finds no GPU of NVIDIA.");
  EXPECT_EQ(why(cuda::kOk), "");
  EXPECT_EQ(list_cuda_devices(cuda::emulated_plugin()).devices.front().id, "cuda:0");
}

TEST(CudaDevices, HeadsAreAsWideAsSharedMemoryIs) {
  const auto widest = [](std::int64_t bytes) { return list_cuda_devices(cuda::emulated_plugin({.shared_memory = bytes})).devices.front().widest_head; };
  EXPECT_EQ(widest(227 << 10), 512);
  EXPECT_EQ(widest(99 << 10), 512) << "Ampere to Blackwell for consumers";
  EXPECT_EQ(widest(64 << 10), 416) << "Turing";
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
  EXPECT_EQ(counts.dispatches, 2) << "three products of one input, which is rounded before";
  EXPECT_EQ(counts.submissions, 1);
  EXPECT_EQ(counts.bytes, 3 * (8 * 68 + 64 * 4 + 8 * 4));
  const std::vector<OpProfile> profile = backend->take_profile();
  ASSERT_EQ(profile.size(), 1u);
  EXPECT_EQ(profile[0].calls, 1) << "three products that are one";
  EXPECT_EQ(profile[0].cost.name, "linear");
  EXPECT_EQ(profile[0].cost.format, "Q8_0");
}

// Of a chunk of a prompt only the last row is watched, and only what belongs to it is kept.
TEST(CudaScratch, PagesOfWatchedRowsAlone) {
  constexpr std::int64_t kRows = 512, kHeads = 32, kKvHeads = 8, kPages = 2048, kWatched = 4;
  static float memory[1];
  cuda::Op op{};
  op.kind = cuda::kOpAttention;
  op.attention.q = op.attention.out = {memory, kRows, kHeads * 128, kHeads * 128};
  op.attention.table = {memory, 1, kPages, kPages};
  op.attention.watch = {memory, kRows, 1, 1};
  op.attention.shares = {memory, kWatched * kKvHeads, kPages, kPages};
  op.attention.cache.n_kv_heads = kKvHeads, op.attention.cache.head_dim = 128;
  op.attention.n_heads = kHeads, op.attention.max_slots = kPages * kPageSlots;
  EXPECT_GE(cuda::scratch_of(&op, 1), kWatched * kHeads * kPages * 8);
  EXPECT_LE(cuda::scratch_of(&op, 1), kWatched * kHeads * (kPages + 1) * 8 + 1024);
}

struct LayerResult {
  std::vector<float> values;  // of every tensor that the layer's ops write
  std::int64_t launches = 0;
};

// A layer of an ordinary network on `rows` rows that follow a text of 300.
LayerResult run_layer(bool fuses, std::int64_t rows) {
  constexpr std::int64_t kWidth = 256, kHeads = 4, kKvHeads = 2, kDim = 64, kInner = 512, kText = 300, kBlocks = 6;
  const auto backend = std::move(*make_cuda_backend(cuda::emulated_plugin({.shares_rounding = fuses}), 0, {.no_fusion = !fuses}));
  Harness h(*backend, 21);
  const WeightMatrix wq = h.weight(Format::q4_k, kHeads * kDim, kWidth), wk = h.weight(Format::q4_k, kKvHeads * kDim, kWidth);
  const WeightMatrix wv = h.weight(Format::q6_k, kKvHeads * kDim, kWidth), wo = h.weight(Format::q4_k, kWidth, kHeads * kDim);
  const WeightMatrix gate = h.weight(Format::q4_k, kInner, kWidth), up = h.weight(Format::q4_k, kInner, kWidth), down = h.weight(Format::q6_k, kWidth, kInner);
  const Tensor x = h.floats(rows, kWidth), a = h.empty(rows, kWidth), y = h.empty(rows, kWidth), weight = h.floats(1, kWidth);
  const Tensor q = h.empty(rows, kHeads * kDim), k = h.empty(rows, kKvHeads * kDim), v = h.empty(rows, kKvHeads * kDim), o = h.empty(rows, kHeads * kDim);
  const Tensor g = h.empty(rows, kInner), u = h.empty(rows, kInner), angles = h.floats(rows, kDim), bias = h.floats(1, kKvHeads * kDim);
  KvLayer layer{nullptr, 0, kBlocks, kKvHeads, kDim, DType::f16};
  layer.basis = kv_basis(kDim);
  const Tensor pages = h.put(std::vector<float>(static_cast<std::size_t>(kBlocks * kKvHeads * layer.page_bytes() / 4)), 1, kBlocks * kKvHeads * layer.page_bytes() / 4);
  layer.buffer = pages.buffer;
  AttentionRows at;
  std::vector<std::int32_t> slots, sequence(static_cast<std::size_t>(rows)), prefix, begin(static_cast<std::size_t>(rows + 1)), table;
  for (std::int32_t r = 0; r < rows; ++r) {
    slots.push_back(kText + r);
    prefix.push_back(kText + r + 1);
  }
  for (std::int32_t b = 0; b < kBlocks; ++b) table.push_back(b);
  at.table = h.put(table, 1, kBlocks);
  at.sequence = h.put(sequence, rows, 1);
  at.position = h.put(slots, rows, 1);
  at.prefix_slots = h.put(prefix, rows, 1);
  at.extra_begin = h.put(begin, rows + 1, 1);
  at.max_slots = kBlocks * kPageSlots;
  const Tensor places = h.put(slots, rows, 1);
  EXPECT_TRUE(backend->submit().has_value());
  backend->take_counts();

  backend->rms_norm(x, weight, 1e-5F, kWidth, a);
  backend->linear(wq, a, {}, q);
  backend->linear(wk, a, bias, k);
  backend->linear(wv, a, {}, v);
  backend->rope(q, kDim, kDim, RopePairs::half_split, angles);
  backend->rope(k, kDim, kDim, RopePairs::half_split, angles);
  backend->store_kv(k, v, layer, places);
  backend->attention(q, layer, at, {.n_heads = kHeads, .scale = 0.125F, .sinks = {}}, o);
  backend->linear(wo, o, {}, y);
  backend->add(x, y, 1.0F, x);
  backend->rms_norm(x, weight, 1e-5F, kWidth, a);
  backend->linear(gate, a, {}, g);
  backend->linear(up, a, {}, u);
  backend->glu(Activation::silu, g, u, u);
  backend->linear(down, u, {}, y);
  backend->add(x, y, 0.5F, x);
  EXPECT_TRUE(backend->submit().has_value());
  LayerResult result;
  result.launches = backend->take_counts().dispatches;
  for (const Tensor& tensor : {x, a, y, q, k, v, o, g, u, pages}) std::ranges::copy(h.take(tensor), std::back_inserter(result.values));
  return result;
}

TEST(CudaFusion, ALayerHasTheSameBitsInFewLaunches) {
  for (const std::int64_t rows : {1, 5, 9, 40}) {
    const LayerResult single = run_layer(false, rows), fused = run_layer(true, rows);
    EXPECT_EQ(std::memcmp(single.values.data(), fused.values.data(), single.values.size() * sizeof(float)), 0) << rows << " rows";
    // Norm, q with k and v, rotation and store, attention in two, output with sum, norm, gate and up and their product, down with sum; at more
    // than one row also v, which has another format, and the product of gate and up.
    EXPECT_EQ(fused.launches, rows == 1 ? 9 : 11) << rows << " rows";
    EXPECT_EQ(single.launches, 21) << rows << " rows";
  }
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

TEST(CudaPlugin, ItIsTheFileThatWasNamed) {
  const std::filesystem::path before = std::filesystem::current_path(), folder = testing::TempDir();
  std::ofstream(folder / "foreword_no_plugin.so") << "no library";
  std::filesystem::current_path(folder);
  const CudaPlugin plugin = load_cuda_plugin("foreword_no_plugin.so");
  std::filesystem::current_path(before);
  EXPECT_NE(plugin.why_none.find((folder / "foreword_no_plugin.so").string()), std::string::npos) << plugin.why_none;
  std::filesystem::remove(folder / "foreword_no_plugin.so");
  EXPECT_EQ(load_cuda_plugin("").api, nullptr);
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

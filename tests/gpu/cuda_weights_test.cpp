// What weights take of a device's memory beyond their own size, for the shapes of well-known models. No byte of a weight is read: the
// device only counts.

#include <sys/mman.h>

#include <map>

#include "gpu/cuda/cuda_backend.h"
#include "gpu/cuda/emulated/plugin.h"
#include "tests/gpu/harness.h"

namespace foreword::gpu {
namespace {

/// The driver gives memory in pages.
class CountingDevice {
 public:
  CountingDevice() {
    taken = 0;
    api = cuda::emulated_plugin();
    api.allocate = [](cuda::Context*, std::int64_t bytes, void** device) -> std::int32_t {
      const std::int64_t pages = (bytes + kPage - 1) / kPage * kPage;
      *device = reinterpret_cast<void*>(next += pages);
      sizes[*device] = pages;
      taken += pages;
      return cuda::kOk;
    };
    api.free = [](cuda::Context*, void* device) { taken -= sizes[device]; };
    api.upload = [](cuda::Context*, void*, const void*, std::int64_t) -> std::int32_t { return cuda::kOk; };
    api.pack = [](cuda::Context*, const cuda::PackJob*) -> std::int32_t { return cuda::kOk; };
  }

  cuda::Api api;
  static inline std::int64_t taken;

 private:
  static constexpr std::int64_t kPage = std::int64_t{2} << 20;
  static inline std::int64_t next = std::int64_t{1} << 40;
  static inline std::map<void*, std::int64_t> sizes;
};

/// Addresses of a file that nobody reads.
class NoFile {
 public:
  explicit NoFile(std::size_t bytes) : bytes_(bytes), at_(::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  ~NoFile() { ::munmap(at_, bytes_); }
  NoFile(const NoFile&) = delete;
  NoFile& operator=(const NoFile&) = delete;
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(at_), bytes_}; }

 private:
  std::size_t bytes_;
  void* at_;
};

struct Shape {
  const char* name;
  std::int64_t layers, width, inner, q, kv, vocabulary;
};
constexpr Shape kShapes[] = {{"Llama 3.2 1B", 16, 2048, 8192, 2048, 512, 128256},     {"Llama 3.2 3B", 28, 3072, 8192, 3072, 1024, 128256},
                             {"Llama 2 7B", 32, 4096, 11008, 4096, 4096, 32000},      {"Llama 2 13B", 40, 5120, 13824, 5120, 5120, 32000},
                             {"Llama 3 8B", 32, 4096, 14336, 4096, 1024, 128256},     {"Gemma 3 12B", 48, 3840, 15360, 4096, 2048, 262144},
                             {"Phi 3 mini", 32, 3072, 8192, 3072, 3072, 32064},       {"Qwen 2.5 32B", 64, 5120, 27648, 5120, 1024, 152064}};
/// Of v and down in some layers, as quantisers have it, and of all else.
struct Formats {
  Format most, some;
};
constexpr Formats kFormats[] = {{Format::q4_k, Format::q6_k}, {Format::q5_k, Format::q5_k}, {Format::q8_0, Format::q8_0}, {Format::q4_0, Format::q4_0}};

std::vector<WeightMatrix> weights_of(const Shape& shape, const Formats& formats) {
  std::vector<WeightMatrix> all;
  std::int64_t offset = 0;
  const auto add = [&](std::int64_t rows, std::int64_t cols, Format format) {
    WeightMatrix w;
    w.offset = offset, w.rows = rows, w.cols = cols, w.format = format;
    offset += w.expert_bytes();
    all.push_back(w);
  };
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    const Format fine = layer % 3 == 0 || layer < shape.layers / 8 ? formats.some : formats.most;
    add(shape.q, shape.width, formats.most);
    add(shape.kv, shape.width, formats.most);
    add(shape.kv, shape.width, fine);
    add(shape.width, shape.q, formats.most);
    add(shape.inner, shape.width, formats.most);
    add(shape.inner, shape.width, formats.most);
    add(shape.width, shape.inner, fine);
  }
  add(shape.vocabulary, shape.width, formats.some);
  return all;
}

TEST(CudaWeights, LittleMemoryIsLeftBetweenThem) {
  for (const Shape& shape : kShapes) {
    for (const Formats& formats : kFormats) {
      std::vector<WeightMatrix> weights = weights_of(shape, formats);
      const std::int64_t needed = weights.back().offset + weights.back().expert_bytes();
      const NoFile file(static_cast<std::size_t>(needed));
      const CountingDevice device;
      const auto backend = std::move(*make_cuda_backend(device.api, 0));
      const auto buffer = std::move(*backend->import_weights(file.bytes()));
      std::vector<WeightMatrix*> each;
      for (WeightMatrix& w : weights) w.buffer = buffer.get(), each.push_back(&w);
      backend->arrange(each);
      ASSERT_TRUE(backend->submit().has_value());
      EXPECT_GE(CountingDevice::taken, needed);
      EXPECT_LE(static_cast<double>(CountingDevice::taken - needed) / static_cast<double>(needed), 1.0 / 12)
          << shape.name << " in " << info(formats.most).name << ": " << CountingDevice::taken << " bytes for " << needed;
    }
  }
}

// The file's bytes wait in memory of their own to be packed; where there is none for them, nothing else is taken.
TEST(CudaWeights, WhatCannotBeBroughtTakesNoMemory) {
  constexpr std::int64_t kRows = 4096, kCols = 1024, kRoom = std::int64_t{6} << 20;
  WeightMatrix w;
  w.rows = kRows, w.cols = kCols, w.format = Format::q8_0;
  const NoFile file(static_cast<std::size_t>(w.expert_bytes()));
  // For the weight in whole pages, not for as much again.
  const auto backend = std::move(*make_cuda_backend(cuda::emulated_plugin({.memory = kRoom}), 0));
  const auto buffer = std::move(*backend->import_weights(file.bytes()));
  w.buffer = buffer.get();
  WeightMatrix* const each[] = {&w};
  backend->arrange(each);
  const auto result = backend->submit();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::out_of_memory);
  EXPECT_EQ(backend->device().memory_free_bytes, kRoom);
}

}  // namespace
}  // namespace foreword::gpu

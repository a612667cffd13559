// Attention over a long past, encoding by encoding: 16 layers of 32 / 8 heads, so that caches do not flatter it. Time is of
// all layers; bytes are those of the pages that a row has to see. FOREWORD_THREADS sets the threads.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "gpu/backend.h"
#include "gpu/registry.h"

namespace foreword::gpu {
namespace {

constexpr std::int64_t kLayers = 16, kHeads = 32, kKvHeads = 8;

Backend& backend() {
  static const std::unique_ptr<Backend> shared = [] {
    const char* threads = std::getenv("FOREWORD_THREADS");
    return std::move(open_device("cpu", {.n_threads = threads == nullptr ? 0 : std::atoi(threads)}).value());
  }();
  return *shared;
}

std::unique_ptr<Buffer> room(std::int64_t bytes) {
  return std::move(backend().allocate(static_cast<std::size_t>(bytes)).value());
}

void attention(benchmark::State& state, KvEncoding encoding, std::int64_t head_dim, std::int64_t depth, std::int64_t n) {
  Backend& on = backend();
  std::vector<std::unique_ptr<Buffer>> buffers;
  const auto numbers = [&](const std::vector<std::int32_t>& values, std::int64_t rows, std::int64_t cols) {
    buffers.push_back(room(rows * cols * 4));
    const Tensor tensor{buffers.back().get(), 0, rows, cols, cols, DType::i32};
    on.write(tensor, std::as_bytes(std::span(values)));
    return tensor;
  };
  const auto floats = [&](std::int64_t rows, std::int64_t cols) {
    std::vector<float> values(static_cast<std::size_t>(rows * cols));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 7919 % 2047) / 1024.0F - 1.0F;
    buffers.push_back(room(rows * cols * 4));
    const Tensor tensor{buffers.back().get(), 0, rows, cols, cols, DType::f32};
    on.write(tensor, std::as_bytes(std::span(values)));
    return tensor;
  };

  const std::int64_t n_blocks = (depth + n + kPageSlots - 1) / kPageSlots, n_closed = depth / kPageSlots, width = kKvHeads * head_dim;
  const bool closed = info(encoding.k).scaled;
  const Tensor k = floats(kPageSlots, width), v = floats(kPageSlots, width);
  std::vector<KvLayer> layers;
  std::vector<std::int32_t> blocks;
  for (std::int64_t b = 0; b < n_blocks; ++b) blocks.push_back(kv_block(closed && b < n_closed ? 1 : 0, static_cast<std::int32_t>(b)));
  for (std::int64_t il = 0; il < kLayers; ++il) {
    KvLayer layer{nullptr, 0, n_blocks, kKvHeads, head_dim, DType::f16};
    buffers.push_back(room(n_blocks * kKvHeads * layer.page_bytes()));
    layer.buffer = buffers.back().get();
    if (closed) {
      layer.basis = kv_basis(head_dim);
      buffers.push_back(room(n_blocks * kKvHeads * encoding.page_bytes(head_dim)));
      layer.closed[0] = {buffers.back().get(), 0, n_blocks, encoding};
    }
    for (std::int32_t b = 0; b < n_blocks; ++b) {
      std::vector<std::int32_t> slots;
      for (std::int32_t t = 0; t < kPageSlots; ++t) slots.push_back(b * static_cast<std::int32_t>(kPageSlots) + t);
      on.store_kv(k, v, layer, numbers(slots, kPageSlots, 1));
      if (closed && b < n_closed) on.encode_pages(layer, numbers({b}, 1, 1), numbers({kv_block(1, b)}, 1, 1));
    }
    layers.push_back(layer);
  }

  AttentionRows rows;
  std::vector<std::int32_t> position, seen;
  for (std::int64_t r = 0; r < n; ++r) position.push_back(static_cast<std::int32_t>(depth + r));
  for (const std::int32_t p : position) seen.push_back(p + 1);
  rows.table = numbers(blocks, 1, n_blocks);
  rows.sequence = numbers(std::vector<std::int32_t>(static_cast<std::size_t>(n)), n, 1);
  rows.position = numbers(position, n, 1);
  rows.prefix_slots = numbers(seen, n, 1);
  rows.extra_begin = numbers(std::vector<std::int32_t>(static_cast<std::size_t>(n + 1)), n + 1, 1);
  rows.max_slots = n_blocks * kPageSlots;
  const Tensor q = floats(n, kHeads * head_dim), out = floats(n, kHeads * head_dim);
  if (!on.submit()) state.SkipWithError("submit failed");
  for (auto _ : state) {
    for (const KvLayer& layer : layers) on.attention(q, layer, rows, {.n_heads = kHeads, .scale = 0.125F, .sinks = {}}, out);
    if (!on.submit()) state.SkipWithError("submit failed");
  }
  const auto passes = static_cast<double>(state.iterations() * kLayers);
  state.counters["GB/s"] = benchmark::Counter(passes * 1e-9 * static_cast<double>(n_closed * kKvHeads * encoding.page_bytes(head_dim)), benchmark::Counter::kIsRate);
}

void register_all() {
  for (const std::int64_t head_dim : {64, 128}) {
    for (const std::int64_t depth : {512, 4096}) {
      for (const std::int64_t n : {1, 8, 64}) {
        for (const KvEncodingName& row : kv_encoding_names()) {
          if (row.encoding.k == KvFormat::f32) continue;
          const std::string name = "D" + std::to_string(head_dim) + "/depth" + std::to_string(depth) + "/rows" + std::to_string(n) + "/" + std::string(row.name);
          benchmark::RegisterBenchmark(name.c_str(), attention, row.encoding, head_dim, depth, n)->UseRealTime()->Unit(benchmark::kMicrosecond);
        }
      }
    }
  }
}

}  // namespace
}  // namespace foreword::gpu

int main(int argc, char** argv) {
  foreword::gpu::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

// The products of the 1b shape (width 2048, ffn 8192, 32 / 8 heads of 64, vocabulary 128256), format by format: bytes
// of weights per second, and their share of the read bandwidth that is measured beside them with the same threads.
// Every weight set is at least 512 MiB, so that caches do not flatter it. `arranged` weights lie as the device likes
// them best (Backend::arrange), `as_filed` ones as in a GGUF file.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "gpu/bandwidth.h"
#include "gpu/registry.h"

namespace foreword::gpu {
namespace {

constexpr std::size_t kWeightBytes = std::size_t{512} << 20;
constexpr std::size_t kMaxRows = 512;

Backend& backend() {
  static const std::unique_ptr<Backend> shared = [] {
    const char* threads = std::getenv("FOREWORD_THREADS");
    return std::move(open_device("cpu", {.n_threads = threads == nullptr ? 0 : std::atoi(threads)}).value());
  }();
  return *shared;
}

double bandwidth() {
  static const double measured = [] {
    ReadBandwidth probe = std::move(ReadBandwidth::prepare(backend()).value());
    double best = 0;
    for (int i = 0; i < 20; ++i) best = std::max(best, probe.pass());
    return best;
  }();
  return measured;
}

// Any bytes do, as long as the scales are small: speed does not depend on values. One set, shared by all formats.
const Buffer& weights() {
  static const std::unique_ptr<Buffer> shared = [] {
    auto buffer = std::move(backend().allocate(kWeightBytes).value());
    std::memset(buffer->host(), 0x11, kWeightBytes);
    return buffer;
  }();
  return *shared;
}

const Buffer& activations() {
  static const std::unique_ptr<Buffer> shared = [] {
    auto buffer = std::move(backend().allocate(kMaxRows * 8192 * sizeof(float)).value());
    auto* values = reinterpret_cast<float*>(buffer->host());
    for (std::size_t i = 0; i < kMaxRows * 8192; ++i) values[i] = static_cast<float>(i % 1023) / 512.0F - 1.0F;
    return buffer;
  }();
  return *shared;
}

Buffer& outputs() {
  static const std::unique_ptr<Buffer> shared =
      std::move(backend().allocate(kMaxRows * 8192 * sizeof(float)).value());
  return *shared;
}

void linear(benchmark::State& state, Format format, std::int64_t w_rows, std::int64_t cols, bool arranged) {
  const std::int64_t n = state.range(0);
  Backend& on = backend();
  WeightMatrix w;
  w.buffer = &weights();
  w.rows = w_rows;
  w.cols = cols;
  w.format = format;
  const std::int64_t bytes = w.expert_bytes();
  const std::int64_t count = static_cast<std::int64_t>(kWeightBytes) / bytes;
  std::unique_ptr<Buffer> copy;
  if (arranged) {
    WeightMatrix* all[] = {&w};
    w.rows *= count;
    copy = on.arrange(all);
    w.rows = w_rows;
  }
  const Tensor x{const_cast<Buffer*>(&activations()), 0, n, cols, cols, DType::f32};
  const Tensor out{&outputs(), 0, n, w_rows, w_rows, DType::f32};
  std::int64_t moved = 0, next = 0;
  for (auto _ : state) {
    // As many as a step has, so that waking the threads weighs as little as there.
    for (int i = 0; i < (n > 16 ? 1 : 16); ++i, next = (next + 1) % count) {
      w.offset = next * bytes;
      on.linear(w, x, {}, out);
      moved += bytes;
    }
    if (!on.submit()) state.SkipWithError("submit failed");
  }
  const double rate = static_cast<double>(moved);
  state.counters["GB/s"] = benchmark::Counter(rate / 1e9, benchmark::Counter::kIsRate);
  state.counters["share"] = benchmark::Counter(rate / bandwidth(), benchmark::Counter::kIsRate);
  state.counters["Gop/s"] =
      benchmark::Counter(rate / static_cast<double>(bytes) * 2e-9 * static_cast<double>(w_rows * cols * n),
                         benchmark::Counter::kIsRate);
}

void register_all() {
  for (const Format format : {Format::q4_0, Format::q8_0, Format::q4_k, Format::q5_k, Format::q6_k, Format::q5_0,
                              Format::f16, Format::bf16, Format::f32, Format::iq4_xs}) {
    for (const auto& [w_rows, cols] : {std::pair{2048, 2048}, std::pair{8192, 2048}, std::pair{2048, 8192}}) {
      const std::string name = std::string(info(format).name) + "/" + std::to_string(w_rows) + "x" + std::to_string(cols);
      for (const bool arranged : {true, false}) {
        benchmark::RegisterBenchmark(((arranged ? "arranged/" : "as_filed/") + name).c_str(), linear, format, w_rows, cols,
                                     arranged)
            ->ArgName("rows")->Arg(1)->Arg(2)->Arg(4)->Arg(8)->Arg(16)->Arg(512)
            ->UseRealTime()->Unit(benchmark::kMicrosecond);
      }
    }
  }
}

}  // namespace
}  // namespace foreword::gpu

int main(int argc, char** argv) {
  foreword::gpu::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::AddCustomContext("read bandwidth", std::to_string(foreword::gpu::bandwidth() / 1e9) + " GB/s");
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

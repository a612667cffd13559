#pragma once
// A layer of a small model and what is around it, as one program for whole backends: every kind of weight, memory and view.

#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "tests/gpu/harness.h"

namespace foreword::gpu {

struct Layer {
  static constexpr std::int64_t kCols = 64, kWide = 192, kRows = 3, kHeads = 4, kDim = 16;

  explicit Layer(std::uint64_t seed_of_weights) : seed(seed_of_weights) {}

  /// Everything that can fail, in one go: the result is empty then, and `error` says why.
  std::vector<float> run(Backend& on) {
    std::mt19937_64 random(seed);
    error.reset();
    std::vector<std::unique_ptr<Buffer>> buffers;
    const auto keep = [&](Result<std::unique_ptr<Buffer>> buffer) -> Buffer* {
      if (!buffer) return error = buffer.error(), nullptr;
      buffers.push_back(std::move(*buffer));
      return buffers.back().get();
    };
    const auto tensor = [&](std::int64_t rows, std::int64_t cols, DType dtype = DType::f32) {
      return Tensor{keep(on.allocate(static_cast<std::size_t>(rows * cols * bytes_of(dtype)))), 0, rows, cols, cols, dtype};
    };
    std::vector<std::vector<std::byte>> files;
    const auto weight = [&](Format format, std::int64_t rows, std::int64_t cols) {
      files.push_back(random_blocks(format, rows * cols / info(format).block_length, random));
      WeightMatrix w;
      w.buffer = keep(on.import_weights(files.back()));
      w.rows = rows, w.cols = cols, w.format = format;
      return w;
    };
    const auto ids = [&](std::vector<std::int32_t> values) {
      const Tensor t = tensor(std::ssize(values), 1, DType::i32);
      if (t) on.write(t, std::as_bytes(std::span(values)));
      return t;
    };
    const auto floats = [&](std::int64_t rows, std::int64_t cols) {
      std::vector<float> values(static_cast<std::size_t>(rows * cols));
      for (float& value : values) value = static_cast<float>(random() % 2000) / 1000.0F - 1;
      const Tensor t = tensor(rows, cols);
      if (t) on.write(t, std::as_bytes(std::span(values)));
      return t;
    };
    files.reserve(16);
    const WeightMatrix table = weight(Format::q4_0, 1200, kCols);
    WeightMatrix wq = weight(Format::q8_0, kCols, kCols), wk = weight(Format::f16, 32, kCols),
                       wv = weight(Format::q4_0, 32, kCols), wo = weight(Format::q5_0, kCols, kCols), gate = weight(Format::f32, kWide, kCols),
                       up = weight(Format::q8_0, kWide, kCols), down = weight(Format::iq4_nl, kCols, kWide);
    const Tensor tokens = ids({7, 1199, 0}), slots = ids({0, 1, 2}), pages = ids({0}), sequence = ids({0, 0, 0}), position = ids({0, 1, 2}),
                 prefix = ids({1, 2, 3}), begin = ids({0, 0, 0, 0}), norm = floats(1, kCols), head_norm = floats(1, kDim), angles = floats(kRows, kDim);
    const Tensor x = tensor(kRows, kCols), a = tensor(kRows, kCols), q = tensor(kRows, kCols), k = tensor(kRows, 32), v = tensor(kRows, 32),
                 o = tensor(kRows, kCols), y = tensor(kRows, kCols), g = tensor(kRows, kWide), u = tensor(kRows, kWide);
    KvLayer layer{nullptr, 0, 1, 2, kDim, DType::f16};
    layer.buffer = keep(on.allocate(static_cast<std::size_t>(2 * layer.page_bytes())));
    if (error) {
      static_cast<void>(on.submit());  // what was written goes before the memory that it was written to
      return {};
    }

    on.bring(table);
    WeightMatrix* const products[] = {&wq, &wk, &wv, &wo, &gate, &up, &down};
    buffers.push_back(on.arrange(products));
    on.embed(table, tokens, x);
    on.rms_norm(x, norm, 1e-5F, kCols, a);
    on.linear(wq, a, {}, q), on.linear(wk, a, {}, k), on.linear(wv, a, {}, v);
    on.rms_norm(q, head_norm, 1e-5F, kDim, q), on.rms_norm(k, head_norm, 1e-5F, kDim, k);
    on.rope(q, kDim, kDim, RopePairs::half_split, angles), on.rope(k, kDim, kDim, RopePairs::half_split, angles);
    on.store_kv(k, v, layer, slots);
    AttentionRows rows;
    rows.table = pages, rows.sequence = sequence, rows.position = position, rows.prefix_slots = prefix, rows.extra_begin = begin, rows.max_slots = 64;
    on.attention(q, layer, rows, {.n_heads = kHeads, .scale = 0.25F, .sinks = {}}, o);
    on.linear(wo, o, {}, y), on.add(x, y, 1, x);
    on.rms_norm(x, norm, 1e-5F, kCols, a);
    on.linear(gate, a, {}, g), on.linear(up, a, {}, u), on.glu(Activation::silu, g, u, u);
    on.linear(down, u, {}, y), on.rms_norm(y, norm, 1e-5F, kCols, y), on.add(x, y, 1, x);
    // A write among recorded ops, and a view whose rows are apart.
    const std::vector<float> last(16, 0.5F);
    on.write(x.col_range(8, 8).row_range(0, 2), std::as_bytes(std::span(last)));
    on.scale(x, 0.5F);
    if (auto done = on.submit(); !done) return error = done.error(), std::vector<float>();
    std::vector<float> result;
    for (const Tensor& t : {x, y, k, g, u, q.col_range(4, 20)}) {
      std::vector<float> values(static_cast<std::size_t>(t.rows * t.cols));
      on.read(t, std::as_writable_bytes(std::span(values)));
      result.insert(result.end(), values.begin(), values.end());
    }
    if (auto done = on.submit(); !done) return error = done.error(), std::vector<float>();
    return result;
  }

  std::uint64_t seed;
  std::optional<Error> error;
};

}  // namespace foreword::gpu

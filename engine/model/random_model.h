#pragma once
// Random-weight models of standard shapes (llama architecture), for measuring speed without anyone's weights. The file
// has a made-up vocabulary of the right size, so that other engines load it too.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/gguf/gguf.h"
#include "engine/gguf/gguf_writer.h"

namespace foreword::engine {

struct ModelShape {
  std::string_view name;  // "1b"
  std::int64_t n_layers, hidden_size, ffn_size, n_heads, n_kv_heads, head_dim, vocab_size;
  bool tied;  // the embedding serves as the output matrix
  std::string_view like;  // a published model of this shape
};

std::span<const ModelShape> model_shapes();
/// `not_found` lists the names.
Result<ModelShape> find_shape(std::string_view name);

/// A writer with all metadata and tensors of the shape; matrices in `format`, where a row's length does not divide into
/// its blocks in the format that llama-quantize falls back to; norms F32. Weights: uniform codes, scaled to a standard
/// deviation near 1 / sqrt(row length). `unsupported` for formats that are no weights. Same seed, same bytes.
Result<GgufWriter> random_model(const ModelShape& shape, gpu::Format format, std::uint64_t seed);

/// The same as an open file in memory; the bytes live as long as the result.
Result<std::shared_ptr<const GgufFile>> random_model_in_memory(const ModelShape& shape, gpu::Format format, std::uint64_t seed);

}  // namespace foreword::engine

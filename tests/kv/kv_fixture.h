#pragma once
// A cache on the processor, and tokens in it that can be told apart.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/kv/kv_cache.h"
#include "gpu/registry.h"

namespace foreword::engine {

class KvCacheTest : public testing::Test {
 protected:
  KvCacheTest() : backend_(std::move(gpu::open_device("cpu", {.n_threads = 1})).value()) {}
  KvCache make(std::int64_t n_slots) {
    return std::move(KvCache::create(*backend_, {2, 3, 16, gpu::DType::f16}, n_slots)).value();
  }
  KvCache make_closing(std::int64_t n_slots, PagePolicy policy) {
    return std::move(KvCache::create(*backend_, {2, 3, 32, gpu::DType::f16, policy}, n_slots)).value();
  }
  // Adds n tokens; a token's key and value at column 0 of every head tell which it is.
  bool add(KvCache& cache, SequenceId id, std::int64_t n, float first) {
    return write(cache, id, n, first) && cache.commit(id, n).has_value();
  }
  // Writes tokens into reserved slots, and accepts none.
  bool write(KvCache& cache, SequenceId id, std::int64_t n, float first) {
    if (!cache.reserve(id, n)) return false;
    const std::int64_t width = cache.shape().n_kv_heads * cache.shape().head_dim;
    std::vector<float> values;
    std::vector<std::int32_t> slots, window_slots;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t slot = cache.length(id) + i;
      const std::int32_t block = cache.blocks(id)[static_cast<std::size_t>(slot / 64)];
      EXPECT_EQ(gpu::pool_of(block), 0);
      slots.push_back(static_cast<std::int32_t>(block * 64 + slot % 64));
      window_slots.push_back(static_cast<std::int32_t>(cache.window_block(block) * 64 + slot % 64));
      for (std::int64_t c = 0; c < width; ++c) values.push_back(c % cache.shape().head_dim == 0 ? first + static_cast<float>(i) : 0.0F);
    }
    const gpu::Tensor x = put(values, n, width), at = put(slots, n, 1), window_at = put(window_slots, n, 1);
    for (std::int64_t il = 0; il < cache.shape().n_layers; ++il) {
      backend_->store_kv(x, x, cache.layer(il), cache.shape().is_windowed(il) ? window_at : at);
    }
    EXPECT_TRUE(backend_->submit());
    return true;
  }
  // What stands at the places where add() put its numbers, from the last head of the last layer.
  std::vector<float> tokens(const KvCache& cache, SequenceId id) {
    const gpu::KvLayer layer = cache.layer(cache.shape().n_layers - 1);
    std::vector<float> all, row(static_cast<std::size_t>(layer.head_dim));
    for (std::int64_t slot = 0; slot < cache.length(id); ++slot) {
      const std::int32_t block = cache.blocks(id)[static_cast<std::size_t>(slot / 64)];
      const gpu::KvPool pool = layer.pool(gpu::pool_of(block));
      const std::int64_t page = gpu::place_of(block) * layer.n_kv_heads + layer.n_kv_heads - 1;
      const std::byte* tile = pool.buffer->host() + page * layer.page_bytes(gpu::pool_of(block)) + gpu::kv_tile_bytes(pool.encoding.k, layer.head_dim);
      gpu::decode_rows(pool.encoding.v, layer.head_dim, tile, slot % 64, slot % 64 + 1, row.data());
      gpu::rotate(row.data(), layer.head_dim, layer.basis.v);
      all.push_back(row[0]);
    }
    return all;
  }
  template <class T>
  gpu::Tensor put(const std::vector<T>& values, std::int64_t rows, std::int64_t cols) {
    buffers_.push_back(std::move(backend_->allocate(values.size() * sizeof(T))).value());
    const gpu::Tensor view{buffers_.back().get(), 0, rows, cols, cols, std::is_same_v<T, float> ? gpu::DType::f32 : gpu::DType::i32};
    backend_->write(view, std::as_bytes(std::span(values)));
    return view;
  }
  std::unique_ptr<gpu::Backend> backend_;
  std::vector<std::unique_ptr<gpu::Buffer>> buffers_;
};

inline constexpr gpu::KvEncoding kQ8{gpu::KvFormat::q8, gpu::KvFormat::q8}, kQ4{gpu::KvFormat::q4h, gpu::KvFormat::q4h};

inline std::string pools(const KvCache& cache, SequenceId id) {
  std::string text;
  for (const std::int32_t block : cache.blocks(id)) text += "ocd"[gpu::pool_of(block)];
  return text;
}

}  // namespace foreword::engine

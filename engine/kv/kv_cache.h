#pragma once
// The KV cache: pages of 64 slots in one pool a layer, handed out to sequences block by block (after PagedAttention;
// Kwon et al. 2023). A block id means the same 64 slots in every layer. Owns the device memory. Engine desk only.

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "gpu/backend.h"

namespace foreword::engine {

struct KvShape {
  std::int64_t n_layers = 0;
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
  gpu::DType dtype = gpu::DType::f16;  // f16 or f32

  std::int64_t bytes_per_slot() const { return 2 * n_layers * n_kv_heads * head_dim * gpu::bytes_of(dtype); }
};

using SequenceId = std::int32_t;

class KvCache {
 public:
  /// Room for n_slots tokens in all sequences together, rounded up to whole blocks. `out_of_memory` names the size.
  static Result<KvCache> create(gpu::Backend& backend, const KvShape& shape, std::int64_t n_slots);

  SequenceId add_sequence();
  /// Frees the sequence's blocks; the id may be given out again.
  void remove_sequence(SequenceId id);

  /// Tokens that are stored and accepted.
  std::int64_t length(SequenceId id) const { return at(id).length; }
  /// Blocks in slot order; slot s lies in blocks[s / 64].
  const std::vector<std::int32_t>& blocks(SequenceId id) const { return at(id).blocks; }

  /// Makes sure that slots [length, length + n) exist. `out_of_memory` if the pool is exhausted; nothing changes then.
  Result<void> reserve(SequenceId id, std::int64_t n);
  /// The first n reserved slots after length now hold accepted tokens.
  void commit(SequenceId id, std::int64_t n);
  /// Forgets all tokens from `length` on and frees blocks that are no longer needed.
  void truncate(SequenceId id, std::int64_t length);

  gpu::KvLayer layer(std::int64_t index) const { return layers_[static_cast<std::size_t>(index)]; }
  const KvShape& shape() const { return shape_; }
  std::int64_t n_free_blocks() const { return std::ssize(free_blocks_); }
  std::int64_t total_bytes() const { return n_blocks_ * gpu::kPageSlots * shape_.bytes_per_slot(); }

 private:
  struct Sequence {
    std::vector<std::int32_t> blocks;
    std::int64_t length = 0;
    bool used = false;
  };
  const Sequence& at(SequenceId id) const;
  Sequence& at(SequenceId id);

  KvShape shape_;
  std::int64_t n_blocks_ = 0;
  std::vector<std::unique_ptr<gpu::Buffer>> buffers_;  // one a layer
  std::vector<gpu::KvLayer> layers_;
  std::vector<std::int32_t> free_blocks_;  // taken from the back
  std::vector<Sequence> sequences_;
};

}  // namespace foreword::engine

#include "engine/kv/kv_cache.h"

namespace foreword::engine {
namespace {

std::int64_t blocks_for(std::int64_t n_slots) { return (n_slots + gpu::kPageSlots - 1) / gpu::kPageSlots; }

}  // namespace

Result<KvCache> KvCache::create(gpu::Backend& backend, const KvShape& shape, std::int64_t n_slots) {
  check(shape.n_layers > 0 && shape.n_kv_heads > 0 && shape.head_dim > 0 && n_slots > 0, "a KV cache needs a shape");
  KvCache cache;
  cache.shape_ = shape;
  cache.n_blocks_ = blocks_for(n_slots);
  for (std::int64_t il = 0; il < shape.n_layers; ++il) {
    gpu::KvLayer layer{nullptr, 0, cache.n_blocks_, shape.n_kv_heads, shape.head_dim, shape.dtype};
    const std::int64_t bytes = cache.n_blocks_ * shape.n_kv_heads * layer.page_bytes();
    FW_ASSIGN(auto buffer, backend.allocate(static_cast<std::size_t>(bytes)));
    layer.buffer = buffer.get();
    cache.buffers_.push_back(std::move(buffer));
    cache.layers_.push_back(layer);
  }
  for (std::int64_t block = cache.n_blocks_ - 1; block >= 0; --block) {
    cache.free_blocks_.push_back(static_cast<std::int32_t>(block));
  }
  return cache;
}

const KvCache::Sequence& KvCache::at(SequenceId id) const {
  check(id >= 0 && id < std::ssize(sequences_) && sequences_[static_cast<std::size_t>(id)].used, "no such sequence");
  return sequences_[static_cast<std::size_t>(id)];
}

KvCache::Sequence& KvCache::at(SequenceId id) { return const_cast<Sequence&>(std::as_const(*this).at(id)); }

SequenceId KvCache::add_sequence() {
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    if (sequences_[i].used) continue;
    sequences_[i].used = true;
    return static_cast<SequenceId>(i);
  }
  sequences_.push_back({{}, 0, true});
  return static_cast<SequenceId>(sequences_.size() - 1);
}

void KvCache::remove_sequence(SequenceId id) {
  truncate(id, 0);
  at(id).used = false;
}

Result<void> KvCache::reserve(SequenceId id, std::int64_t n) {
  Sequence& sequence = at(id);
  const std::int64_t missing = blocks_for(sequence.length + n) - std::ssize(sequence.blocks);
  if (missing > n_free_blocks()) {
    return Error{ErrorCode::out_of_memory, "The KV cache is full: it holds " +
                                               std::to_string(n_blocks_ * gpu::kPageSlots) +
                                               " tokens. Start with a larger --context."};
  }
  for (std::int64_t i = 0; i < missing; ++i) {
    sequence.blocks.push_back(free_blocks_.back());
    free_blocks_.pop_back();
  }
  return {};
}

void KvCache::commit(SequenceId id, std::int64_t n) {
  Sequence& sequence = at(id);
  check(n >= 0 && sequence.length + n <= std::ssize(sequence.blocks) * gpu::kPageSlots, "commit needs reserved slots");
  sequence.length += n;
}

void KvCache::truncate(SequenceId id, std::int64_t length) {
  Sequence& sequence = at(id);
  check(length >= 0 && length <= sequence.length, "truncate only shortens");
  sequence.length = length;
  while (std::ssize(sequence.blocks) > blocks_for(length)) {
    free_blocks_.push_back(sequence.blocks.back());
    sequence.blocks.pop_back();
  }
}

}  // namespace foreword::engine

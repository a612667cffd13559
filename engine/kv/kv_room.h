#pragma once
// How many pages each pool of a KV cache has room for.

#include <array>
#include <cstdint>

#include "engine/kv/kv_cache.h"

namespace foreword::engine {

/// Blocks that hold so many tokens.
inline std::int64_t blocks_for(std::int64_t n_slots) { return (n_slots + gpu::kPageSlots - 1) / gpu::kPageSlots; }

/// Of pages by their pool (PageStep): as many bits as they are kept in.
std::array<gpu::KvEncoding, 3> encodings_of(const KvShape& shape);

struct KvRoom {
  /// Sequences whose windows have room at the same time, and are never taken from: a chat and a suggestion.
  static constexpr std::int64_t kWindowSequences = 2;

  std::array<std::int64_t, 3> places{};         // by PageStep
  std::array<std::int64_t, 3> window_places{};  // the same in the windowed layers

  /// For so many blocks in all, of which so many can be old and not yet in the policy's coarse encoding.
  static KvRoom of(const KvShape& shape, std::int64_t n_blocks, std::int64_t n_old);
  /// Old blocks if memory is no question, and if it is.
  static std::int64_t most_old(const KvShape& shape, std::int64_t n_blocks);
  static std::int64_t least_old(const KvShape& shape, std::int64_t n_blocks);

  std::int64_t bytes(const KvShape& shape) const;
  std::int64_t bytes_of_layer(const KvShape& shape, bool windowed) const;
};

}  // namespace foreword::engine

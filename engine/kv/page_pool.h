#pragma once
// The places of one pool: who holds which, and what belongs to them in the layers with a sliding window. Counts only, no
// device. A block is named by gpu::kv_block(pool, place) in the layers that see everything; in the windowed layers its
// pages have a place of their own, which is given back earlier, when nothing can see them any more. Engine desk only.

#include <cstdint>
#include <vector>

#include "gpu/backend.h"

namespace foreword::engine {

inline constexpr std::int32_t kNoBlock = -1;

class PagePool {
 public:
  PagePool() = default;
  /// n_window: places in the windowed layers; 0 where there are no such layers.
  PagePool(std::int32_t number, std::int64_t n, std::int64_t n_window);

  /// A block, held once; there must be a free place, and one in the windowed layers too if it is to have one.
  std::int32_t take(bool with_window);
  void hold(std::int32_t block) { ++at(block).holders; }
  /// Whether nobody holds it any more.
  bool release(std::int32_t block);
  std::int32_t holders(std::int32_t block) const { return at(block).holders; }
  bool shared(std::int32_t block) const { return holders(block) > 1; }
  std::int64_t size() const { return std::ssize(places_); }
  std::int64_t n_free() const { return std::ssize(free_); }
  std::int64_t n_used() const { return size() - n_free(); }

  /// The block's name in the windowed layers, or kNoBlock.
  std::int32_t window_of(std::int32_t block) const { return at(block).window; }
  void drop_window(std::int32_t block);
  std::int64_t n_free_window() const { return std::ssize(free_window_); }
  /// Held blocks that still have a place in the windowed layers, the oldest first.
  std::vector<std::int32_t> windowed_blocks() const;

  /// How much rows have looked at the block of late, in the head that did so most (KvCache::attend()).
  float& attention(std::int32_t block) { return at(block).attention; }
  float attention(std::int32_t block) const { return at(block).attention; }
  /// A block in a coarser pool that holds the same, or kNoBlock.
  std::int32_t& twin(std::int32_t block) { return at(block).twin; }
  /// No place's twin is this block any more.
  void forget_twin(std::int32_t block);

 private:
  struct Place {
    std::int32_t holders = 0, window = kNoBlock, twin = kNoBlock;
    std::int64_t age = 0;  // number of the take()
    float attention = 0;
  };
  Place& at(std::int32_t block) { return places_[static_cast<std::size_t>(gpu::place_of(block))]; }
  const Place& at(std::int32_t block) const { return places_[static_cast<std::size_t>(gpu::place_of(block))]; }

  std::int32_t number_ = 0;
  std::int64_t n_taken_ = 0;
  std::vector<Place> places_;
  std::vector<std::int32_t> free_, free_window_;  // blocks, taken from the back
};

}  // namespace foreword::engine

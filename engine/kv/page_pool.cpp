#include "engine/kv/page_pool.h"

#include <algorithm>

namespace foreword::engine {

PagePool::PagePool(std::int32_t number, std::int64_t n, std::int64_t n_window)
    : number_(number), places_(static_cast<std::size_t>(n)) {
  for (auto place = static_cast<std::int32_t>(n - 1); place >= 0; --place) free_.push_back(gpu::kv_block(number, place));
  for (auto place = static_cast<std::int32_t>(n_window - 1); place >= 0; --place) free_window_.push_back(gpu::kv_block(number, place));
}

std::int32_t PagePool::take(bool with_window) {
  check(!free_.empty() && (!with_window || !free_window_.empty()), "a free block of the KV cache");
  const std::int32_t block = free_.back();
  free_.pop_back();
  at(block) = {.holders = 1, .age = n_taken_++};
  if (with_window) {
    at(block).window = free_window_.back();
    free_window_.pop_back();
  }
  return block;
}

bool PagePool::release(std::int32_t block) {
  check(at(block).holders > 0, "a KV block is held until it is released");
  if (--at(block).holders > 0) return false;
  drop_window(block);
  at(block).twin = kNoBlock;
  free_.push_back(block);
  return true;
}

void PagePool::drop_window(std::int32_t block) {
  std::int32_t& window = at(block).window;
  if (window != kNoBlock) free_window_.push_back(window);
  window = kNoBlock;
}

std::vector<std::int32_t> PagePool::windowed_blocks() const {
  std::vector<std::int32_t> blocks;
  for (std::size_t place = 0; place < places_.size(); ++place) {
    if (places_[place].window != kNoBlock) blocks.push_back(gpu::kv_block(number_, static_cast<std::int32_t>(place)));
  }
  std::ranges::sort(blocks, {}, [this](std::int32_t block) { return at(block).age; });
  return blocks;
}

void PagePool::forget_twin(std::int32_t block) {
  for (Place& place : places_) {
    if (place.twin == block) place.twin = kNoBlock;
  }
}

}  // namespace foreword::engine

#include "engine/kv/kv_room.h"

#include <algorithm>

namespace foreword::engine {
namespace {

/// Blocks of the open pool if pages close: two sequences that read their prompts in chunks of 128 tokens, each with its
/// sink, two recent pages and up to three that the chunk fills, and some for forks.
constexpr std::int64_t kOpenBlocks = 16;
/// Old pages that are not sent down for want of memory.
constexpr std::int64_t kLeastOldBlocks = 2;

}  // namespace

gpu::KvEncoding KvShape::open() const {
  const gpu::KvFormat format = dtype == gpu::DType::f16 ? gpu::KvFormat::f16 : gpu::KvFormat::f32;
  return {format, format};
}

std::int64_t KvShape::n_windowed() const { return window > 0 ? std::ranges::count(windowed, true) : 0; }

std::int64_t KvShape::bytes_per_slot() const {
  const gpu::KvEncoding encoding = policy.closes_pages() ? policy.old : open();
  return n_layers * n_kv_heads * encoding.page_bytes(head_dim) / gpu::kPageSlots;
}

std::array<gpu::KvEncoding, 3> encodings_of(const KvShape& shape) {
  return {shape.open(), shape.policy.old, shape.policy.coarse.value_or(shape.policy.old)};
}

KvRoom KvRoom::of(const KvShape& shape, std::int64_t n_blocks, std::int64_t n_old) {
  KvRoom room;
  if (shape.policy.closes_pages()) room.places = {std::min(n_blocks, kOpenBlocks), n_old, n_blocks - n_old};
  else room.places = {n_blocks, 0, 0};
  const std::int64_t seen = kWindowSequences * (blocks_for(shape.window) + 1) + kOpenBlocks;
  for (std::size_t i = 0; shape.n_windowed() > 0 && i < room.places.size(); ++i) room.window_places[i] = std::min(room.places[i], seen);
  return room;
}

std::int64_t KvRoom::most_old(const KvShape& shape, std::int64_t n_blocks) {
  const PagePolicy& policy = shape.policy;
  return policy.coarse && policy.coarse_after > 0 ? std::min(n_blocks, blocks_for(policy.coarse_after) + 1) : n_blocks;
}

std::int64_t KvRoom::least_old(const KvShape& shape, std::int64_t n_blocks) {
  return std::min(most_old(shape, n_blocks), shape.policy.coarse ? kLeastOldBlocks : n_blocks);
}

std::int64_t KvRoom::bytes_of_layer(const KvShape& shape, bool windowed) const {
  const auto encodings = encodings_of(shape);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i] > 0) sum += (windowed ? window_places : places)[i] * encodings[i].page_bytes(shape.head_dim);
  }
  return sum * shape.n_kv_heads;
}

std::int64_t KvRoom::bytes(const KvShape& shape) const {
  return (shape.n_layers - shape.n_windowed()) * bytes_of_layer(shape, false) + shape.n_windowed() * bytes_of_layer(shape, true);
}

}  // namespace foreword::engine

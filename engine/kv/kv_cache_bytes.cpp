// Pages as bytes, on their way to a disk and back.

#include <algorithm>
#include <optional>

#include "engine/kv/kv_cache.h"

namespace foreword::engine {
namespace {

/// Whether the page was written down when a windowed layer had lost its part of it. bytes: of all layers alike.
bool lacks_window(const KvShape& shape, std::span<const std::byte> bytes) {
  const std::size_t n = bytes.size() / static_cast<std::size_t>(shape.n_layers);
  for (std::int64_t il = 0; il < shape.n_layers; ++il) {
    const auto part = bytes.subspan(static_cast<std::size_t>(il) * n, n);
    if (shape.is_windowed(il) && std::ranges::all_of(part, [](std::byte byte) { return byte == std::byte{0}; })) return true;
  }
  return false;
}

}  // namespace

std::int64_t KvCache::page_bytes(gpu::KvEncoding encoding, std::int64_t n) const {
  return shape_.n_layers * shape_.n_kv_heads * encoding.page_bytes(shape_.head_dim) * n / gpu::kPageSlots;
}

template <class Visit>
void KvCache::each_run(std::int32_t block, std::int64_t n, Visit visit) const {
  const gpu::KvEncoding encoding = encoding_of(block);
  check(n == gpu::kPageSlots || !(gpu::info(encoding.k).scaled || gpu::info(encoding.v).scaled), "a page in few bits is full");
  const std::int64_t head_bytes = encoding.page_bytes(shape_.head_dim), k_bytes = gpu::kv_tile_bytes(encoding.k, shape_.head_dim);
  for (std::int64_t il = 0; il < shape_.n_layers; ++il) {
    const gpu::KvLayer& layer = layers_[static_cast<std::size_t>(il)];
    const std::int32_t own = shape_.is_windowed(il) ? window_block(block) : block;
    const bool lost = own == kNoBlock;
    const gpu::KvPool pool = layer.pool(gpu::pool_of(block));
    const std::int64_t first = pool.offset + (lost ? 0 : gpu::place_of(own)) * layer.n_kv_heads * head_bytes;
    const auto run = [&](std::int64_t offset, std::int64_t bytes) {
      visit(gpu::Tensor{pool.buffer, offset, 1, bytes / 2, bytes / 2, gpu::DType::f16}, lost);
    };
    if (n == gpu::kPageSlots) {
      run(first, layer.n_kv_heads * head_bytes);
      continue;
    }
    for (std::int64_t head = 0; head < layer.n_kv_heads; ++head) {
      const std::int64_t page = first + head * head_bytes;
      run(page, k_bytes * n / gpu::kPageSlots);
      run(page + k_bytes, (head_bytes - k_bytes) * n / gpu::kPageSlots);
    }
  }
}

Result<void> KvCache::read_page(std::int32_t block, std::int64_t n, std::span<std::byte> out) {
  check(std::ssize(out) == page_bytes(encoding_of(block), n), "a page's bytes need their room");
  each_run(block, n, [&](const gpu::Tensor& run, bool lost) {
    const auto bytes = out.first(static_cast<std::size_t>(run.cols * 2));
    if (lost) std::ranges::fill(bytes, std::byte{0});
    else backend_->read(run, bytes);
    out = out.subspan(bytes.size());
  });
  return backend_->submit();  // a reading that failed is told there
}

Result<void> KvCache::append_page(SequenceId id, gpu::KvEncoding encoding, std::int64_t n, std::span<const std::byte> bytes) {
  Sequence& sequence = at(id);
  check(sequence.length % gpu::kPageSlots == 0 && n > 0 && n <= gpu::kPageSlots, "pages are appended whole");
  const auto step = [&]() -> std::optional<PageStep> {
    if (encoding == shape_.open()) return PageStep::open;
    if (n < gpu::kPageSlots) return std::nullopt;
    if (pool(PageStep::old).size() > 0 && encoding == shape_.policy.old) return PageStep::old;
    if (pool(PageStep::coarse).size() > 0 && encoding == shape_.policy.coarse) return PageStep::coarse;
    return std::nullopt;
  }();
  if (!step || std::ssize(bytes) != page_bytes(encoding, n)) {
    return Error{ErrorCode::corrupt, "A stored page does not fit this KV cache."};
  }
  const bool window_lost = lacks_window(shape_, bytes);
  if (window_lost && n < gpu::kPageSlots) return Error{ErrorCode::corrupt, "A stored page lacks what windowed layers would see."};
  std::vector<std::int32_t>& blocks = sequence.blocks;
  while (std::ssize(blocks) * gpu::kPageSlots > sequence.length) {  // what was reserved and never filled
    release(blocks.back());
    blocks.pop_back();
  }
  std::int32_t block = kNoBlock;
  while (block == kNoBlock) {
    if (n_free_blocks() > 0) block = take(*step, !window_lost);
    if (block == kNoBlock && *step == PageStep::old && n_free_blocks() > 0) {
      FW_ASSIGN(const bool room, demote_one());
      if (room) continue;
    }
    if (block == kNoBlock && !(reclaimer_ && reclaimer_(*step == PageStep::open))) {
      return Error{ErrorCode::out_of_memory, "The KV cache is full."};
    }
  }
  blocks.push_back(block);
  each_run(block, n, [&](const gpu::Tensor& run, bool lost) {
    const auto part = bytes.first(static_cast<std::size_t>(run.cols * 2));
    if (!lost) backend_->write(run, part);
    bytes = bytes.subspan(part.size());
  });
  FW_TRY(backend_->submit());
  sequence.last_use = ++n_uses_;
  return commit(id, n);
}

}  // namespace foreword::engine

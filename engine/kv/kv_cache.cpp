#include "engine/kv/kv_cache.h"

#include <algorithm>

namespace foreword::engine {
namespace {

/// Blocks of the open pool if pages close: two sequences that read their prompts in chunks of 128 tokens, each with its
/// sink, two recent pages and up to three that the chunk fills, and some for forks.
constexpr std::int64_t kOpenBlocks = 16;

std::int64_t blocks_for(std::int64_t n_slots) { return (n_slots + gpu::kPageSlots - 1) / gpu::kPageSlots; }

std::int64_t open_blocks_for(const KvShape& shape, std::int64_t n_blocks) {
  return shape.policy.closes_pages() ? std::min(n_blocks, kOpenBlocks) : n_blocks;
}
std::int64_t closed_blocks_for(const KvShape& shape, std::int64_t n_blocks) {
  return shape.policy.closes_pages() ? n_blocks : 0;
}

}  // namespace

gpu::KvEncoding KvShape::open() const {
  const gpu::KvFormat format = dtype == gpu::DType::f16 ? gpu::KvFormat::f16 : gpu::KvFormat::f32;
  return {format, format};
}

std::int64_t KvShape::bytes_per_slot() const {
  const gpu::KvEncoding encoding = policy.closes_pages() ? policy.old : open();
  return n_layers * n_kv_heads * encoding.page_bytes(head_dim) / gpu::kPageSlots;
}

std::int64_t KvCache::bytes_for(const KvShape& shape, std::int64_t n_slots) {
  const std::int64_t n_blocks = blocks_for(n_slots), n_closed = closed_blocks_for(shape, n_blocks);
  return shape.n_layers * shape.n_kv_heads *
         (open_blocks_for(shape, n_blocks) * shape.open().page_bytes(shape.head_dim) +
          (n_closed > 0 ? n_closed * shape.policy.old.page_bytes(shape.head_dim) : 0));
}

Result<KvCache> KvCache::create(gpu::Backend& backend, const KvShape& shape, std::int64_t n_slots) {
  check(shape.n_layers > 0 && shape.n_kv_heads > 0 && shape.head_dim > 0 && n_slots > 0, "a KV cache needs a shape");
  KvCache cache;
  cache.backend_ = &backend;
  cache.shape_ = shape;
  cache.n_blocks_ = blocks_for(n_slots);
  const std::int64_t n_open = open_blocks_for(shape, cache.n_blocks_), n_closed = closed_blocks_for(shape, cache.n_blocks_);
  const auto room = [&](std::int64_t bytes) -> Result<gpu::Buffer*> {
    FW_ASSIGN(auto buffer, backend.allocate(static_cast<std::size_t>(bytes)));
    cache.buffers_.push_back(std::move(buffer));
    return cache.buffers_.back().get();
  };
  for (std::int64_t il = 0; il < shape.n_layers; ++il) {
    gpu::KvLayer layer{nullptr, 0, n_open, shape.n_kv_heads, shape.head_dim, shape.dtype};
    FW_ASSIGN(layer.buffer, room(n_open * shape.n_kv_heads * layer.page_bytes()));
    if (n_closed > 0) {
      layer.basis = gpu::kv_basis(shape.head_dim);
      layer.closed[0] = {nullptr, 0, n_closed, shape.policy.old};
      FW_ASSIGN(layer.closed[0].buffer, room(n_closed * shape.n_kv_heads * layer.page_bytes(1)));
    }
    cache.layers_.push_back(layer);
  }
  FW_ASSIGN(cache.indices_, backend.allocate(static_cast<std::size_t>(2 * cache.n_blocks_) * sizeof(std::int32_t)));
  cache.open_ = Places(0, n_open);
  cache.closed_ = Places(1, n_closed);
  cache.twins_.assign(static_cast<std::size_t>(n_open), -1);
  return cache;
}

KvCache::Places::Places(std::int32_t pool, std::int64_t n) : holders_(static_cast<std::size_t>(n)) {
  for (auto place = static_cast<std::int32_t>(n - 1); place >= 0; --place) free_.push_back(gpu::kv_block(pool, place));
}

std::int32_t KvCache::Places::take() {
  check(!free_.empty(), "a free block of the KV cache");
  const std::int32_t block = free_.back();
  free_.pop_back();
  holders(block) = 1;
  return block;
}

bool KvCache::Places::release(std::int32_t block) {
  check(holders(block) > 0, "a KV block is held until it is released");
  if (--holders(block) > 0) return false;
  free_.push_back(block);
  return true;
}

void KvCache::release(std::int32_t block) {
  if (!places_of(block).release(block)) return;
  if (gpu::pool_of(block) == 0) twins_[static_cast<std::size_t>(gpu::place_of(block))] = -1;
  else std::ranges::replace(twins_, block, -1);
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

SequenceId KvCache::fork(SequenceId id) {
  const SequenceId copy = add_sequence();
  const Sequence& from = at(id);
  Sequence& to = at(copy);
  to.length = from.length;
  to.blocks.assign(from.blocks.begin(), from.blocks.begin() + static_cast<std::ptrdiff_t>(blocks_for(from.length)));
  for (const std::int32_t block : to.blocks) places_of(block).hold(block);
  return copy;
}

void KvCache::remove_sequence(SequenceId id) {
  truncate(id, 0);
  at(id).used = false;
}

KvCache::Need KvCache::need(const Sequence& sequence, std::int64_t n) const {
  const bool copies = n > 0 && sequence.length % gpu::kPageSlots != 0 &&
                      open_.shared(sequence.blocks[static_cast<std::size_t>(sequence.length / gpu::kPageSlots)]);
  const std::int64_t missing = blocks_for(sequence.length + n) - std::ssize(sequence.blocks);
  return {std::max<std::int64_t>(missing, 0) + (copies ? 1 : 0), copies};
}

Result<void> KvCache::reserve(SequenceId id, std::int64_t n) {
  Sequence& sequence = at(id);
  Need wanted = need(sequence, n);
  const auto short_of_open = [&] { return wanted.blocks > open_.n_free(); };
  const auto too_few = [&] { return wanted.blocks > std::min(open_.n_free(), n_free_blocks()); };
  while (too_few() && reclaimer_ && reclaimer_(short_of_open())) wanted = need(sequence, n);
  if (short_of_open() && shape_.policy.closes_pages()) {
    // Rather early in few bits than not at all.
    PagePolicy urgent = shape_.policy;
    urgent.n_recent = 0;
    for (Sequence& one : sequences_) FW_TRY(close_pages(one, urgent));
  }
  if (too_few()) {
    return Error{ErrorCode::out_of_memory, "The KV cache is full: it holds " +
                                               std::to_string(n_blocks_ * gpu::kPageSlots) +
                                               " tokens. Start with a larger --context."};
  }
  if (wanted.copies) {
    std::int32_t& last = sequence.blocks[static_cast<std::size_t>(sequence.length / gpu::kPageSlots)];
    const std::int32_t own = open_.take();
    if (auto copied = encode({&last, 1}, {&own, 1}); !copied) {
      release(own);
      return copied;
    }
    release(last);
    last = own;
  }
  while (std::ssize(sequence.blocks) < blocks_for(sequence.length + n)) sequence.blocks.push_back(open_.take());
  return {};
}

Result<void> KvCache::commit(SequenceId id, std::int64_t n) {
  Sequence& sequence = at(id);
  check(n >= 0 && sequence.length + n <= std::ssize(sequence.blocks) * gpu::kPageSlots, "commit needs reserved slots");
  sequence.length += n;
  return close_pages(sequence, shape_.policy);
}

Result<void> KvCache::close_pages(Sequence& sequence, const PagePolicy& policy) {
  std::vector<std::size_t> pages;
  std::vector<std::int32_t> from, to;
  for (std::size_t page = 0; page < sequence.blocks.size(); ++page) {
    const std::int32_t block = sequence.blocks[page];
    if (gpu::pool_of(block) != 0 || !closes(policy, static_cast<std::int64_t>(page), sequence.length)) continue;
    const std::int32_t twin = twins_[static_cast<std::size_t>(gpu::place_of(block))];
    if (twin >= 0) {
      closed_.hold(twin);
      sequence.blocks[page] = twin;
      release(block);
    } else if (closed_.n_free() > 0) {
      pages.push_back(page);
      from.push_back(block);
      to.push_back(closed_.take());
    }
  }
  if (pages.empty()) return {};
  if (auto done = encode(from, to); !done) {
    for (const std::int32_t block : to) release(block);
    return done;
  }
  for (std::size_t i = 0; i < pages.size(); ++i) {
    twins_[static_cast<std::size_t>(gpu::place_of(from[i]))] = to[i];
    sequence.blocks[pages[i]] = to[i];
    release(from[i]);
  }
  return {};
}

Result<void> KvCache::accept(SequenceId id, std::span<const std::int32_t> rows) {
  const Sequence& sequence = at(id);
  const auto slot_at = [&](std::int64_t slot) {
    return static_cast<std::int32_t>(sequence.blocks[static_cast<std::size_t>(slot / gpu::kPageSlots)] * gpu::kPageSlots + slot % gpu::kPageSlots);
  };
  std::vector<std::int32_t> from, to;
  for (std::int64_t i = 0; i < std::ssize(rows); ++i) {
    const std::int64_t row = rows[static_cast<std::size_t>(i)];
    check(row >= i && (i == 0 || row > rows[static_cast<std::size_t>(i - 1)]), "accepted rows ascend");
    check(sequence.length + row < std::ssize(sequence.blocks) * gpu::kPageSlots, "accept needs reserved slots");
    if (row == i) continue;
    from.push_back(slot_at(sequence.length + row));
    to.push_back(slot_at(sequence.length + i));
  }
  FW_TRY(in_every_layer(&gpu::Backend::copy_slots, from, to));
  return commit(id, std::ssize(rows));
}

Result<void> KvCache::encode(std::span<const std::int32_t> from, std::span<const std::int32_t> to) {
  return in_every_layer(&gpu::Backend::encode_pages, from, to);
}

Result<void> KvCache::in_every_layer(PairOp op, std::span<const std::int32_t> from, std::span<const std::int32_t> to) {
  const auto upload = [&](std::span<const std::int32_t> values, std::int64_t row) {
    const std::int64_t offset = row * n_blocks_ * static_cast<std::int64_t>(sizeof(std::int32_t));
    const gpu::Tensor view{indices_.get(), offset, std::ssize(values), 1, 1, gpu::DType::i32};
    backend_->write(view, std::as_bytes(values));
    return view;
  };
  const auto room = static_cast<std::size_t>(n_blocks_);
  for (std::size_t first = 0; first < from.size(); first += room) {
    const std::size_t n = std::min(room, from.size() - first);
    const gpu::Tensor sources = upload(from.subspan(first, n), 0), targets = upload(to.subspan(first, n), 1);
    for (const gpu::KvLayer& layer : layers_) (backend_->*op)(layer, sources, targets);
    FW_TRY(backend_->submit());
  }
  return {};
}

std::int64_t KvCache::page_bytes(gpu::KvEncoding encoding, std::int64_t n) const {
  return shape_.n_layers * shape_.n_kv_heads * encoding.page_bytes(shape_.head_dim) * n / gpu::kPageSlots;
}

template <class Visit>
void KvCache::each_run(std::int32_t block, std::int64_t n, Visit visit) const {
  const gpu::KvEncoding encoding = encoding_of(block);
  check(n == gpu::kPageSlots || !(gpu::info(encoding.k).scaled || gpu::info(encoding.v).scaled), "a page in few bits is full");
  const auto view = [](const gpu::KvPool& pool, std::int64_t offset, std::int64_t bytes) {
    return gpu::Tensor{pool.buffer, offset, 1, bytes / 2, bytes / 2, gpu::DType::f16};
  };
  const std::int64_t head_bytes = encoding.page_bytes(shape_.head_dim), k_bytes = gpu::kv_tile_bytes(encoding.k, shape_.head_dim);
  for (const gpu::KvLayer& layer : layers_) {
    const gpu::KvPool pool = layer.pool(gpu::pool_of(block));
    const std::int64_t first = pool.offset + gpu::place_of(block) * layer.n_kv_heads * head_bytes;
    if (n == gpu::kPageSlots) {
      visit(view(pool, first, layer.n_kv_heads * head_bytes));
      continue;
    }
    for (std::int64_t head = 0; head < layer.n_kv_heads; ++head) {
      const std::int64_t page = first + head * head_bytes;
      visit(view(pool, page, k_bytes * n / gpu::kPageSlots));
      visit(view(pool, page + k_bytes, (head_bytes - k_bytes) * n / gpu::kPageSlots));
    }
  }
}

void KvCache::read_page(std::int32_t block, std::int64_t n, std::span<std::byte> out) {
  check(std::ssize(out) == page_bytes(encoding_of(block), n), "a page's bytes need their room");
  each_run(block, n, [&](const gpu::Tensor& run) {
    const auto bytes = static_cast<std::size_t>(run.cols * 2);
    backend_->read(run, out.first(bytes));
    out = out.subspan(bytes);
  });
}

Result<void> KvCache::append_page(SequenceId id, gpu::KvEncoding encoding, std::int64_t n, std::span<const std::byte> bytes) {
  Sequence& sequence = at(id);
  check(sequence.length % gpu::kPageSlots == 0 && n > 0 && n <= gpu::kPageSlots, "pages are appended whole");
  const bool open = encoding == shape_.open();
  if ((!open && (closed_.n_used() + closed_.n_free() == 0 || encoding != shape_.policy.old || n != gpu::kPageSlots)) ||
      std::ssize(bytes) != page_bytes(encoding, n)) {
    return Error{ErrorCode::corrupt, "A stored page does not fit this KV cache."};
  }
  truncate(id, sequence.length);  // what was reserved and never filled
  if (open) {
    FW_TRY(reserve(id, n));
  } else {
    while (n_free_blocks() < 1 && reclaimer_ && reclaimer_(false)) {
    }
    if (n_free_blocks() < 1) return Error{ErrorCode::out_of_memory, "The KV cache is full."};
    sequence.blocks.push_back(closed_.take());
  }
  each_run(sequence.blocks.back(), n, [&](const gpu::Tensor& run) {
    const auto size = static_cast<std::size_t>(run.cols * 2);
    backend_->write(run, bytes.first(size));
    bytes = bytes.subspan(size);
  });
  FW_TRY(backend_->submit());
  return commit(id, n);
}

std::int64_t KvCache::truncate(SequenceId id, std::int64_t length) {
  Sequence& sequence = at(id);
  check(length >= 0 && length <= sequence.length, "truncate only shortens");
  const auto inside = static_cast<std::size_t>(length / gpu::kPageSlots);
  if (length % gpu::kPageSlots != 0 && gpu::pool_of(sequence.blocks[inside]) != 0) length -= length % gpu::kPageSlots;
  sequence.length = length;
  while (std::ssize(sequence.blocks) > blocks_for(length)) {
    release(sequence.blocks.back());
    sequence.blocks.pop_back();
  }
  return length;
}

}  // namespace foreword::engine

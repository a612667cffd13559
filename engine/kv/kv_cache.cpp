#include "engine/kv/kv_cache.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "engine/kv/kv_room.h"

namespace foreword::engine {
namespace {

/// What is left of a row's attention with each row after it.
constexpr float kAttentionDecay = 0.98F;

}  // namespace

std::int64_t KvCache::bytes_for(const KvShape& shape, std::int64_t n_slots) {
  return KvRoom::of(shape, blocks_for(n_slots), KvRoom::most_old(shape, blocks_for(n_slots))).bytes(shape);
}

std::int64_t KvCache::least_bytes_for(const KvShape& shape, std::int64_t n_slots) {
  return KvRoom::of(shape, blocks_for(n_slots), KvRoom::least_old(shape, blocks_for(n_slots))).bytes(shape);
}

Result<KvCache> KvCache::create(gpu::Backend& backend, const KvShape& shape, std::int64_t n_slots, std::int64_t max_bytes) {
  check(shape.n_layers > 0 && shape.n_kv_heads > 0 && shape.head_dim > 0 && n_slots > 0, "a KV cache needs a shape");
  check(shape.window == 0 || std::ssize(shape.windowed) == shape.n_layers, "a KV cache needs to know its windowed layers");
  KvCache cache;
  cache.backend_ = &backend;
  cache.shape_ = shape;
  cache.n_blocks_ = blocks_for(n_slots);
  std::int64_t n_old = KvRoom::most_old(shape, cache.n_blocks_);
  const std::int64_t least = KvRoom::least_old(shape, cache.n_blocks_);
  while (max_bytes > 0 && n_old > least && KvRoom::of(shape, cache.n_blocks_, n_old).bytes(shape) > max_bytes) --n_old;
  const KvRoom room = KvRoom::of(shape, cache.n_blocks_, n_old);
  const auto encodings = encodings_of(shape);
  for (std::int64_t il = 0; il < shape.n_layers; ++il) {
    gpu::KvLayer layer{nullptr, 0, 0, shape.n_kv_heads, shape.head_dim, shape.dtype};
    if (shape.policy.closes_pages()) layer.basis = gpu::kv_basis(shape.head_dim);
    for (std::size_t i = 0; i < encodings.size(); ++i) {
      const std::int64_t n = (shape.is_windowed(il) ? room.window_places : room.places)[i];
      if (n == 0) continue;
      const std::int64_t bytes = n * shape.n_kv_heads * encodings[i].page_bytes(shape.head_dim);
      FW_ASSIGN(auto buffer, backend.allocate(static_cast<std::size_t>(bytes)));
      if (i == 0) {
        layer.buffer = buffer.get();
        layer.n_blocks = n;
      } else {
        layer.closed[i - 1] = {buffer.get(), 0, n, encodings[i]};
      }
      cache.buffers_.push_back(std::move(buffer));
    }
    cache.layers_.push_back(layer);
  }
  FW_ASSIGN(cache.indices_, backend.allocate(static_cast<std::size_t>(2 * cache.n_blocks_) * sizeof(std::int32_t)));
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    cache.pools_[i] = PagePool(static_cast<std::int32_t>(i), room.places[i], room.window_places[i]);
  }
  return cache;
}

std::int64_t KvCache::n_free_blocks() const {
  return std::accumulate(pools_.begin(), pools_.end(), n_blocks_, [](std::int64_t n, const PagePool& one) { return n - one.n_used(); });
}

std::int64_t KvCache::total_bytes() const {
  return std::accumulate(buffers_.begin(), buffers_.end(), std::int64_t{0}, [](std::int64_t sum, const auto& buffer) {
    return sum + static_cast<std::int64_t>(buffer->bytes());
  });
}

const KvCache::Sequence& KvCache::at(SequenceId id) const {
  check(id >= 0 && id < std::ssize(sequences_) && sequences_[static_cast<std::size_t>(id)].used, "no such sequence");
  return sequences_[static_cast<std::size_t>(id)];
}

KvCache::Sequence& KvCache::at(SequenceId id) { return const_cast<Sequence&>(std::as_const(*this).at(id)); }

SequenceId KvCache::add_sequence() {
  auto free = std::ranges::find(sequences_, false, &Sequence::used);
  if (free == sequences_.end()) free = sequences_.emplace(free);
  free->used = true;
  free->revision = ++n_revisions_;
  return static_cast<SequenceId>(free - sequences_.begin());
}

SequenceId KvCache::fork(SequenceId id) {
  const SequenceId copy = add_sequence();
  const Sequence& from = at(id);
  Sequence& to = at(copy);
  to.length = from.length;
  to.blocks.assign(from.blocks.begin(), from.blocks.begin() + static_cast<std::ptrdiff_t>(blocks_for(from.length)));
  for (const std::int32_t block : to.blocks) pool_of(block).hold(block);
  return copy;
}

std::int64_t KvCache::revision(SequenceId id) const {
  const bool used = id >= 0 && id < std::ssize(sequences_) && sequences_[static_cast<std::size_t>(id)].used;
  return used ? at(id).revision : 0;
}

void KvCache::remove_sequence(SequenceId id) {
  truncate(id, 0);
  at(id).used = false;
}

// ---- places --------------------------------------------------------------------------------------------------------

std::int32_t KvCache::take(PageStep step, bool with_window) {
  const bool window = with_window && shape_.n_windowed() > 0;
  if (pool(step).n_free() == 0 || (window && !make_window_room(step, 1))) return kNoBlock;
  return pool(step).take(window);
}

// If windowed pages are short, blocks lose theirs in the order in which a sequence could last see them: first those that none
// sees any more but a fork still holds, then those of the sequences that were not used for longest. Blocks that no sequence has
// yet are those that pages are on their way to.
bool KvCache::make_window_room(PageStep step, std::int64_t n) {
  PagePool& places = pool(step);
  if (places.n_free_window() >= n) return true;
  std::map<std::int32_t, std::int64_t> last_seen;  // by the number of a reserve()
  for (const Sequence& sequence : sequences_) {
    for (std::size_t page = 0; page < sequence.blocks.size(); ++page) {
      const bool sees = !out_of_sight(shape_.window, static_cast<std::int64_t>(page), sequence.length);
      std::int64_t& seen = last_seen[sequence.blocks[page]];
      if (sees) seen = std::max(seen, sequence.last_use);
    }
  }
  // Nothing is taken from the last sequences, and from those that are used together with this one.
  const std::int64_t last_taken = std::max<std::int64_t>(0, std::min(n_uses_ - KvRoom::kWindowSequences, before_these_));
  std::vector<std::int32_t> order = places.windowed_blocks();
  std::erase_if(order, [&](std::int32_t block) { return !last_seen.contains(block); });
  std::ranges::stable_sort(order, {}, [&](std::int32_t block) { return last_seen[block]; });
  for (const std::int32_t block : order) {
    if (places.n_free_window() >= n || last_seen[block] > last_taken) break;
    places.drop_window(block);
  }
  return places.n_free_window() >= n;
}

void KvCache::release(std::int32_t block) {
  if (!pool_of(block).release(block)) return;
  for (PagePool& each : pools_) each.forget_twin(block);
}

void KvCache::free_unseen(Sequence& sequence) {
  for (std::size_t page = 0; page < sequence.blocks.size(); ++page) {
    if (!out_of_sight(shape_.window, static_cast<std::int64_t>(page), sequence.length)) return;
    PagePool& places = pool_of(sequence.blocks[page]);
    if (!places.shared(sequence.blocks[page])) places.drop_window(sequence.blocks[page]);
  }
}

// The longest start of at most `length` tokens after which a row can see all that it should.
std::int64_t KvCache::usable_length(const Sequence& sequence, std::int64_t length) const {
  if (shape_.n_windowed() == 0) return length;
  for (std::int64_t page = blocks_for(length) - 1; page >= 0 && !out_of_sight(shape_.window, page, length); --page) {
    if (window_block(sequence.blocks[static_cast<std::size_t>(page)]) == kNoBlock) length = page * gpu::kPageSlots;
  }
  return length;
}

KvCache::Need KvCache::need(const Sequence& sequence, std::int64_t n) const {
  const bool copies = n > 0 && sequence.length % gpu::kPageSlots != 0 &&
                      pool_of(sequence.blocks[static_cast<std::size_t>(sequence.length / gpu::kPageSlots)])
                          .shared(sequence.blocks[static_cast<std::size_t>(sequence.length / gpu::kPageSlots)]);
  const std::int64_t missing = blocks_for(sequence.length + n) - std::ssize(sequence.blocks);
  return {std::max<std::int64_t>(missing, 0) + (copies ? 1 : 0), copies};
}

Result<void> KvCache::reserve(SequenceId id, std::int64_t n) {
  Sequence& sequence = at(id);
  sequence.last_use = ++n_uses_;
  if (usable_length(sequence, sequence.length) < sequence.length) {
    return Error{ErrorCode::out_of_memory, "The KV cache no longer holds the beginning of this text; read it again."};
  }
  PagePool& open = pool(PageStep::open);
  const bool windowed = shape_.n_windowed() > 0;
  Need wanted = need(sequence, n);
  const auto short_of_open = [&] { return wanted.blocks > open.n_free(); };
  const auto too_few = [&] { return wanted.blocks > std::min(open.n_free(), n_free_blocks()); };
  while (too_few() && reclaimer_ && reclaimer_(short_of_open())) wanted = need(sequence, n);
  if (short_of_open() && shape_.policy.closes_pages()) {
    // Rather early in few bits than not at all.
    PagePolicy urgent = shape_.policy;
    urgent.n_recent = 0;
    for (Sequence& one : sequences_) FW_TRY(close_pages(one, urgent));
  }
  if (too_few() || (windowed && !make_window_room(PageStep::open, wanted.blocks))) {
    return Error{ErrorCode::out_of_memory, "The KV cache is full: it holds " +
                                               std::to_string(n_blocks_ * gpu::kPageSlots) +
                                               " tokens. Start with a larger --context."};
  }
  if (wanted.copies) {
    std::int32_t& last = sequence.blocks[static_cast<std::size_t>(sequence.length / gpu::kPageSlots)];
    const std::int32_t own = open.take(windowed);
    if (auto copied = encode({{last, own}}); !copied) {
      release(own);
      return copied;
    }
    release(last);
    last = own;
  }
  if (n > 0 && sequence.length % gpu::kPageSlots != 0) {
    const std::int32_t own = sequence.blocks[static_cast<std::size_t>(sequence.length / gpu::kPageSlots)];
    pool_of(own).twin(own) = kNoBlock;  // what is written into it now, its closed twin does not have
  }
  while (std::ssize(sequence.blocks) < blocks_for(sequence.length + n)) sequence.blocks.push_back(open.take(windowed));
  return {};
}

Result<void> KvCache::reserve_together(const std::map<SequenceId, std::int64_t>& slots) {
  before_these_ = n_uses_;
  Result<void> result;
  for (auto it = slots.begin(); result && it != slots.end(); ++it) result = reserve(it->first, it->second);
  before_these_ = std::numeric_limits<std::int64_t>::max();
  return result;
}

Result<void> KvCache::commit(SequenceId id, std::int64_t n) {
  Sequence& sequence = at(id);
  check(n >= 0 && sequence.length + n <= std::ssize(sequence.blocks) * gpu::kPageSlots, "commit needs reserved slots");
  sequence.length += n;
  sequence.revision = ++n_revisions_;
  if (shape_.n_windowed() > 0) free_unseen(sequence);
  return close_pages(sequence, shape_.policy);
}

std::int64_t KvCache::truncate(SequenceId id, std::int64_t length) {
  Sequence& sequence = at(id);
  check(length >= 0 && length <= sequence.length, "truncate only shortens");
  const auto inside = static_cast<std::size_t>(length / gpu::kPageSlots);
  if (length % gpu::kPageSlots != 0 && gpu::pool_of(sequence.blocks[inside]) != 0) length -= length % gpu::kPageSlots;
  sequence.length = length = usable_length(sequence, length);
  sequence.revision = ++n_revisions_;
  while (std::ssize(sequence.blocks) > blocks_for(length)) {
    release(sequence.blocks.back());
    sequence.blocks.pop_back();
  }
  return length;
}

// ---- encodings -----------------------------------------------------------------------------------------------------

Result<void> KvCache::close_pages(Sequence& sequence, const PagePolicy& policy) {
  std::vector<std::size_t> pages;
  std::vector<Move> moves;
  for (std::size_t page = 0; page < sequence.blocks.size(); ++page) {
    const std::int32_t block = sequence.blocks[page];
    const PageStep step = step_of(policy, static_cast<std::int64_t>(page), sequence.length);
    if (static_cast<std::int32_t>(step) <= gpu::pool_of(block)) continue;
    if (const std::int32_t twin = pool_of(block).twin(block); twin != kNoBlock) {
      pool_of(twin).hold(twin);
      sequence.blocks[page] = twin;
      release(block);
      continue;
    }
    const bool with_window = window_block(block) != kNoBlock;
    std::int32_t to = take(step, with_window);
    if (to == kNoBlock && step == PageStep::old) {
      const auto room = demote_one(moves);
      if (room && *room) to = take(step, with_window);
    }
    if (to == kNoBlock) continue;
    pages.push_back(page);
    moves.push_back({block, to});
  }
  if (moves.empty()) return {};
  if (auto done = encode(moves); !done) {
    for (const Move& move : moves) release(move.to);
    return done;
  }
  for (std::size_t i = 0; i < pages.size(); ++i) {
    pool_of(moves[i].from).twin(moves[i].from) = moves[i].to;
    pool_of(moves[i].to).attention(moves[i].to) = pool_of(moves[i].from).attention(moves[i].from);
    sequence.blocks[pages[i]] = moves[i].to;
    release(moves[i].from);
  }
  return {};
}

void KvCache::attend(SequenceId id, std::span<const float> shares) {
  const Sequence& sequence = at(id);
  check(shares.size() >= sequence.blocks.size(), "a share for each block");
  for (std::size_t page = 0; page < sequence.blocks.size(); ++page) {
    float& attention = pool_of(sequence.blocks[page]).attention(sequence.blocks[page]);
    attention = kAttentionDecay * attention + shares[page];
  }
}

Result<bool> KvCache::demote_one(std::span<const Move> under_way) {
  std::int32_t least = kNoBlock;
  std::pair<float, std::size_t> key;
  for (const Sequence& sequence : sequences_) {
    for (std::size_t page = 0; page < sequence.blocks.size(); ++page) {
      const std::int32_t block = sequence.blocks[page];
      if (gpu::pool_of(block) != static_cast<std::int32_t>(PageStep::old) || std::ranges::find(under_way, block, &Move::from) != under_way.end()) continue;
      const std::pair candidate{pool_of(block).attention(block), page};
      if (least == kNoBlock || candidate < key) std::tie(least, key) = std::tie(block, candidate);
    }
  }
  if (least == kNoBlock) return false;
  const std::int32_t to = take(PageStep::coarse, window_block(least) != kNoBlock);
  if (to == kNoBlock) return false;
  pool_of(to).attention(to) = key.first;
  auto done = encode({{least, to}});
  for (Sequence& sequence : sequences_) {
    for (std::int32_t& block : sequence.blocks) {
      if (!done || block != least) continue;
      pool_of(to).hold(to);
      release(least);
      block = to;
    }
  }
  release(to);
  if (!done) return done.error();
  return true;
}

Result<void> KvCache::encode(const std::vector<Move>& moves) {
  FW_TRY(in_layers(false, &gpu::Backend::encode_pages, moves));
  std::vector<Move> seen;
  for (const Move& move : moves) {
    if (window_block(move.to) != kNoBlock) seen.push_back({window_block(move.from), window_block(move.to)});
  }
  return in_layers(true, &gpu::Backend::encode_pages, seen);
}

Result<void> KvCache::accept(SequenceId id, std::span<const std::int32_t> rows) {
  const Sequence& sequence = at(id);
  const auto block_at = [&](std::int64_t slot) { return sequence.blocks[static_cast<std::size_t>(slot / gpu::kPageSlots)]; };
  const auto place = [](std::int32_t block, std::int64_t slot) {
    return static_cast<std::int32_t>(block * gpu::kPageSlots + slot % gpu::kPageSlots);
  };
  std::vector<Move> moves, seen;
  for (std::int64_t i = 0; i < std::ssize(rows); ++i) {
    const std::int64_t row = rows[static_cast<std::size_t>(i)], from = sequence.length + row, to = sequence.length + i;
    check(row >= i && (i == 0 || row > rows[static_cast<std::size_t>(i - 1)]), "accepted rows ascend");
    check(from < std::ssize(sequence.blocks) * gpu::kPageSlots, "accept needs reserved slots");
    if (row == i) continue;
    moves.push_back({place(block_at(from), from), place(block_at(to), to)});
    seen.push_back({place(window_block(block_at(from)), from), place(window_block(block_at(to)), to)});
  }
  FW_TRY(in_layers(false, &gpu::Backend::copy_slots, moves));
  FW_TRY(in_layers(true, &gpu::Backend::copy_slots, seen));
  return commit(id, std::ssize(rows));
}

Result<void> KvCache::in_layers(bool windowed, PairOp op, std::span<const Move> moves) {
  if (windowed && shape_.n_windowed() == 0) return {};
  const auto upload = [&](std::span<const Move> some, std::int32_t Move::*side, std::int64_t row) {
    std::vector<std::int32_t> values;
    for (const Move& move : some) values.push_back(move.*side);
    const std::int64_t offset = row * n_blocks_ * static_cast<std::int64_t>(sizeof(std::int32_t));
    const gpu::Tensor view{indices_.get(), offset, std::ssize(values), 1, 1, gpu::DType::i32};
    backend_->write(view, std::as_bytes(std::span(values)));
    return view;
  };
  const auto room = static_cast<std::size_t>(n_blocks_);
  for (std::size_t first = 0; first < moves.size(); first += room) {
    const auto some = moves.subspan(first, std::min(room, moves.size() - first));
    const gpu::Tensor sources = upload(some, &Move::from, 0), targets = upload(some, &Move::to, 1);
    for (std::int64_t il = 0; il < shape_.n_layers; ++il) {
      if (shape_.is_windowed(il) == windowed) (backend_->*op)(layer(il), sources, targets);
    }
    FW_TRY(backend_->submit());
  }
  return {};
}

}  // namespace foreword::engine

#pragma once
// The KV cache: pages of 64 slots, handed out to sequences block by block (after PagedAttention; Kwon et al. 2023). A block
// id means the same 64 slots in every layer. Blocks are counted: sequences share them, and a shared block is copied before
// it is written. Fresh tokens go to the open pool, exact; old blocks move to closed pools in few bits as the policy says
// (backend: encode_pages). In layers with a sliding window a block has pages only as long as something can see them. Owns
// the device memory. Engine desk only.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/kv/page_policy.h"
#include "engine/kv/page_pool.h"
#include "gpu/backend.h"

namespace foreword::engine {

struct KvShape {
  std::int64_t n_layers = 0;
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
  gpu::DType dtype = gpu::DType::f16;  // of open pages: f16 or f32
  PagePolicy policy = {};
  std::int64_t window = 0;             // positions that a row of a windowed layer sees, itself included; 0: no such layers
  std::vector<bool> windowed = {};     // [n_layers] if window > 0

  gpu::KvEncoding open() const;
  bool is_windowed(std::int64_t layer) const { return window > 0 && windowed[static_cast<std::size_t>(layer)]; }
  std::int64_t n_windowed() const;
  /// What a token costs once it is old, where no layer has a window.
  std::int64_t bytes_per_slot() const;
};

using SequenceId = std::int32_t;

class KvCache {
 public:
  /// Room for n_slots tokens in all sequences together, rounded up to whole blocks. max_bytes: if all of them cannot be in
  /// the policy's encoding for old pages, the least attended of them go one step further down (0: no such bound).
  /// `out_of_memory` names the size. The backend must outlive the cache.
  static Result<KvCache> create(gpu::Backend& backend, const KvShape& shape, std::int64_t n_slots, std::int64_t max_bytes = 0);
  /// Bytes of device memory that create() would take without a bound, and with the lowest one that it can obey.
  static std::int64_t bytes_for(const KvShape& shape, std::int64_t n_slots);
  static std::int64_t least_bytes_for(const KvShape& shape, std::int64_t n_slots);

  SequenceId add_sequence();
  /// A new sequence that begins with all that this one holds, at the price of no page.
  SequenceId fork(SequenceId id);
  /// Gives the sequence's blocks back; the id may be given out again.
  void remove_sequence(SequenceId id);

  /// Tokens that are stored and accepted.
  std::int64_t length(SequenceId id) const { return at(id).length; }
  /// Another number after anything was committed to the sequence or cut off, and for a sequence that got the id of another; 0 if
  /// there is none of this id. Never a number again that it had before. Pages may move without it.
  std::int64_t revision(SequenceId id) const;
  /// Blocks in slot order; slot s lies in blocks[s / 64]. gpu::pool_of() tells the pool, a PageStep.
  const std::vector<std::int32_t>& blocks(SequenceId id) const { return at(id).blocks; }
  /// The same block in the layers with a window, or kNoBlock where nothing sees it any more.
  std::int32_t window_block(std::int32_t block) const { return pool_of(block).window_of(block); }

  /// What is asked before the cache says that it is full: give a block back that is not needed now, from the open pool if
  /// that is what is short. False: there is none. May truncate and remove any sequence but those in use.
  using Reclaimer = std::function<bool(bool open_pool)>;
  void set_reclaimer(Reclaimer reclaimer) { reclaimer_ = std::move(reclaimer); }

  /// Makes sure that slots [length, length + n) exist and belong to this sequence alone. `out_of_memory` if the cache is
  /// full and nothing can be reclaimed; the tokens of the sequences in use are as before then. May copy and close pages,
  /// and so submit(). Sequences that were not used for long may lose what windowed layers would have to see; truncate()
  /// before they go on.
  Result<void> reserve(SequenceId id, std::int64_t n);
  /// The same for sequences that are used in one pass: none takes from another what windowed layers see.
  Result<void> reserve_together(const std::map<SequenceId, std::int64_t>& slots);
  /// Whether windowed layers have all that the next token would see.
  bool is_whole(SequenceId id) const { return usable_length(at(id), at(id).length) == at(id).length; }
  /// The first n reserved slots after length now hold accepted tokens. Closes and demotes pages that became old, and then
  /// submits (what went wrong there leaves them as they are); frees what lies wholly outside the window.
  Result<void> commit(SequenceId id, std::int64_t n);
  /// Whether pages may be sent down for want of memory, so that it counts who looks at them.
  bool may_demote() const { return shape_.policy.coarse && pools_[2].size() > 0; }
  /// The newest row of the sequence gave these shares of its attention to its blocks, in the head and layer that gave most.
  /// Earlier rows count 0.98 times as much with each call.
  void attend(SequenceId id, std::span<const float> shares);
  float attention(std::int32_t block) const { return pool_of(block).attention(block); }
  /// As commit() for a tree of drafts: of the reserved slots after length, those numbered `rows` (from 0, ascending) hold the
  /// accepted tokens, in this order. They move together; the others are free to be written again.
  Result<void> accept(SequenceId id, std::span<const std::int32_t> rows);
  /// How many tokens from here on see the same encodings in one batch as they would one by one: pages that would close in
  /// between are a difference. At least 1; no bound for a policy that closes nothing.
  std::int64_t n_steady(SequenceId id) const { return steady_tokens(shape_.policy, at(id).length); }
  /// Forgets the tokens from `length` on and gives back blocks that are no longer needed. Gives the length that is left:
  /// less than asked for if that lies inside a closed page, which cannot be written again, or if windowed layers have lost
  /// what they would have to see; those tokens are to be read anew.
  std::int64_t truncate(SequenceId id, std::int64_t length);

  // A page as it leaves this memory and comes back: for each layer and head the K tile, then the V tile; of a page that is
  // not full the rows of its n tokens alone, which an encoding without scales allows. Where a windowed layer has lost its
  // pages, zeros stand for them, and mean that they are lost.
  gpu::KvEncoding encoding_of(std::int32_t block) const { return layers_.front().pool(gpu::pool_of(block)).encoding; }
  std::int64_t page_bytes(gpu::KvEncoding encoding, std::int64_t n) const;
  /// Nothing may be pending on the backend. out: page_bytes(); not to be used if the device failed.
  Result<void> read_page(std::int32_t block, std::int64_t n, std::span<std::byte> out);
  /// n more tokens, whose page comes from outside; the length so far is a multiple of 64. `corrupt` if no pool has that
  /// encoding, the number of bytes is wrong, or a page that is not full lacks a windowed layer's part; `out_of_memory` as reserve(). After the last one, truncate() tells how much of
  /// it all can be used.
  Result<void> append_page(SequenceId id, gpu::KvEncoding encoding, std::int64_t n, std::span<const std::byte> bytes);

  gpu::KvLayer layer(std::int64_t index) const { return layers_[static_cast<std::size_t>(index)]; }
  const KvShape& shape() const { return shape_; }
  /// Blocks that can still be handed out, whatever their pool.
  std::int64_t n_free_blocks() const;
  /// Of all buffers with pages, as the device gave them.
  std::int64_t total_bytes() const;

 private:
  struct Sequence {
    std::vector<std::int32_t> blocks;
    std::int64_t length = 0;
    std::int64_t last_use = 0;  // number of the reserve()
    std::int64_t revision = 0;
    bool used = false;
  };
  struct Move {
    std::int32_t from, to;
  };
  /// Fresh blocks that reserve(id, n) has to find, and whether one of them becomes a copy of a shared page.
  struct Need {
    std::int64_t blocks = 0;
    bool copies = false;
  };

  const Sequence& at(SequenceId id) const;
  Sequence& at(SequenceId id);
  PagePool& pool_of(std::int32_t block) { return pools_[static_cast<std::size_t>(gpu::pool_of(block))]; }
  const PagePool& pool_of(std::int32_t block) const { return pools_[static_cast<std::size_t>(gpu::pool_of(block))]; }
  PagePool& pool(PageStep step) { return pools_[static_cast<std::size_t>(step)]; }

  /// A block of the pool, or kNoBlock if there is none; with_window: with pages in the windowed layers, if there are any.
  std::int32_t take(PageStep step, bool with_window);
  Need need(const Sequence& sequence, std::int64_t n) const;
  bool make_window_room(PageStep step, std::int64_t n);
  void release(std::int32_t block);
  void free_unseen(Sequence& sequence);
  std::int64_t usable_length(const Sequence& sequence, std::int64_t length) const;

  Result<void> close_pages(Sequence& sequence, const PagePolicy& policy);
  /// Sends the least attended old page one step down. False: there is none, or no place for it.
  Result<bool> demote_one(std::span<const Move> under_way = {});
  Result<void> encode(const std::vector<Move>& moves);
  using PairOp = void (gpu::Backend::*)(const gpu::KvLayer&, const gpu::Tensor& from, const gpu::Tensor& to);
  Result<void> in_layers(bool windowed, PairOp op, std::span<const Move> moves);
  /// Calls visit(run, lost) for the rows of a page's tiles one by one, or for all together where they lie together. lost: the
  /// layer has no such page any more.
  template <class Visit>
  void each_run(std::int32_t block, std::int64_t n, Visit visit) const;

  gpu::Backend* backend_ = nullptr;
  KvShape shape_;
  std::int64_t n_blocks_ = 0;
  std::vector<std::unique_ptr<gpu::Buffer>> buffers_;  // one a layer and pool
  std::unique_ptr<gpu::Buffer> indices_;               // i32 [2, n_blocks], of in_layers()
  std::vector<gpu::KvLayer> layers_;
  std::array<PagePool, 3> pools_;                      // by PageStep
  std::vector<Sequence> sequences_;
  std::int64_t n_uses_ = 0, n_revisions_ = 0;
  std::int64_t before_these_ = std::numeric_limits<std::int64_t>::max();  // the last use before those that are reserved for together
  Reclaimer reclaimer_;
};

}  // namespace foreword::engine

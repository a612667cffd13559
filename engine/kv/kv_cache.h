#pragma once
// The KV cache: pages of 64 slots, handed out to sequences block by block (after PagedAttention; Kwon et al. 2023). A block
// id means the same 64 slots in every layer. Blocks are counted: sequences share them, and a shared block is copied before
// it is written. Fresh tokens go to the open pool, exact; old blocks move to the closed pool in few bits as the policy says
// (backend: encode_pages). Owns the device memory. Engine desk only.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/kv/page_policy.h"
#include "gpu/backend.h"

namespace foreword::engine {

struct KvShape {
  std::int64_t n_layers = 0;
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
  gpu::DType dtype = gpu::DType::f16;  // of open pages: f16 or f32
  PagePolicy policy = {};

  gpu::KvEncoding open() const;
  /// What a token costs once it is old.
  std::int64_t bytes_per_slot() const;
};

using SequenceId = std::int32_t;

class KvCache {
 public:
  /// Room for n_slots tokens in all sequences together, rounded up to whole blocks. `out_of_memory` names the size. The
  /// backend must outlive the cache.
  static Result<KvCache> create(gpu::Backend& backend, const KvShape& shape, std::int64_t n_slots);
  /// Bytes of device memory that create() would take.
  static std::int64_t bytes_for(const KvShape& shape, std::int64_t n_slots);

  SequenceId add_sequence();
  /// A new sequence that begins with all that this one holds, at the price of no page.
  SequenceId fork(SequenceId id);
  /// Gives the sequence's blocks back; the id may be given out again.
  void remove_sequence(SequenceId id);

  /// Tokens that are stored and accepted.
  std::int64_t length(SequenceId id) const { return at(id).length; }
  /// Blocks in slot order; slot s lies in blocks[s / 64]. gpu::pool_of() tells the pool: 0 open, 1 closed.
  const std::vector<std::int32_t>& blocks(SequenceId id) const { return at(id).blocks; }

  /// What is asked before the cache says that it is full: give a block back that is not needed now, from the open pool if
  /// that is what is short. False: there is none. May truncate and remove any sequence but those in use.
  using Reclaimer = std::function<bool(bool open_pool)>;
  void set_reclaimer(Reclaimer reclaimer) { reclaimer_ = std::move(reclaimer); }

  /// Makes sure that slots [length, length + n) exist and belong to this sequence alone. `out_of_memory` if the cache is
  /// full and nothing can be reclaimed; the tokens of the sequences in use are as before then. May copy and close pages,
  /// and so submit().
  Result<void> reserve(SequenceId id, std::int64_t n);
  /// The first n reserved slots after length now hold accepted tokens. Closes pages that became old, and then submits; what
  /// went wrong there leaves them open.
  Result<void> commit(SequenceId id, std::int64_t n);
  /// As commit() for a tree of drafts: of the reserved slots after length, those numbered `rows` (from 0, ascending) hold the
  /// accepted tokens, in this order. They move together; the others are free to be written again.
  Result<void> accept(SequenceId id, std::span<const std::int32_t> rows);
  /// How many tokens from here on see the same encodings in one batch as they would one by one: pages that would close in
  /// between are a difference. At least 1; no bound for a policy that closes nothing.
  std::int64_t n_steady(SequenceId id) const { return steady_tokens(shape_.policy, at(id).length); }
  /// Forgets the tokens from `length` on and gives back blocks that are no longer needed. Gives the length that is left:
  /// less than asked for if that lies inside a closed page, which cannot be written again; its tokens are to be read anew.
  std::int64_t truncate(SequenceId id, std::int64_t length);

  // A page as it leaves this memory and comes back: for each layer and head the K tile, then the V tile; of a page that is
  // not full the rows of its n tokens alone, which an encoding without scales allows.
  gpu::KvEncoding encoding_of(std::int32_t block) const { return layers_.front().pool(gpu::pool_of(block)).encoding; }
  std::int64_t page_bytes(gpu::KvEncoding encoding, std::int64_t n) const;
  /// Nothing may be pending on the backend. out: page_bytes().
  void read_page(std::int32_t block, std::int64_t n, std::span<std::byte> out);
  /// n more tokens, whose page comes from outside; the length so far is a multiple of 64. `corrupt` if no pool has that
  /// encoding or the number of bytes is wrong, `out_of_memory` as reserve().
  Result<void> append_page(SequenceId id, gpu::KvEncoding encoding, std::int64_t n, std::span<const std::byte> bytes);

  gpu::KvLayer layer(std::int64_t index) const { return layers_[static_cast<std::size_t>(index)]; }
  const KvShape& shape() const { return shape_; }
  /// Blocks that can still be handed out, whatever their pool.
  std::int64_t n_free_blocks() const { return n_blocks_ - open_.n_used() - closed_.n_used(); }
  std::int64_t total_bytes() const { return bytes_for(shape_, n_blocks_ * gpu::kPageSlots); }

 private:
  struct Sequence {
    std::vector<std::int32_t> blocks;
    std::int64_t length = 0;
    bool used = false;
  };
  // Places of one pool, with how many sequences hold each.
  class Places {
   public:
    Places() = default;
    Places(std::int32_t pool, std::int64_t n);
    std::int32_t take();  // a block, held once; there must be a free one
    void hold(std::int32_t block) { ++holders(block); }
    /// Whether nobody holds it any more.
    bool release(std::int32_t block);
    bool shared(std::int32_t block) const { return holders_[static_cast<std::size_t>(gpu::place_of(block))] > 1; }
    std::int64_t n_free() const { return std::ssize(free_); }
    std::int64_t n_used() const { return std::ssize(holders_) - n_free(); }

   private:
    std::int32_t& holders(std::int32_t block) { return holders_[static_cast<std::size_t>(gpu::place_of(block))]; }

    std::vector<std::int32_t> holders_;
    std::vector<std::int32_t> free_;  // taken from the back
  };

  const Sequence& at(SequenceId id) const;
  Sequence& at(SequenceId id);
  Places& places_of(std::int32_t block) { return gpu::pool_of(block) == 0 ? open_ : closed_; }
  void release(std::int32_t block);
  /// Fresh blocks that reserve(id, n) has to find, and whether one of them becomes a copy of a shared page.
  struct Need {
    std::int64_t blocks = 0;
    bool copies = false;
  };
  Need need(const Sequence& sequence, std::int64_t n) const;
  /// Calls the rows of a page's tiles one by one, or all together where they lie together.
  template <class Visit>
  void each_run(std::int32_t block, std::int64_t n, Visit visit) const;
  Result<void> close_pages(Sequence& sequence, const PagePolicy& policy);
  Result<void> encode(std::span<const std::int32_t> from, std::span<const std::int32_t> to);
  using PairOp = void (gpu::Backend::*)(const gpu::KvLayer&, const gpu::Tensor& from, const gpu::Tensor& to);
  Result<void> in_every_layer(PairOp op, std::span<const std::int32_t> from, std::span<const std::int32_t> to);

  gpu::Backend* backend_ = nullptr;
  KvShape shape_;
  std::int64_t n_blocks_ = 0;
  std::vector<std::unique_ptr<gpu::Buffer>> buffers_;  // one a layer and pool
  std::unique_ptr<gpu::Buffer> indices_;               // i32 [2, n_blocks], of in_every_layer()
  std::vector<gpu::KvLayer> layers_;
  Places open_, closed_;
  std::vector<std::int32_t> twins_;  // for each open place the closed block that holds the same, or -1
  std::vector<Sequence> sequences_;
  Reclaimer reclaimer_;
};

}  // namespace foreword::engine

#pragma once
// From ops to launches. An op's launches all go to one stream, one after the other, so nothing has to be kept apart. Scratch memory
// is asked for in a first pass over a step in which nothing is launched, so that the second finds it in one piece.

#include <cstddef>
#include <cstdint>

#include "gpu/cuda/abi.h"
#include "gpu/cuda/platform.h"
#include "gpu/cuda/rounding.cuh"
#include "gpu/cuda/values.cuh"

namespace foreword::gpu::cuda {

/// Scratch of the op at work, and of the rounded input that following products may share.
struct Arena {
  std::byte* base = nullptr;
  std::int64_t used = 0, most = 0;

  /// While there is no memory yet, only counted.
  std::byte* take(std::int64_t bytes) {
    std::byte* at = base == nullptr ? nullptr : base + used;
    used += (bytes + 255) / 256 * 256;
    most = used > most ? used : most;
    return at;
  }
};

/// What was rounded to 8 bits last; source.data = nullptr: nothing.
struct RoundedInput {
  View source;
  Rounded rounded;
};

inline constexpr int kMostParts = 3;

/// Weights of the products that come next: blocks of a kernel that leaves memory alone bring them nearer (fetch_ahead).
struct Ahead {
  const std::uint8_t* from[kMostParts];
  std::int64_t bytes[kMostParts];
  unsigned blocks;  // that are there for it, behind the kernel's own; 0: nothing to bring
};

struct Lowering {
  Stream stream;
  bool measuring = true;  // nothing is launched
  Books books;
  Arena rounded, scratch;
  RoundedInput input;
  int n_launches = 0;
  unsigned n_processors = 0;
  std::int64_t ahead_bytes = 0;  // most that is brought to the cache before it is needed
  Ahead ahead{};                 // what the op at work may bring
  bool shares_rounding = true;   // off: every product rounds its input itself, with the same result to the bit

  template <class... P, class... A>
  void launch(Grid grid, int threads, std::size_t shared_bytes, void (*kernel)(P...), A... args) {
    if (measuring || grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    ++n_launches;
    cuda::launch(grid, threads, shared_bytes, stream, kernel, args...);
  }
};

/// Products that one launch does, if they have one format: all round their input in the same way, or not at all.
enum class Way {
  by_slots,  // several rows together, those of experts sorted by expert
  one,       // blocks for each row of the result, and the activation that follows if op->after says so
  gated,     // the same for both parts, or the halves of one, and their gated product
  combined,  // blocks for each row of the experts' sum
};
struct Products {
  const LinearOp* parts[kMostParts];
  int n;
  Way way;
  const ProductsOp* op;    // whose parts they are; of what follows kAfterAdd is done in any way
  std::int64_t made_terms;  // in how many the gated or activated product is rounded; 0: not at all
};

// One function an op. products.cu, float_products.cu
void lower(Lowering& to, const Products& products);
void launch_floats(Lowering& to, const struct Target& target, const LinearOp& first, Way way, std::int64_t n_rows, std::int64_t tile);
/// In how many terms the product rounds its input; 0: not at all.
std::int64_t rounded_terms(const LinearOp& op);
bool has_rounded(const Lowering& to, const View& x, std::int64_t terms);
/// Memory for x rounded; from now on it is the one that was rounded last. `beside`: what was so is still needed.
Rounded room_for_rounded(Lowering& to, const View& x, std::int64_t cols, std::int64_t terms, std::int64_t n_slots, bool beside = false);
/// What a norm makes last.
inline const View& made_by(const NormOp& op) { return op.next_out.data != nullptr ? op.next_out : op.sum.data != nullptr ? op.sum : op.out; }
// rows.cu. `terms` > 0: what is made last is rounded too, for the products that follow.
void lower(Lowering& to, const EmbedOp& op);
void lower(Lowering& to, const NormOp& op, std::int64_t terms);
void lower(Lowering& to, const RopeOp& op);
void lower(Lowering& to, const ElementwiseOp& op, OpKind kind, std::int64_t terms);
void lower(Lowering& to, const GatherOp& op);
// experts.cu
void lower(Lowering& to, const RouteOp& op, std::int64_t terms);
void lower(Lowering& to, const CombineOp& op);
// top_k.cu
void lower(Lowering& to, const TopKOp& op);
// kv.cu
void lower(Lowering& to, const StoreKvOp& op);
void lower_encode_pages(Lowering& to, const CopyKvOp& op);
void lower_copy_slots(Lowering& to, const CopyKvOp& op);
// attention.cu
void lower(Lowering& to, const AttentionOp& op, std::int64_t terms);
/// The most columns of a head where a block may have so many bytes of shared memory.
std::int32_t widest_head(std::int32_t shared_bytes);

/// The launches of an op; `next` comes after it, or nullptr. A write launches nothing: it is the plugin's.
void lower(Lowering& to, const Op& op, const Op* next);
/// What scratch the step needs, in `most` of the arenas; then `to` is ready for launching it, once they have their memory.
void measure(Lowering& to, const Op* ops, std::int64_t n_ops);
/// Pointers into a copy of struct Codebooks.
Books books_at(const void* codebooks);

/// Output rows in tiles of a size whose rows use one expert. Both arrays absent: row i is in slot i, one expert.
struct Grouping {
  std::int64_t n_slots, tile;
  bool by_expert;          // also while pointers are not known yet
  const int* slot_row;     // output row, or -1: nothing
  const int* tile_expert;  // or -1: nothing in this tile
};
/// experts.cu: for op.experts.
Grouping group_by_expert(Lowering& to, const LinearOp& op, std::int64_t tile);

/// To the cache: what thread `thread` of `n_threads` does.
__device__ inline void bring(const std::uint8_t* from, std::int64_t bytes, std::int64_t thread, std::int64_t n_threads) {
  constexpr std::int64_t kLine = 128;
  for (std::int64_t at = thread * kLine; at < bytes; at += n_threads * kLine) prefetch(from + at);
}
/// What block `block` of ahead.blocks does.
__device__ inline void fetch_ahead(const Ahead& ahead, unsigned block) {
  const std::int64_t thread = std::int64_t{block} * blockDim.x + threadIdx.x, n_threads = std::int64_t{ahead.blocks} * blockDim.x;
  for (int i = 0; i < kMostParts; ++i) bring(ahead.from[i], ahead.bytes[i], thread, n_threads);
}

bool overlap(const View& a, const View& b);

constexpr unsigned blocks_for(std::int64_t n, std::int64_t per_block) { return static_cast<unsigned>((n + per_block - 1) / per_block); }

}  // namespace foreword::gpu::cuda

#pragma once
// Which kernel multiplies how many rows.

#include <algorithm>

#include "gpu/cuda/products_many.cuh"

namespace foreword::gpu::cuda {

template <Format kFormat>
void launch_product(Lowering& to, Product p, Way way, std::int64_t n_rows) {
  constexpr std::int64_t kFewSlots = 12 * kTile;  // more than 32 are done 32 at a time: what many make too few blocks of is done sooner so
  const bool few = way != Way::by_slots || p.tile_expert != nullptr || p.n_slots <= kFewSlots;
  const unsigned n_blocks = place_blocks(p, way, kTileRows * (few ? 1 : kBlockTiles));
  if (few && p.experts == nullptr) {  // no further than to blocks that are not there yet, nor more than the cache has room for
    const std::int64_t tile_bytes = p.x.units() * unit_bytes(kFormat);
    p.lookahead = std::min<std::int64_t>(3 * to.n_processors, to.ahead_bytes / (way == Way::gated ? 2 * tile_bytes : tile_bytes));
    p.own_bytes = std::min(tile_bytes, to.ahead_bytes / std::max(1u, to.n_processors));
  }
  const auto go = [&](std::int64_t n_rows_of_blocks, int threads, auto kernel) { to.launch({n_blocks, static_cast<unsigned>(n_rows_of_blocks)}, threads, 0, kernel, p); };
  if (way == Way::one) return go(n_rows, kOneThreads, multiply_one<kFormat, Way::one>);
  if (way == Way::gated) return go(n_rows, kOneThreads, multiply_one<kFormat, Way::gated>);
  if (way == Way::combined) return go(n_rows, kOneThreads, multiply_one<kFormat, Way::combined>);
  if (p.tile_expert != nullptr || p.n_slots <= kTile) return go(blocks_for(p.n_slots, kTile), kFewThreads, multiply_few<kFormat, 1>);
  if (p.n_slots <= 2 * kTile) return go(1, kFewThreads, multiply_few<kFormat, 2>);
  if (few) return go(blocks_for(p.n_slots, 4 * kTile), kFewThreads, multiply_few<kFormat, 4>);
  to.launch({n_blocks, blocks_for(p.n_slots, kTile * kBlockColumns)}, kManyThreads, std::size_t{Stage<kFormat>::kSharedBytes}, multiply_many<kFormat>, p);
}

struct ProductRow {
  Format format;
  void (*launch)(Lowering& to, Product p, Way way, std::int64_t n_rows);  // n_rows: of blocks, where they have a result row each
};
// products.cu, products_more.cu, which share the work of compiling
const ProductRow* product_row(Format format);
const ProductRow* more_product_row(Format format);

}  // namespace foreword::gpu::cuda

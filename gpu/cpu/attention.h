#pragma once
// Softmax attention over pages of 64 slots on one thread. Every page gives a partial result relative to its own
// largest logit, and partial results are merged in rising order of pages, so that a row's result depends neither on
// the rows beside it nor on who computes it. Slots count by position: a row of a tree, whose last ancestors lie
// scattered, gets the bits that it would get at the end of a chain.

#include <cstddef>
#include <cstdint>

#include "gpu/backend.h"
#include "gpu/cpu/kernels.h"

namespace foreword::gpu {

struct AttentionTask {
  const Kernels* kernels = nullptr;
  Tensor q, out;
  KvLayer layer;
  AttentionRows rows;
  AttentionParams params;
  std::int64_t parts = 1;  // into which the heads of a kv head are cut, at most as many as they are

  std::int64_t group() const { return params.n_heads / layer.n_kv_heads; }
  /// Rows that share the reading of a page.
  std::int64_t tile_rows() const;
  /// Parts for so many threads. Where those are more than kv heads, and there is much to see, the heads that share one are cut into
  /// parts that all read its pages: a tenth more work in all, but side by side. A head's bits are the same in any company.
  std::int64_t parts_worth(int n_threads) const;
  std::size_t scratch_bytes() const;
};

/// One part of the heads of one kv head for the rows [first, last), at most tile_rows() of them.
void attend(const AttentionTask& task, std::int64_t kv_head, std::int64_t part, std::int64_t first, std::int64_t last, std::byte* scratch);

}  // namespace foreword::gpu

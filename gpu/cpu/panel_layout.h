#pragma once
// Weights interleaved for the integer kernels, so that one stream of memory runs in the order of use. A tile of R rows lies
// block by block, and in a block word by word (4 bytes), each word with its R rows side by side; last comes the f16 of blocks
// whose size is no whole number of words. No byte is added or lost, but a kernel loads a vector where it had to gather and
// transpose one.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "gpu/backend.h"
#include "gpu/cpu/kernels.h"
#include "gpu/cpu/thread_pool.h"
#include "gpu/tensor.h"

namespace foreword::gpu {

/// Interleaves n_rows rows, at most kernels.tile_rows, as one tile, zeros behind the last row; `to` has room for a whole
/// tile.
void interleave_rows(const Kernels& kernels, const IntegerKernel& kernel, const std::byte* rows, std::int64_t n_rows,
                     std::int64_t row_bytes, const FormatInfo& format, std::byte* to);

/// Backend::arrange() of the processor: the weights that have an integer kernel, in one new buffer.
std::unique_ptr<Buffer> arrange_in_panels(std::span<WeightMatrix* const> weights, const Kernels& kernels,
                                          ThreadPool& pool, const Progress& go_on);

}  // namespace foreword::gpu

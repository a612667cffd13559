#include "gpu/cpu/panel_layout.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "engine/base/log.h"
#include "gpu/cpu/host_memory.h"
#include "gpu/cpu/linear.h"
#include "gpu/cpu/system.h"

namespace foreword::gpu {
namespace {

// What must stay free beside the copy: the cache, activations, and other programs.
constexpr double kRoomBeside = 1.1;
constexpr double kSpareBytes = 512.0 * (1 << 20);

// Tiles between two words on the progress: a tile is some ten kilobytes, from a slow disk half a millisecond.
constexpr std::size_t kTellEach = 64;

// One tile of one expert of a weight.
struct Piece {
  const WeightMatrix* weight = nullptr;
  const IntegerKernel* kernel = nullptr;
  std::int64_t expert = 0;
  std::int64_t row = 0;
  std::int64_t to = 0;  // bytes into the new buffer
};

// `bytes` of each of n_rows rows side by side, and zeros for those that are missing of `all`.
std::byte* interleave_unit(const std::byte* from, std::int64_t row_bytes, std::int64_t n_rows, std::int64_t all, std::size_t bytes,
                           std::byte* to) {
  for (std::int64_t r = 0; r < n_rows; ++r, to += bytes) std::memcpy(to, from + r * row_bytes, bytes);
  const std::size_t missing = static_cast<std::size_t>(all - n_rows) * bytes;
  std::memset(to, 0, missing);
  return to + missing;
}

}  // namespace

void interleave_rows(const Kernels& kernels, const IntegerKernel& kernel, const std::byte* rows, std::int64_t n_rows,
                     std::int64_t row_bytes, const FormatInfo& format, std::byte* to) {
  for (std::int64_t block = 0; block < row_bytes; block += format.block_bytes) {
    const std::byte* from = rows + block;
    for (std::int64_t at = 0; at < format.block_bytes; at += 4) {
      if (at == kernel.half_at) at += 2;
      if (at < format.block_bytes) to = interleave_unit(from + at, row_bytes, n_rows, kernels.tile_rows, 4, to);
    }
    if (kernel.half_at >= 0) to = interleave_unit(from + kernel.half_at, row_bytes, n_rows, kernels.tile_rows, 2, to);
  }
}

std::unique_ptr<Buffer> arrange_in_panels(std::span<WeightMatrix* const> weights, const Kernels& kernels,
                                          ThreadPool& pool, const Progress& go_on) {
  const std::int64_t tile = kernels.tile_rows;
  std::vector<Piece> pieces;
  std::vector<std::pair<WeightMatrix*, WeightMatrix>> moved;  // the weight, and what it becomes
  std::int64_t bytes = 0;
  for (WeightMatrix* weight : weights) {
    const IntegerKernel* kernel = integer_kernel(kernels, weight->format);
    if (kernel == nullptr || weight->tile_rows != 1) continue;
    WeightMatrix after = *weight;
    after.tile_rows = tile;
    after.offset = bytes;
    for (std::int64_t expert = 0; expert < weight->n_experts; ++expert) {
      for (std::int64_t row = 0; row < weight->rows; row += tile) {
        pieces.push_back({weight, kernel, expert, row, bytes + row * row_bytes(weight->format, weight->cols)});
      }
      bytes += after.expert_bytes();
    }
    bytes = (bytes + 63) / 64 * 64;
    moved.emplace_back(weight, after);
  }
  if (bytes == 0) return nullptr;
  if (static_cast<double>(bytes) * kRoomBeside + kSpareBytes > static_cast<double>(memory_info().available_bytes)) {
    log(LogLevel::info, "Not enough free memory to rearrange the weights; they are read as they lie in the file.");
    return nullptr;
  }
  auto buffer = allocate_host(static_cast<std::size_t>(bytes));
  if (!buffer) return nullptr;

  std::byte* to = (*buffer)->host();
  std::atomic<std::size_t> next{0};
  std::atomic<bool> given_up{false};
  pool.run([&](int thread) {
    std::size_t told = 0;
    for (std::size_t i = next++; i < pieces.size() && !given_up; i = next++) {
      if (thread == 0 && go_on && i - told >= kTellEach) {
        told = i;
        if (!go_on(static_cast<double>(i) / static_cast<double>(pieces.size()))) given_up = true;
      }
      const Piece& piece = pieces[i];
      const WeightMatrix& w = *piece.weight;
      const std::int64_t stride = row_bytes(w.format, w.cols);
      interleave_rows(kernels, *piece.kernel, expert_of(w, piece.expert) + piece.row * stride,
                      std::min(tile, w.rows - piece.row), stride, info(w.format), to + piece.to);
    }
  });
  if (given_up) return nullptr;
  for (auto& [weight, after] : moved) {
    after.buffer = buffer->get();
    *weight = after;
  }
  return std::move(*buffer);
}

}  // namespace foreword::gpu

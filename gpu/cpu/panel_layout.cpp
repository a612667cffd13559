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

// One tile of one expert of a weight.
struct Piece {
  const WeightMatrix* weight = nullptr;
  const IntegerKernel* kernel = nullptr;
  std::int64_t expert = 0;
  std::int64_t row = 0;
  std::int64_t to = 0;  // bytes into the new buffer
};

template <std::size_t kBytes>
void interleave_unit(const std::byte* from, std::int64_t row_bytes, std::int64_t n_rows, std::int64_t lanes,
                     std::byte* to) {
  for (std::int64_t r = 0; r < n_rows; ++r) std::memcpy(to + r * static_cast<std::int64_t>(kBytes), from + r * row_bytes, kBytes);
  std::memset(to + n_rows * static_cast<std::int64_t>(kBytes), 0, static_cast<std::size_t>(lanes - n_rows) * kBytes);
}

}  // namespace

void interleave_rows(const Kernels& kernels, const IntegerKernel& kernel, const std::byte* rows, std::int64_t n_rows,
                     std::int64_t row_bytes, const FormatInfo& format, std::byte* to) {
  const std::int64_t lanes = kernels.lanes, block_bytes = format.block_bytes;
  const std::int64_t chunk_bytes = kChunkCols / format.block_length * block_bytes;
  const auto each_block = [&](std::int64_t chunk, auto&& visit) {  // of all panels: its lanes' rows and where it begins
    for (std::int64_t row = 0; row < kernels.tile_rows; row += lanes) {
      const std::int64_t here = std::clamp(n_rows - row, std::int64_t{0}, lanes);
      for (std::int64_t at = chunk; at < std::min(row_bytes, chunk + chunk_bytes); at += block_bytes) {
        visit(rows + (here > 0 ? row * row_bytes : 0) + at, here);
      }
    }
  };
  for (std::int64_t chunk = 0; chunk < row_bytes; chunk += chunk_bytes) {
    each_block(chunk, [&](const std::byte* block, std::int64_t here) {
      for (std::int64_t at = 0; at < block_bytes; at += 4) {
        if (at == kernel.half_at) at += 2;
        if (at >= block_bytes) break;
        interleave_unit<4>(block + at, row_bytes, here, lanes, to);
        to += 4 * lanes;
      }
    });
    if (kernel.half_at < 0) continue;
    each_block(chunk, [&](const std::byte* block, std::int64_t here) {
      interleave_unit<2>(block + kernel.half_at, row_bytes, here, lanes, to);
      to += 2 * lanes;
    });
  }
}

std::unique_ptr<Buffer> arrange_in_panels(std::span<WeightMatrix* const> weights, const Kernels& kernels,
                                          ThreadPool& pool) {
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
  pool.run([&](int) {
    for (std::size_t i = next++; i < pieces.size(); i = next++) {
      const Piece& piece = pieces[i];
      const WeightMatrix& w = *piece.weight;
      const std::int64_t stride = row_bytes(w.format, w.cols);
      interleave_rows(kernels, *piece.kernel, expert_of(w, piece.expert) + piece.row * stride,
                      std::min(tile, w.rows - piece.row), stride, info(w.format), to + piece.to);
    }
  });
  for (auto& [weight, after] : moved) {
    after.buffer = buffer->get();
    *weight = after;
  }
  return std::move(*buffer);
}

}  // namespace foreword::gpu

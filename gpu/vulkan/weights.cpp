#include "gpu/vulkan/weights.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "engine/base/check.h"

namespace foreword::gpu::vulkan {
namespace {

constexpr std::uint64_t kLargestWindow = std::uint64_t{1} << 30;  // bytes of a window fit 32-bit addresses

void copy_rows(Format format, std::int64_t cols, std::int64_t n, const std::byte* rows, std::byte* tile) {
  std::memcpy(tile, rows, static_cast<std::size_t>(n * row_bytes(format, cols)));
}

constexpr std::uint32_t kApart = 64;  // formats.glsl: APART
constexpr std::int64_t kAlignment = 16;

// The pieces of a block in the order in which they lie apart.
struct Piece {
  std::int64_t at, bytes;  // of a block
};
struct Pieces {
  Format format;
  std::array<Piece, 4> pieces;
};
constexpr Pieces kPieces[] = {
    {Format::q4_0, {{{2, 16}, {0, 2}}}},
    {Format::q5_0, {{{6, 16}, {2, 4}, {0, 2}}}},
    {Format::q8_0, {{{2, 32}, {0, 2}}}},
    {Format::q6_k, {{{0, 128}, {128, 64}, {192, 16}, {208, 2}}}},
};
const Pieces* pieces_of(Format format) {
  const auto* it = std::ranges::find(kPieces, format, &Pieces::format);
  return it == std::end(kPieces) ? nullptr : it;
}

// A copy of a length that the compiler knows takes an instruction or two.
template <std::size_t kBytes>
std::byte* gather(const std::byte* from, std::int64_t step, std::int64_t n, std::byte* to) {
  for (std::int64_t i = 0; i < n; ++i, from += step, to += kBytes) std::memcpy(to, from, kBytes);
  return to;
}
std::byte* gather(std::int64_t bytes, const std::byte* from, std::int64_t step, std::int64_t n, std::byte* to) {
  switch (bytes) {
    case 2: return gather<2>(from, step, n, to);
    case 4: return gather<4>(from, step, n, to);
    case 16: return gather<16>(from, step, n, to);
    case 32: return gather<32>(from, step, n, to);
    case 64: return gather<64>(from, step, n, to);
    default: return check(bytes == 128, "a piece of a block"), gather<128>(from, step, n, to);
  }
}

// A row, which is a tile.
void part_row(Format format, std::int64_t cols, std::int64_t, const std::byte* row, std::byte* tile) {
  const std::int64_t block = info(format).block_bytes, n = cols / info(format).block_length;
  for (const Piece& piece : pieces_of(format)->pieces) {
    if (piece.bytes > 0) tile = gather(piece.bytes, row + piece.at, block, n, tile);
  }
}

}  // namespace

const WeightLayout kFileLayout{1, row_bytes, copy_rows};
const WeightLayout kPartsApart{1, row_bytes, part_row};

const WeightLayout& layout_of(const WeightMatrix& weight) {
  const bool apart = pieces_of(weight.format) != nullptr && row_bytes(weight.format, weight.cols) % kAlignment == 0 &&
                     dynamic_cast<const WeightBuffer*>(weight.buffer) != nullptr;
  return apart ? kPartsApart : kFileLayout;
}

std::uint32_t format_id(const WeightMatrix& weight) {
  return static_cast<std::uint32_t>(weight.format) + (&layout_of(weight) == &kPartsApart ? kApart : 0);
}

Result<std::vector<WeightWindow>> Weights::resident(const WeightMatrix& weight, const Progress& go_on) {
  if (const auto* here = dynamic_cast<const DeviceBuffer*>(weight.buffer)) {
    const std::int64_t rows = weight.rows * weight.n_experts;
    const auto bytes = static_cast<std::uint64_t>(rows * row_bytes(weight.format, weight.cols));
    // With the word behind the last, as far as the buffer goes.
    const std::uint64_t offset = static_cast<std::uint64_t>(weight.offset), left = here->range().bytes - offset;
    return std::vector<WeightWindow>{{here->range().part(offset, std::min(bytes + 8, left)), 0, rows}};
  }
  const auto* file = dynamic_cast<const WeightBuffer*>(weight.buffer);
  check(file != nullptr, "a weight in a buffer of this backend");
  // What lies on the device is no part of what the buffer says, so a const view may bring it about.
  auto& residents = const_cast<WeightBuffer*>(file)->residents_;
  const WeightBuffer::Key key{weight.offset, weight.rows, weight.n_experts};
  auto it = residents.find(key);
  if (it == residents.end()) {
    FW_ASSIGN(auto fresh, copy(weight, file->file_bytes().subspan(static_cast<std::size_t>(weight.offset)), go_on));
    it = residents.emplace(key, std::move(fresh)).first;
  }
  return it->second.windows;
}

Result<WeightBuffer::Resident> Weights::copy(const WeightMatrix& weight, std::span<const std::byte> bytes, const Progress& go_on) {
  const WeightLayout& layout = layout_of(weight);
  const std::int64_t tiles_of_expert = (weight.rows + layout.tile_rows - 1) / layout.tile_rows;
  const std::int64_t n_tiles = tiles_of_expert * weight.n_experts;
  const auto tile_bytes = static_cast<std::uint64_t>(layout.tile_bytes(weight.format, weight.cols));
  const std::uint64_t largest = std::min({kLargestWindow, device_->features().max_range, device_->features().max_allocation});
  // Kernels read whole words, and the one behind the last (formats.glsl).
  const std::int64_t tiles_of_window = static_cast<std::int64_t>((largest - 256) / tile_bytes);
  if (tiles_of_window == 0) return Error{ErrorCode::unsupported, "A row of this model is too long for the graphics processor; choose --device cpu."};
  const std::int64_t file_row = row_bytes(weight.format, weight.cols);
  WeightBuffer::Resident resident;
  for (std::int64_t first = 0; first < n_tiles; first += tiles_of_window) {
    const std::int64_t n = std::min(tiles_of_window, n_tiles - first);
    const std::uint64_t window_bytes = static_cast<std::uint64_t>(n) * tile_bytes;
    FW_ASSIGN(auto buffer, memory_->allocate(window_bytes + 8));
    FW_TRY(transfer_.to_device(*buffer, 0, window_bytes, tile_bytes, [&](std::uint64_t at, std::span<std::byte> to) {
      const std::uint64_t come = static_cast<std::uint64_t>(first) * tile_bytes + at;
      if (go_on && !go_on(static_cast<double>(come) / static_cast<double>(static_cast<std::uint64_t>(n_tiles) * tile_bytes))) return false;
      for (std::uint64_t done = 0; done < to.size(); done += tile_bytes) {
        const std::int64_t tile = first + static_cast<std::int64_t>((at + done) / tile_bytes);
        const std::int64_t expert = tile / tiles_of_expert, row = tile % tiles_of_expert * layout.tile_rows;
        const std::int64_t rows = std::min(layout.tile_rows, weight.rows - row);
        std::byte* out = to.data() + done;
        if (rows < layout.tile_rows) std::memset(out, 0, tile_bytes);
        layout.pack(weight.format, weight.cols, rows, bytes.data() + (expert * weight.rows + row) * file_row, out);
      }
      return true;
    }));
    resident.windows.push_back({buffer->range(), first * layout.tile_rows, n * layout.tile_rows});
    resident.buffers.push_back(std::move(buffer));
  }
  return resident;
}

}  // namespace foreword::gpu::vulkan

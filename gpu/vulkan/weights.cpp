#include "gpu/vulkan/weights.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"

namespace foreword::gpu::vulkan {
namespace {

constexpr std::uint64_t kLargestWindow = std::uint64_t{1} << 30;  // bytes of a window fit 32-bit addresses

void copy_rows(Format format, std::int64_t cols, std::int64_t n, const std::byte* rows, std::byte* tile) {
  std::memcpy(tile, rows, static_cast<std::size_t>(n * row_bytes(format, cols)));
}

}  // namespace

const WeightLayout kFileLayout{1, row_bytes, copy_rows};

Result<std::vector<WeightWindow>> Weights::resident(const WeightMatrix& weight, const WeightLayout& layout, const Progress& go_on) {
  if (const auto* here = dynamic_cast<const DeviceBuffer*>(weight.buffer)) {
    check(&layout == &kFileLayout, "a weight in device memory lies as in the file");
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
  const WeightBuffer::Key key{weight.offset, weight.rows, weight.n_experts, &layout};
  auto it = residents.find(key);
  if (it == residents.end()) {
    FW_ASSIGN(auto fresh, copy(weight, layout, file->file_bytes().subspan(static_cast<std::size_t>(weight.offset)), go_on));
    it = residents.emplace(key, std::move(fresh)).first;
  }
  return it->second.windows;
}

Result<WeightBuffer::Resident> Weights::copy(const WeightMatrix& weight, const WeightLayout& layout, std::span<const std::byte> bytes,
                                             const Progress& go_on) {
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

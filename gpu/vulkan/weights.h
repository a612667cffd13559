#pragma once
// Weights on the device. import_weights() only remembers where the file lies in host memory; a weight is copied when it is first
// needed, in the layout that its kernel wants, and stays as long as the buffer of the file.

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "gpu/vulkan/transfer.h"

namespace foreword::gpu::vulkan {

/// How the rows of a weight lie on the device. Rows come in tiles of tile_rows, of tile_bytes() each, a multiple of 4; the last
/// tile of an expert may have rows of zeros at its end.
struct WeightLayout {
  std::int64_t tile_rows = 1;
  std::int64_t (*tile_bytes)(Format format, std::int64_t cols) = nullptr;
  /// n <= tile_rows rows as the file has them to one tile, which is zero before.
  void (*pack)(Format format, std::int64_t cols, std::int64_t n, const std::byte* rows, std::byte* tile) = nullptr;
};

/// Rows as in the file, one behind the other: row r at byte r * row_bytes(format, cols), whatever that is.
extern const WeightLayout kFileLayout;
/// Rows as long as in the file, but of a row first the codes of all its blocks, then what else blocks have, one kind after the other
/// (formats.glsl: APART). Codes can be read 16 bytes at a time then. For formats whose blocks are no multiple of 16 bytes, in rows that are.
extern const WeightLayout kPartsApart;
/// In which of them a weight lies on the device. One that is in a buffer of allocate() lies there as in the file.
const WeightLayout& layout_of(const WeightMatrix& weight);
/// Of layout_of() and the format, as formats.glsl has it.
std::uint32_t format_id(const WeightMatrix& weight);

/// Rows [first_row, first_row + n_rows), counted over all experts, each rounded up to whole tiles.
struct WeightWindow {
  Range range;
  std::int64_t first_row = 0, n_rows = 0;
};

/// What import_weights() gives.
class WeightBuffer final : public Buffer {
 public:
  explicit WeightBuffer(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::size_t bytes() const override { return bytes_.size(); }
  std::byte* host() const override { return nullptr; }
  std::span<const std::byte> file_bytes() const { return bytes_; }

 private:
  friend class Weights;
  struct Key {
    std::int64_t offset, rows, n_experts;
    auto operator<=>(const Key&) const = default;
  };
  struct Resident {
    std::vector<std::unique_ptr<DeviceBuffer>> buffers;
    std::vector<WeightWindow> windows;
  };

  std::span<const std::byte> bytes_;
  std::map<Key, Resident> residents_;
};

class Weights {
 public:
  Weights(std::shared_ptr<Device> device, std::shared_ptr<Memory> memory, Transfer& transfer)
      : device_(std::move(device)), memory_(std::move(memory)), transfer_(transfer) {}

  /// The weight's windows in layout_of(), each no larger than a binding may be. `out_of_memory`, `device_lost`, `cancelled` by `go_on`, which is told what share of this weight has come.
  /// They live as long as the weight's buffer.
  Result<std::vector<WeightWindow>> resident(const WeightMatrix& weight, const Progress& go_on = {});

 private:
  Result<WeightBuffer::Resident> copy(const WeightMatrix& weight, std::span<const std::byte> bytes, const Progress& go_on);

  std::shared_ptr<Device> device_;
  std::shared_ptr<Memory> memory_;
  Transfer& transfer_;
};

}  // namespace foreword::gpu::vulkan

#include "gpu/cuda/weights.h"

#include <algorithm>

#include "engine/base/check.h"
#include "gpu/cuda/packing.h"

namespace foreword::gpu {
namespace {

/// Smaller weights share memory of about this size.
constexpr std::size_t kSlabBytes = std::size_t{48} << 20;
/// The driver gives memory in whole pages of this size; what a weight leaves of its last one is for smaller weights.
constexpr std::size_t kPageBytes = std::size_t{2} << 20;
constexpr std::size_t kAlignment = 256;
/// Of the file's bytes that wait on the device to be packed.
constexpr std::int64_t kPieceBytes = std::int64_t{64} << 20;

constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

Result<std::unique_ptr<CudaBuffer>> allocate_cuda(const std::shared_ptr<CudaDevice>& device, std::size_t bytes) {
  constexpr std::size_t kUnit = 16;
  void* memory = nullptr;
  const std::size_t whole = std::max<std::size_t>((bytes + kUnit - 1) / kUnit, 1) * kUnit;
  const std::int32_t status = device->api.allocate(device->context, static_cast<std::int64_t>(whole), &memory);
  if (status == cuda::kOutOfMemory) {
    return Error{ErrorCode::out_of_memory, "The GPU has not " + human_bytes(static_cast<double>(bytes)) + " of memory to give (" +
                                               human_bytes(static_cast<double>(device->free_bytes())) +
                                               " are free); choose a smaller model or --context, fewer --gpu-layers, or --device cpu."};
  }
  if (status != cuda::kOk) return device->error(status);
  return std::make_unique<CudaBuffer>(device, memory, bytes);
}

Result<const std::uint8_t*> CudaWeights::resident(const WeightMatrix& weight, WeightUse use) {
  const bool packs = use == WeightUse::product && cuda::unit_bytes(weight.format) > 0;
  if (const auto* here = dynamic_cast<const CudaBuffer*>(weight.buffer)) {
    check(!packs, "a weight in device memory lies as in the file");
    return reinterpret_cast<const std::uint8_t*>(here->address() + weight.offset);
  }
  // What lies on the device is no part of what the buffer says, so a const view may bring it about.
  auto* file = const_cast<CudaFile*>(dynamic_cast<const CudaFile*>(weight.buffer));
  check(file != nullptr, "a weight in a buffer of this backend");
  const CudaFile::Key key{weight.offset, weight.rows, weight.n_experts, packs};
  auto it = file->residents_.find(key);
  if (it == file->residents_.end()) {
    FW_ASSIGN(std::byte* const to, packs ? bring_packed(*file, weight) : bring(*file, weight));
    it = file->residents_.emplace(key, to).first;
  }
  return reinterpret_cast<const std::uint8_t*>(it->second);
}

Result<std::byte*> CudaWeights::room(CudaFile& file, std::size_t bytes) {
  const std::size_t whole = std::max(round_up(bytes, kAlignment), kAlignment);
  const auto fits = [&](const CudaFile::Slab& slab) { return slab.buffer->bytes() - slab.used >= whole; };
  auto slab = std::ranges::find_if(file.slabs_, fits);
  if (slab == file.slabs_.end()) {
    // For a whole number of weights like this one, since most that follow are like it.
    const std::size_t n = std::max<std::size_t>(std::min(kSlabBytes, file.bytes_.size()) / whole, 1);
    FW_ASSIGN(auto fresh, allocate_cuda(device_, round_up(n * whole, kPageBytes)));
    slab = file.slabs_.insert(file.slabs_.end(), {std::move(fresh), 0});
  }
  slab->used += whole;
  return slab->buffer->address() + slab->used - whole;
}

Result<void> CudaWeights::upload(std::span<const std::byte> from, std::byte* to) {
  const std::int32_t status = device_->api.upload(device_->context, to, from.data(), std::ssize(from));
  if (status != cuda::kOk) return device_->error(status);
  return {};
}

Result<std::byte*> CudaWeights::bring(CudaFile& file, const WeightMatrix& weight) {
  const auto bytes = static_cast<std::size_t>(weight.n_experts * weight.rows * row_bytes(weight.format, weight.cols));
  FW_ASSIGN(std::byte* const to, room(file, bytes));
  FW_TRY(upload(file.bytes_.subspan(static_cast<std::size_t>(weight.offset), bytes), to));
  return to;
}

Result<std::byte*> CudaWeights::bring_packed(CudaFile& file, const WeightMatrix& weight) {
  const std::int64_t row = row_bytes(weight.format, weight.cols), all_rows = weight.rows * weight.n_experts;
  // Experts of whole tiles follow each other as the rows of one do.
  const bool in_one = weight.rows % cuda::kTileRows == 0;
  const std::int64_t rows = in_one ? all_rows : weight.rows, tile_bytes = cuda::packed_bytes(weight.format, cuda::kTileRows, weight.cols);
  const std::int64_t at_once = std::min(rows, std::max<std::int64_t>(kPieceBytes / row / cuda::kTileRows, 1) * cuda::kTileRows);
  // First, since room() is not given back: where memory ends here, none of it is lost.
  FW_ASSIGN(const auto waiting, allocate_cuda(device_, static_cast<std::size_t>(at_once * row)));
  FW_ASSIGN(std::byte* const all, room(file, static_cast<std::size_t>(weight.n_experts * cuda::packed_bytes(weight.format, weight.rows, weight.cols))));
  const auto bytes_of = [&](std::int64_t first, std::int64_t n) {
    return file.bytes_.subspan(static_cast<std::size_t>(weight.offset + first * row), static_cast<std::size_t>(n * row));
  };
  std::byte* to = all;
  for (std::int64_t first = 0; first < all_rows; first += rows) {
    for (std::int64_t done = 0; done < rows; done += at_once) {
      const std::int64_t n = std::min(at_once, rows - done);
      FW_TRY(upload(bytes_of(first + done, n), waiting->address()));
      const cuda::PackJob job{reinterpret_cast<const std::uint8_t*>(waiting->address()), reinterpret_cast<std::uint8_t*>(to), n, weight.cols,
                              static_cast<std::int64_t>(weight.format)};
      const std::int32_t status = device_->api.pack(device_->context, &job);
      if (status != cuda::kOk) return device_->error(status);
      to += cuda::tiles_of(n) * tile_bytes;
    }
  }
  return all;
}

}  // namespace foreword::gpu
